"""The article's four-layer network, described once for both frameworks.

Four times a 3x3 "same" convolution with bias, batch normalisation, ReLU and 2x2 max pooling; then global average
pooling, a dense layer of 128 with ReLU, and a dense layer of one logit a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from tfpt_tui.events import ModelSummary

INPUT_CHANNELS = 3
CHANNELS = (32, 64, 128, 128)
KERNEL = 3
POOL = 2
HIDDEN = 128

# What the track parity sets equal; elsewhere each framework has its own default.
PARITY_EPSILON = 1e-3  # of batch normalisation; Keras's default, PyTorch's is 1e-5
PARITY_MOMENTUM = 0.9  # share of the old running average that is kept; PyTorch's default, Keras's is 0.99
PARITY_ADAM_EPSILON = 1e-7  # Keras's default, PyTorch's is 1e-8

# Training images over which statistics of batch normalisation are computed anew, at most: every one of them adds a
# hundred pixels or more to each mean, and they take a CPU seconds.
RECALIBRATION_IMAGES = 4096


def count_parameters(classes: int) -> tuple[int, int]:
    """Trainable and non-trainable parameters: 270,948 and 704 (271,652) with 100 classes, as in the article."""
    convolutions = sum(
        KERNEL * KERNEL * inputs * outputs + outputs for inputs, outputs in pairwise((INPUT_CHANNELS, *CHANNELS))
    )
    normalisations = 2 * sum(CHANNELS)  # scale and shift; as many again, mean and variance, are not trained
    dense = (CHANNELS[-1] + 1) * HIDDEN + (HIDDEN + 1) * classes
    return convolutions + normalisations + dense, normalisations


def flops_per_image(classes: int, side: int) -> int:
    """Operations to train on one image of ``side`` x ``side`` pixels: about 74 million at 32 and 100 classes.

    A multiplication and an addition for every weight at every place it is used; the backward pass, for the inputs
    and for the weights, counts twice the forward pass (Kaplan et al. 2020, arXiv:2001.08361, section 2.1), but for
    the first layer, whose inputs are pixels. Normalisation, activation and pooling are left out: less than a
    hundredth.
    """
    dense = CHANNELS[-1] * HIDDEN + HIDDEN * classes
    return sum(one.flops for one in convolutions(side)) + 2 * 3 * dense


@dataclass(frozen=True)
class Convolution:
    """A convolution of the network on images of ``side`` pixels; ``flops`` to train it on one of them.

    The ``first`` one, whose inputs are pixels, has no gradient for them.
    """

    inputs: int
    outputs: int
    side: int
    first: bool

    @property
    def flops(self) -> int:
        passes = 2 if self.first else 3
        return 2 * passes * KERNEL * KERNEL * self.inputs * self.outputs * self.side**2


def convolutions(side: int) -> list[Convolution]:
    """The convolutions of the network for images of ``side`` x ``side`` pixels."""
    found = []
    for number, (inputs, outputs) in enumerate(pairwise((INPUT_CHANNELS, *CHANNELS))):
        found.append(Convolution(inputs, outputs, side, first=number == 0))
        side //= POOL
    return found


def check_parameters(summary: ModelSummary, classes: int) -> None:
    """Raise RuntimeError unless the framework built exactly the network that is compared."""
    wanted = count_parameters(classes)
    found = (summary.trainable, summary.non_trainable)
    if found != wanted or summary.total != sum(wanted):
        raise RuntimeError(f"the model has {found} trainable and other parameters where {wanted} are wanted")
