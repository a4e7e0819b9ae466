"""What the events of a run amount to: folded one by one into a frozen record, live or long finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, pairwise

from tfpt_tui.config.schema import epochs_trained
from tfpt_tui.events import (
    Environment,
    EpochEnd,
    EvaluationEnd,
    ModelSummary,
    PhaseEnd,
    PhaseStart,
    Progress,
    RunEnd,
    RunStart,
    RunWarning,
    Slice,
    Stamped,
    StepProfile,
)


@dataclass(frozen=True)
class Record:
    """``phases`` are the seconds of finished phases, ``counters`` what the kernel counted in each; ``phase`` is
    the one under way, since ``phase_elapsed``.
    """

    start: RunStart | None = None
    environment: Environment | None = None
    model: ModelSummary | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    phase: str = ""
    phase_elapsed: float = 0.0
    progress: Progress | None = None
    epochs: tuple[EpochEnd, ...] = ()
    slices: tuple[Slice, ...] = ()
    profile: StepProfile | None = None
    evaluation: EvaluationEnd | None = None
    warnings: tuple[RunWarning, ...] = ()
    end: RunEnd | None = None
    started: float = 0.0
    time: float = 0.0
    elapsed: float = 0.0

    @property
    def device(self) -> str:
        """The device that the worker says to use, such as ``gpu:0``; "" before it has."""
        return str(self.environment.effective.get("device", "")) if self.environment else ""

    @property
    def epoch_progress(self) -> float:
        """The share of the phase under way that is done, 0 to 1."""
        return self.progress.done / self.progress.total if self.progress and self.progress.total else 0.0


def fold(record: Record, stamped: Stamped) -> Record:
    """The record after one more event."""
    record = replace(record, time=stamped.time, elapsed=stamped.elapsed)
    match stamped.event:
        case RunStart() as start:
            return replace(record, start=start, started=stamped.time)
        case Environment() as environment:
            return replace(record, environment=environment)
        case ModelSummary() as model:
            return replace(record, model=model)
        case PhaseStart(phase):
            return replace(record, phase=phase, phase_elapsed=stamped.elapsed, progress=None)
        case PhaseEnd(phase, seconds, counters):
            counted = {**record.counters, phase: counters} if counters else record.counters
            phases = {**record.phases, phase: seconds}
            return replace(record, phases=phases, counters=counted, phase="", progress=None)
        case Progress() as progress:
            return replace(record, progress=progress)
        case EpochEnd() as epoch:
            return replace(record, epochs=(*record.epochs, epoch), progress=None)
        case Slice() as done:
            return replace(record, slices=(*record.slices, done))
        case StepProfile() as profile:
            return replace(record, profile=profile)
        case EvaluationEnd() as evaluation:
            return replace(record, evaluation=evaluation)
        case RunWarning() as warning:
            return replace(record, warnings=(*record.warnings, warning))
        case RunEnd() as end:
            return replace(record, end=end, phase="", progress=None)
    return record


def fold_all(stamped: Iterable[Stamped], record: Record | None = None) -> Record:
    """The record after all these events; of several progress events in a row only the last is folded."""
    telling = (
        one
        for one, after in pairwise(chain(stamped, (None,)))
        if one and not (after and isinstance(one.event, Progress) and isinstance(after.event, Progress))
    )
    return reduce(fold, telling, record or Record())


def time_left_s(record: Record) -> float | None:
    """Seconds until the phase under way is done, None while nothing is known of its pace.

    In the training the epochs that follow count too, each as long as the last one took.
    """
    progress = record.progress
    if not progress or progress.images_per_s <= 0:
        return None
    left_s = (progress.total - progress.done) / progress.images_per_s
    if progress.epoch and record.start:
        epoch_s = record.epochs[-1].seconds if record.epochs else progress.total / progress.images_per_s
        left_s += epoch_s * (epochs_trained(record.start.config) - progress.epoch)
    return max(left_s, 0.0)


def share_done(record: Record) -> float:
    """Of the whole training, as the time that is left; of another phase where there are no epochs."""
    epochs = epochs_trained(record.start.config) if record.start else 0
    if not record.progress and epochs:  # between two epochs
        return len(record.epochs) / epochs
    if not record.progress or not record.progress.epoch or not epochs:
        return record.epoch_progress
    return (record.progress.epoch - 1 + record.epoch_progress) / epochs


def epochs_table(record: Record) -> list[list[str]]:
    """The lines of ``epochs.csv``, header first; numbers as precise as they were measured."""
    rows = [["epoch", "train_loss", "train_accuracy", "seconds", "first_batch_s", "images_per_s"]]
    for epoch in record.epochs:
        numbers = (epoch.loss, epoch.accuracy, epoch.seconds, epoch.first_batch_s, epoch.images_per_s)
        rows.append([str(epoch.epoch), *("" if number is None else repr(number) for number in numbers)])
    return rows


def slices_table(slices: Iterable[Slice]) -> list[list[str]]:
    """The lines of ``slices.csv``, header first."""
    rows = [["round", "position", "steps", "seconds", "cpu_s", "images", "other_load"]]
    for done in slices:
        numbers = (done.round, done.position, done.steps, done.seconds, done.cpu_s, done.images, done.other_load)
        rows.append(["" if number is None else repr(number) for number in numbers])
    return rows


def images_of(epochs: Iterable[EpochEnd]) -> int:
    """How many images the epochs trained on."""
    return sum(round(epoch.images_per_s * epoch.seconds) for epoch in epochs)
