"""The short form: a few epochs of a row are run, and the time of all its epochs follows from them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfpt_tui.config.schema import epochs_trained
from tfpt_tui.events import EpochEnd

if TYPE_CHECKING:
    from tfpt_tui.runs.record import Record


def scale(config: Mapping[str, Any], record: Record, clock: Mapping[str, float]) -> dict[str, float]:
    """The table ``scaled`` of a result: ``training_s`` for all epochs, and for the article's clock where it ran.

    ``from_epochs`` and ``to_epochs`` must stand beside it wherever it is shown. Empty for a run of all epochs.
    """
    to_epochs = int(config.get("epochs", 0))
    if epochs_trained(config) == to_epochs or "training" not in record.phases or not record.epochs:
        return {}
    more_s = scaled_s(record.epochs, to_epochs) - sum(epoch.seconds for epoch in record.epochs)
    article = {"article_training_s": clock["training_s"] + more_s} if clock else {}
    return {
        "from_epochs": len(record.epochs),
        "to_epochs": to_epochs,
        "training_s": record.phases["training"] + more_s,
        **article,
    }


def scaled_s(epochs: Sequence[EpochEnd], to_epochs: int) -> float:
    """Seconds of so many epochs: the first as it was, each of the others as the median of those after the first.

    The first is another: it warms up, compiles on the track published, and may fill a cache. A single epoch has to
    stand for all.
    """
    later = epochs[1:] or epochs
    return epochs[0].seconds + (to_epochs - 1) * statistics.median(epoch.seconds for epoch in later)


def scaled_note(result: Mapping[str, Any]) -> str:
    """Such as ``scaled from 1 epoch``; "" for a figure that was measured whole."""
    scaled = result.get("scaled")
    if not scaled:
        return ""
    count = scaled["from_epochs"]
    return f"scaled from {count} epoch{'' if count == 1 else 's'}"
