"""The article's four-layer network, described once for both frameworks.

Four times a 3x3 "same" convolution with bias, batch normalisation, ReLU and 2x2 max pooling; then global average
pooling, a dense layer of 128 with ReLU, and a dense layer of one logit a class.
"""

from __future__ import annotations

from itertools import pairwise

from tfpt_tui.events import ModelSummary

INPUT_CHANNELS = 3
CHANNELS = (32, 64, 128, 128)
KERNEL = 3
POOL = 2
HIDDEN = 128


def count_parameters(classes: int) -> tuple[int, int]:
    """Trainable and non-trainable parameters: 270,948 and 704 (271,652) with 100 classes, as in the article."""
    convolutions = sum(
        KERNEL * KERNEL * inputs * outputs + outputs for inputs, outputs in pairwise((INPUT_CHANNELS, *CHANNELS))
    )
    normalisations = 2 * sum(CHANNELS)  # scale and shift; as many again, mean and variance, are not trained
    dense = (CHANNELS[-1] + 1) * HIDDEN + (HIDDEN + 1) * classes
    return convolutions + normalisations + dense, normalisations


def check_parameters(summary: ModelSummary, classes: int) -> None:
    """Raise RuntimeError unless the framework built exactly the network that is compared."""
    wanted = count_parameters(classes)
    found = (summary.trainable, summary.non_trainable)
    if found != wanted or summary.total != sum(wanted):
        raise RuntimeError(f"the model has {found} trainable and other parameters where {wanted} are wanted")
