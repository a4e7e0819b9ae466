"""The result of a run: ``result.toml`` as it is written, as it is read, and as the events of a live run have it.

What an earlier version did not record yet gets its default here, and nowhere else.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import SETTINGS, RunConfig
from tfpt_tui.config.tracks import PUBLISHED, TRACKS
from tfpt_tui.documents import DocumentError, Value, build, without_none
from tfpt_tui.events import EpochEnd, RunError, RunWarning, Slice, StepProfile, read_warnings
from tfpt_tui.hardware.machine_snapshot import NO_SNAPSHOT, MachineSnapshot, snapshot_document
from tfpt_tui.runs.record.duel_ratio import turns_that_count
from tfpt_tui.runs.record.fold import Record, images_of
from tfpt_tui.runs.record.notes import NO_NOTES, Notes
from tfpt_tui.runs.record.outliers import outliers
from tfpt_tui.runs.record.scaling import Scaled, compile_s, scale

SCHEMA = 1
NO_PROFILE = StepProfile()
# The tables of these, where a document has them too.
ENVIRONMENT, NOTES = "environment", "notes"
VOID = "void"  # the code of a warning
DISTURBED = 1.15  # times the median epoch, and an outlier among them
# The figures whose doubts stand among the flags of a run.
FLAGGED = ("time", "accuracy", "epochs")
# What stands in the file also where it is empty.
ALWAYS = (
    *("run", "status", "started", "ended", "worker_version", "versions", "warnings", "config"),
    *("phases", "counters", "memory", "hardware", "artifacts"),
)


@dataclass(frozen=True)
class ModelSize:
    """Numbers of parameters; ``flops_per_image`` as in :class:`ModelSummary`, None where it was not recorded."""

    total: int = 0
    trainable: int = 0
    non_trainable: int = 0
    flops_per_image: int | None = None


@dataclass(frozen=True)
class Training:
    """Seconds and images of the epochs; loss and accuracy are those of the last one.

    ``images_per_s`` is the mean of the epochs after the first, ``once_s`` what was spent once (compiling), however
    many epochs there are. An arm of a duel is timed by its turns: ``images_per_s`` is the mean of those that
    count, and ``turn_images_per_s`` the median one's.
    """

    epochs: int = 0
    images: int = 0
    images_per_s: float | None = None
    epochs_s: float | None = None
    first_epoch_s: float | None = None
    epoch_s_median: float | None = None
    first_batch_s_median: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    once_s: float | None = None
    turn_images_per_s: float | None = None

    @property
    def throughput(self) -> float | None:
        """Images per second of the median epoch, or of the median turn of a duel; None where none was recorded.

        A disturbed epoch moves the mean, which ``images_per_s`` is, but not the median.
        """
        if self.turn_images_per_s is not None:
            return self.turn_images_per_s
        mean, median_s = self.images_per_s, self.epoch_s_median
        if mean is None or not math.isfinite(mean) or mean <= 0:
            return mean
        if not self.images or not self.epochs or median_s is None or not median_s > 0:
            return mean
        return self.images / self.epochs / median_s


@dataclass(frozen=True)
class Evaluation:
    """On the test images, as :class:`EvaluationEnd` has it; None where it was not recorded."""

    loss: float | None = None
    accuracy: float | None = None
    seconds: float | None = None
    images_per_s: float | None = None
    first_batch_s: float | None = None
    recalibrated_loss: float | None = None
    recalibrated_accuracy: float | None = None

    @property
    def images(self) -> int:
        """How many were tested, 0 where it is not known."""
        if self.images_per_s is None or self.seconds is None:
            return 0
        images = self.images_per_s * self.seconds
        return round(images) if math.isfinite(images) else 0


@dataclass(frozen=True)
class Memory:
    """Peaks in bytes; of the worker and its children, and of its GPU."""

    peak_rss_bytes: int | None = None
    peak_gpu_bytes: int | None = None


@dataclass(frozen=True)
class ArticleClock:
    """Seconds as the clocks of the article cover them."""

    training_s: float
    evaluation_s: float


@dataclass(frozen=True)
class Artifact:
    """A file that the run left."""

    name: str
    bytes: int


@dataclass(frozen=True)
class RunResult:
    """All that is known of a run, live or over; what it did not reach is None or empty.

    Attributes:
        run: its ID.
        started, ended: seconds since 1970.
        versions: of the packages, by their names.
        effective: what the framework said to apply, ``device`` and ``device_name`` among it.
        phases: seconds; ``counters``: what the kernel counted in each.
        hardware: means and peaks of hardware.csv over the whole run, imports included; ``energy_j`` is what the
            GPU counted in that time, for runs of at least 10 s (hardware/readings.py).
        slices: the turns of an arm of a duel.
        profile: where the time of a step goes, of a run that measured that.
        preset, sweep: "" where the run is of none; ``burn_in`` if it only warmed the machine up.
        machine: the name of the other machine whose run this is the copy of, "" for one of this machine.
        notes: ``notes.toml``.
        environment: ``environment.toml``.
    """

    run: str
    status: str
    config: RunConfig
    started: float | None = None
    ended: float | None = None
    worker_version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[RunWarning, ...] = ()
    error: RunError | None = None
    effective: Mapping[str, Value] = field(default_factory=dict)
    model: ModelSize | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    training: Training = Training()
    slices: tuple[Slice, ...] = ()
    profile: StepProfile = NO_PROFILE
    test: Evaluation = Evaluation()
    memory: Memory = Memory()
    hardware: Mapping[str, float] = field(default_factory=dict)
    artifacts: tuple[Artifact, ...] = ()
    article_clock: ArticleClock | None = None
    scaled: Scaled | None = None
    preset: str = ""
    sweep: str = ""
    burn_in: bool = False
    machine: str = ""
    notes: Notes = NO_NOTES
    environment: MachineSnapshot = NO_SNAPSHOT

    @property
    def completed(self) -> bool:
        return self.status == "completed"

    @property
    def is_void(self) -> bool:
        """Whether an older worker measured it wrongly: its times count in no rate and no ratio."""
        return any(warning.code == VOID for warning in self.warnings)

    @property
    def framework(self) -> str:
        return self.config.framework

    @property
    def device(self) -> str:
        """The device that was used, such as ``gpu:0``; "" where it is not known."""
        return str(self.effective.get("device", ""))

    @property
    def kind_of_device(self) -> str:
        """``cpu`` or ``gpu``, "" where it is not known."""
        return self.device.partition(":")[0]

    def setting(self, key: str) -> Value | None:
        """A setting's value, None where the configuration of the run could not be read."""
        return self.config.value(key) if self.config.is_known else None

    def doubts(self, *figures: str) -> list[str]:
        """The codes of the warnings that make one of these figures doubtful (:func:`doubts`)."""
        return doubts(self.warnings, *figures)


def make_result(
    run: str,
    status: str,
    error: RunError | None,
    config: RunConfig,
    record: Record,
    hardware: Mapping[str, float],
    artifacts: Iterable[Artifact] = (),
) -> RunResult:
    """The result that a record amounts to, of a run that is live, or that has ended as ``status`` says."""
    seen, size, evaluation = record.environment, record.model, record.evaluation
    clock = _article_clock(config, record.phases)
    return RunResult(
        run=run,
        status=status,
        config=config,
        started=record.started or None,
        ended=record.time or None,
        worker_version=record.start.worker_version if record.start else "",
        versions=dict(seen.versions) if seen else {},
        warnings=record.warnings,
        error=error,
        effective={"device_name": seen.device, **seen.effective} if seen else {},
        model=ModelSize(size.total, size.trainable, size.non_trainable, size.flops_per_image) if size else None,
        phases=dict(record.phases),
        counters=record.counters,
        training=training_of(record.epochs, config, record.slices),
        slices=record.slices,
        profile=record.profile or StepProfile(),
        test=Evaluation(**dataclasses.asdict(evaluation)) if evaluation else Evaluation(),
        memory=_memory(record, hardware),
        hardware=hardware,
        artifacts=tuple(artifacts),
        article_clock=clock,
        scaled=scale(config, record.phases, record.epochs, clock.training_s if clock else None),
    )


def result_from(document: Mapping[str, Any], environment: MachineSnapshot) -> RunResult:
    """Read the tables of ``result.toml``, or some of them, also as earlier versions wrote them.

    Raises:
        DocumentError: a figure has a wrong type or cannot be one, or what every result has is missing.
    """
    for name in ("config", "phases"):
        if not isinstance(document.get(name), Mapping):
            raise DocumentError(f"{name} is missing or wrong")
    # A configuration that could not be read names no dataset.
    config = {"framework": "", "data": "", **document["config"]}
    result = build(
        RunResult,
        {**document, "config": config, "warnings": read_warnings(document), ENVIRONMENT: environment},
    )
    _check_shares(result)
    return result


def _check_shares(result: RunResult) -> None:
    """Refuse accuracies that are no shares, and fewer than no images: statistics take roots of them.

    Raises:
        DocumentError: the message names the figure.
    """
    shares = {
        ("training", "accuracy"): result.training.accuracy,
        ("test", "accuracy"): result.test.accuracy,
        ("test", "recalibrated_accuracy"): result.test.recalibrated_accuracy,
    }
    for path, share in shares.items():
        if share is not None and (share < 0 or share > 1):
            raise DocumentError(f"cannot be {share!r}", *path)
    if result.test.images < 0:
        raise DocumentError("a product of seconds and images_per_s cannot be negative", "test")


def result_document(result: RunResult) -> dict[str, Any]:
    """The tables of ``result.toml``; those not reached are left out. Notes and environment are other files."""
    tables = dataclasses.asdict(result)
    del tables[ENVIRONMENT], tables[NOTES]
    if not result.config.is_known:
        given = result.config.to_mapping().items()
        tables["config"] = {key: value for key, value in given if value not in ("", SETTINGS[key].default)}
    absent = RunResult(result.run, result.status, result.config)
    return {"schema": SCHEMA} | {
        name: without_none(table) if isinstance(table, dict) else table
        for name, table in tables.items()
        if name in ALWAYS or getattr(result, name) != getattr(absent, name)
    }


def whole_document(result: RunResult) -> dict[str, Any]:
    """The result with its environment and the notes on it, for JSON."""
    notes = {NOTES: dataclasses.asdict(result.notes)} if result.notes != NO_NOTES else {}
    return {**result_document(result), **notes, ENVIRONMENT: snapshot_document(result.environment)}


def doubts(warnings: Iterable[RunWarning], *figures: str) -> list[str]:
    """The codes of the warnings that make such a figure doubtful: "time", "accuracy", "memory", "energy", or
    "epochs" for single ones.
    """
    return list(dict.fromkeys(warning.code for warning in warnings if warning.taints in figures))


def training_of(epochs: Sequence[EpochEnd], config: RunConfig, slices: Sequence[Slice] = ()) -> Training:
    """Throughput and epoch times. Steady throughput leaves the first epoch out when there are more.

    That of an arm of a duel is of its turns that count.
    """
    if slices:
        turns = turns_that_count(slices)
        images = sum(turn.images for turn in turns)
        return replace(
            training_of(epochs, config),
            images=images_of(epochs) or sum(done.images for done in slices),
            images_per_s=images / sum(turn.seconds for turn in turns),
            turn_images_per_s=turn_throughput(slices),
        )
    if not epochs:
        return Training()
    steady = epochs[1:] or epochs
    return Training(
        epochs=len(epochs),
        images=images_of(epochs),
        images_per_s=images_of(steady) / sum(epoch.seconds for epoch in steady),
        epochs_s=sum(epoch.seconds for epoch in epochs),
        first_epoch_s=epochs[0].seconds,
        epoch_s_median=statistics.median(epoch.seconds for epoch in steady),
        first_batch_s_median=statistics.median(epoch.first_batch_s for epoch in epochs),
        loss=epochs[-1].loss,
        accuracy=epochs[-1].accuracy,
        once_s=compile_s(config, epochs),
    )


def turn_throughput(slices: Sequence[Slice]) -> float | None:
    """Images per second of the median turn of an arm, of those that count."""
    rates = [turn.images / turn.seconds for turn in turns_that_count(slices)]
    return statistics.median(rates) if rates else None


def median_throughput(epochs: Sequence[EpochEnd]) -> float | None:
    """Images per second of the median epoch (:attr:`Training.throughput`), also while more are to come."""
    steady = epochs[1:] or epochs
    if not steady:
        return None
    return Training(
        epochs=len(epochs),
        images=images_of(epochs),
        images_per_s=images_of(steady) / sum(epoch.seconds for epoch in steady),
        epoch_s_median=statistics.median(epoch.seconds for epoch in steady),
    ).throughput


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


def _memory(record: Record, hardware: Mapping[str, float]) -> Memory:
    """Peaks: of the worker and its children by sampling, of the worker alone by its own account."""
    own = record.end.memory if record.end else {}
    peaks = (own.get("peak_rss_bytes"), hardware.get("worker_rss_bytes_max"))
    known = [peak for peak in peaks if peak is not None]
    return Memory(round(max(known)) if known else None, own.get("peak_gpu_bytes"))


def _article_clock(config: RunConfig, phases: Mapping[str, float]) -> ArticleClock | None:
    """Seconds as the article's clocks cover them.

    Its training clock starts at the first epoch, so it covers what is compiled at the first step, and the cache
    that is filled in that epoch; one of its pipelines had filled it before, by plotting one batch. On the track
    published all of this happens in the training itself, as in the article's code.
    """
    if "training" not in phases or "evaluation" not in phases:
        return None
    framework = FRAMEWORKS.get(config.framework)
    article = framework.tracks.get(PUBLISHED.name) if framework else None
    covered = ["training"]
    if not TRACKS[config.track].compiles_in_clock:
        covered += ["compile"] + ["cache_fill"] * bool(article and not article.fills_cache_before_training)
    return ArticleClock(sum(phases.get(phase, 0.0) for phase in covered), phases["evaluation"])
