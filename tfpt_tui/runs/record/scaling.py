"""The short form: a few epochs of a row are run, and the time of all its epochs follows from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EpochEnd


@dataclass(frozen=True)
class Scaled:
    """Seconds of all epochs, of which only some were run; ``note`` must stand beside them wherever they are shown.

    ``epochs_s`` of them are the epochs' own, ``article_training_s`` those of the article's clock where it ran.
    """

    from_epochs: int
    to_epochs: int
    training_s: float
    epochs_s: float | None = None
    article_training_s: float | None = None

    @property
    def note(self) -> str:
        """Such as ``scaled from 1 epoch``."""
        return f"scaled from {self.from_epochs} epoch{'' if self.from_epochs == 1 else 's'}"


def scale(
    config: RunConfig, phases: Mapping[str, float], epochs: Sequence[EpochEnd], article_s: float | None
) -> Scaled | None:
    """None for a run of all epochs; ``article_s`` is the training by the article's clock where that ran."""
    to_epochs = config.epochs
    if config.epochs_trained == to_epochs or "training" not in phases or not epochs:
        return None
    epochs_s = scaled_s(epochs, to_epochs, compile_s(config, epochs))
    more_s = epochs_s - sum(epoch.seconds for epoch in epochs)
    return Scaled(
        from_epochs=len(epochs),
        to_epochs=to_epochs,
        training_s=phases["training"] + more_s,
        epochs_s=epochs_s,
        article_training_s=None if article_s is None else article_s + more_s,
    )


def scaled_s(epochs: Sequence[EpochEnd], to_epochs: int, compile_s: float) -> float:
    """Seconds of so many epochs: the first as it was, each of the others as the median of those after the first.

    The first is another: it warms up, compiles on the track published, and may fill a cache. A single epoch has to
    stand for all, but for what was spent ``compile_s``.
    """
    first_s, later_s = epochs[0].seconds, [epoch.seconds for epoch in epochs[1:]]
    later = statistics.median(later_s) if later_s else first_s - compile_s
    return first_s + (to_epochs - 1) * later


def compile_s(config: RunConfig, epochs: Sequence[EpochEnd]) -> float:
    """Seconds of the training that are spent once, however many epochs and images there are.

    What is traced and compiled is in the first batch of the first epoch, beside what later epochs wait for theirs.
    Of a single epoch only a first batch that includes its step tells it apart: the wait for another may be for
    loaders that start anew in every epoch.
    """
    framework = FRAMEWORKS.get(config.framework)
    includes_step = framework is not None and framework.first_batch_includes_step
    first = epochs[0]
    if epochs[1:]:
        usual_s = statistics.median(epoch.first_batch_s for epoch in epochs[1:])
    elif includes_step and config.is_known:
        images = first.images_per_s * first.seconds
        usual_s = usual_batch_s(first.seconds, first.first_batch_s, images, config.batch_size)
    else:
        return 0.0
    return max(first.first_batch_s - usual_s, 0.0)


def usual_batch_s(seconds: float, first_batch_s: float, images: float, batch_size: int) -> float:
    """Seconds of a batch after the first; those of the first where it is the only one."""
    batches = math.ceil(images / batch_size - 1e-6)  # as many images as a rate and its seconds tell
    return (seconds - first_batch_s) / (batches - 1) if batches > 1 else first_batch_s
