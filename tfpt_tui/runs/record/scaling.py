"""The short form: a few epochs of a row are run, and the time of all its epochs follows from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import epochs_trained
from tfpt_tui.events import EpochEnd


def scale(
    config: Mapping[str, Any], phases: Mapping[str, float], epochs: Sequence[EpochEnd], clock: Mapping[str, float]
) -> dict[str, float]:
    """The table ``scaled`` of a result: ``training_s`` for all epochs, and for the article's clock where it ran.

    ``epochs_s`` of them are the epochs' own. ``from_epochs`` and ``to_epochs`` must stand beside it wherever it is
    shown. Empty for a run of all epochs.
    """
    to_epochs = int(config.get("epochs", 0))
    if epochs_trained(config) == to_epochs or "training" not in phases or not epochs:
        return {}
    epochs_s = scaled_s(epochs, to_epochs, once_s(config, epochs))
    more_s = epochs_s - sum(epoch.seconds for epoch in epochs)
    article = {"article_training_s": clock["training_s"] + more_s} if clock else {}
    return {
        "from_epochs": len(epochs),
        "to_epochs": to_epochs,
        "training_s": phases["training"] + more_s,
        "epochs_s": epochs_s,
        **article,
    }


def scaled_s(epochs: Sequence[EpochEnd], to_epochs: int, once_s: float) -> float:
    """Seconds of so many epochs: the first as it was, each of the others as the median of those after the first.

    The first is another: it warms up, compiles on the track published, and may fill a cache. A single epoch has to
    stand for all, but for what was spent ``once_s``.
    """
    later = statistics.median(epoch.seconds for epoch in epochs[1:]) if epochs[1:] else epochs[0].seconds - once_s
    return epochs[0].seconds + (to_epochs - 1) * later


def once_s(config: Mapping[str, Any], epochs: Sequence[EpochEnd]) -> float:
    """Seconds of the training that are spent once, however many epochs and images there are.

    What is traced and compiled is in the first batch of the first epoch, beside what later epochs wait for theirs.
    Of a single epoch only a first batch that includes its step tells it apart: the wait for another may be for
    loaders that start anew in every epoch.
    """
    framework = FRAMEWORKS.get(str(config.get("framework", "")))
    includes_step = framework is not None and framework.first_batch_includes_step
    first = epochs[0]
    if epochs[1:]:
        usual_s = statistics.median(epoch.first_batch_s for epoch in epochs[1:])
    elif includes_step and "batch_size" in config:
        images = first.images_per_s * first.seconds
        usual_s = usual_batch_s(first.seconds, first.first_batch_s, images, int(config["batch_size"]))
    else:
        return 0.0
    return max(first.first_batch_s - usual_s, 0.0)


def usual_batch_s(seconds: float, first_batch_s: float, images: float, batch_size: int) -> float:
    """Seconds of a batch after the first; where there is none, the first one is taken to be as usual."""
    batches = math.ceil(images / batch_size - 1e-6)  # as many images as a rate and its seconds tell
    return (seconds - first_batch_s) / (batches - 1) if batches > 1 else first_batch_s


def scaled_note(result: Mapping[str, Any]) -> str:
    """Such as ``scaled from 1 epoch``; "" for a figure that was measured whole."""
    scaled = result.get("scaled")
    if not scaled:
        return ""
    count = scaled["from_epochs"]
    return f"scaled from {count} epoch{'' if count == 1 else 's'}"
