"""What the events of a run amount to: folded one by one into a frozen record, live or long finished."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from typing import Any

from tfpt_tui import events
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import epochs_trained
from tfpt_tui.config.tracks import DEFAULT, PUBLISHED, TRACKS
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
    Stamped,
)
from tfpt_tui.runs.record.outliers import outliers
from tfpt_tui.runs.record.scaling import once_s, scale

RESULT_SCHEMA = 1
DISTURBED = 1.15  # times the median epoch, and an outlier among them
# What stands among the flags of a run.
FLAGGED = ("time", "accuracy", "epochs")


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
    evaluation: EvaluationEnd | None = None
    warnings: tuple[RunWarning, ...] = ()
    end: RunEnd | None = None
    started: float = 0.0
    time: float = 0.0
    elapsed: float = 0.0

    @property
    def epoch_progress(self) -> float:
        """The share of the phase under way that is done, 0 to 1."""
        return self.progress.done / self.progress.total if self.progress and self.progress.total else 0.0


def fold(record: Record, stamped: Stamped) -> Record:
    """The record after one more event."""
    event = stamped.event
    changes: dict[str, Any] = {"time": stamped.time, "elapsed": stamped.elapsed}
    match event:
        case RunStart():
            changes |= {"start": event, "started": stamped.time}
        case Environment():
            changes["environment"] = event
        case ModelSummary():
            changes["model"] = event
        case PhaseStart():
            changes |= {"phase": event.phase, "phase_elapsed": stamped.elapsed, "progress": None}
        case PhaseEnd():
            changes |= {"phases": {**record.phases, event.phase: event.seconds}, "phase": "", "progress": None}
            if event.counters:
                changes["counters"] = {**record.counters, event.phase: event.counters}
        case Progress():
            changes["progress"] = event
        case EpochEnd():
            changes |= {"epochs": (*record.epochs, event), "progress": None}
        case EvaluationEnd():
            changes["evaluation"] = event
        case RunWarning():
            changes["warnings"] = (*record.warnings, event)
        case RunEnd():
            changes |= {"end": event, "phase": "", "progress": None}
    return dataclasses.replace(record, **changes)


def fold_all(stamped: Iterable[Stamped], record: Record | None = None) -> Record:
    """The record after all these events; of progress that is told many times in a row the last is enough."""
    telling = (
        one
        for one, after in pairwise((*stamped, None))
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


def epochs_table(record: Record) -> list[list[str]]:
    """The lines of ``epochs.csv``, header first; numbers as precise as they were measured."""
    rows = [["epoch", "train_loss", "train_accuracy", "seconds", "first_batch_s", "images_per_s"]]
    for epoch in record.epochs:
        numbers = (epoch.loss, epoch.accuracy, epoch.seconds, epoch.first_batch_s, epoch.images_per_s)
        rows.append([str(epoch.epoch), *("" if number is None else repr(number) for number in numbers)])
    return rows


def make_result(
    run: str,
    status: str,
    error: events.RunError | None,
    config: Mapping[str, Any],
    record: Record,
    hardware: Mapping[str, Any],
    artifacts: Iterable[tuple[str, int]],
) -> dict[str, Any]:
    """The document of ``result.toml``; tables of what was not reached are left out."""
    result: dict[str, Any] = {
        "schema": RESULT_SCHEMA,
        "run": run,
        "status": status,
        "started": record.started or None,
        "ended": record.time or None,
        "worker_version": record.start.worker_version if record.start else "",
        "versions": dict(record.environment.versions) if record.environment else {},
        "warnings": [dataclasses.asdict(warning) for warning in record.warnings],
        "config": dict(config),
    }
    if error:
        result["error"] = dataclasses.asdict(error)
    if record.environment:
        result["effective"] = {"device_name": record.environment.device, **record.environment.effective}
    if record.model:
        result["model"] = {
            "total": record.model.total,
            "trainable": record.model.trainable,
            "non_trainable": record.model.non_trainable,
            "flops_per_image": record.model.flops_per_image,
        }
    result["phases"] = dict(record.phases)
    result["counters"] = {phase: dict(counters) for phase, counters in record.counters.items()}
    if record.epochs:
        result["training"] = {**training_figures(record.epochs), "once_s": once_s(config, record.epochs)}
    if record.evaluation:
        evaluation = dataclasses.asdict(record.evaluation)
        result["test"] = {name: value for name, value in evaluation.items() if value is not None}
    result["memory"] = _memory(record, hardware)
    result["hardware"] = dict(hardware)
    result["artifacts"] = [{"name": name, "bytes": size} for name, size in artifacts]
    if clock := _article_clock(config, record):
        result["article_clock"] = clock
    if scaled := scale(config, record.phases, record.epochs, clock):
        result["scaled"] = scaled
    return result


def warnings_of(document: Mapping[str, Any]) -> tuple[RunWarning, ...]:
    """The warnings in a ``result.toml`` or an ``environment.toml``; early recordings have the words alone."""
    return tuple(_warning(entry) for entry in document.get("warnings", []))


def doubts(warnings: Iterable[RunWarning], *figures: str) -> list[str]:
    """The codes of the warnings that make such a figure doubtful: "time", "accuracy", "memory", "energy", or
    "epochs" for single ones.
    """
    return list(dict.fromkeys(warning.code for warning in warnings if warning.taints in figures))


def _warning(entry: str | Mapping[str, Any]) -> RunWarning:
    if isinstance(entry, str):
        return RunWarning(entry)
    known = {field.name: str(entry[field.name]) for field in dataclasses.fields(RunWarning) if field.name in entry}
    return RunWarning(**known)


def training_figures(epochs: tuple[EpochEnd, ...]) -> dict[str, Any]:
    """Throughput and epoch times. Steady throughput leaves the first epoch out when there are more."""
    steady = epochs[1:] or epochs
    figures = {
        "epochs": len(epochs),
        "images": images_of(epochs),
        "images_per_s": images_of(steady) / sum(epoch.seconds for epoch in steady),
        "epochs_s": sum(epoch.seconds for epoch in epochs),
        "first_epoch_s": epochs[0].seconds,
        "epoch_s_median": statistics.median(epoch.seconds for epoch in steady),
        "first_batch_s_median": statistics.median(epoch.first_batch_s for epoch in epochs),
        "loss": epochs[-1].loss,
        "accuracy": epochs[-1].accuracy,
    }
    return {name: value for name, value in figures.items() if value is not None}


def throughput(training: Mapping[str, Any]) -> float | None:
    """Images per second of the median epoch, from the table ``training`` of a result; None where it tells none.

    A disturbed epoch moves the mean, which ``images_per_s`` is, but not the median.
    """
    mean: float | None = training.get("images_per_s")
    images, epochs, median_s = (training.get(name, 0) for name in ("images", "epochs", "epoch_s_median"))
    if mean is None or not math.isfinite(mean) or mean <= 0 or not images or not epochs or not median_s > 0:
        return mean
    return float(images / epochs / median_s)


def judge_epochs(epochs: Sequence[EpochEnd]) -> RunWarning | None:
    """Epochs that took much longer than the others: something disturbed them. They stay in the record."""
    later = epochs[1:]  # in the first everything warms up
    slow = [
        later[place]
        for place in outliers([epoch.seconds for epoch in later])
        if later[place].seconds > DISTURBED * statistics.median(epoch.seconds for epoch in later)
    ]
    if not slow:
        return None
    named = ", ".join(str(epoch.epoch) for epoch in slow)
    times = max(epoch.seconds for epoch in slow) / statistics.median(epoch.seconds for epoch in later)
    return RunWarning(
        f"epoch{'' if len(slow) == 1 else 's'} {named} took up to {times:.1f} times as long as the others;"
        " the throughput is that of the median epoch, which they do not move",
        "disturbed_epochs",
        "look in hardware.csv for what else the machine did",
        "epochs",
    )


def images_of(epochs: Iterable[EpochEnd]) -> int:
    """How many images the epochs trained on."""
    return sum(round(epoch.images_per_s * epoch.seconds) for epoch in epochs)


def _memory(record: Record, hardware: Mapping[str, Any]) -> dict[str, int]:
    """Peaks: of the worker and its children by sampling, of the worker alone by its own account."""
    own = dict(record.end.memory) if record.end else {}
    peaks = [own.get("peak_rss_bytes"), hardware.get("worker_rss_bytes_max")]
    known = [peak for peak in peaks if peak is not None]
    return own | ({"peak_rss_bytes": max(known)} if known else {})


def _article_clock(config: Mapping[str, Any], record: Record) -> dict[str, float]:
    """Seconds as the article's clocks cover them.

    Its training clock starts at the first epoch, so it covers what is compiled at the first step, and the cache
    that is filled in that epoch; one of its pipelines had filled it before, by plotting one batch
    (benchmark_method.md, 0.1). On the track published all of this happens in the training itself, as in the
    article's code.
    """
    framework = FRAMEWORKS.get(str(config.get("framework", "")))
    article = framework.tracks.get(PUBLISHED.name) if framework else None
    fills_in_training = article and not article.fills_cache_before_training
    if "training" not in record.phases or "evaluation" not in record.phases:
        return {}
    covered = ["training"]
    if not TRACKS[config.get("track", DEFAULT.name)].compiles_in_clock:
        covered += ["compile"] + (["cache_fill"] if fills_in_training else [])
    return {
        "training_s": sum(record.phases.get(phase, 0.0) for phase in covered),
        "evaluation_s": record.phases["evaluation"],
    }
