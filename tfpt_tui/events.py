"""The events that a worker appends to ``events.jsonl``, one JSON object a line. Standard library only.

``encode`` and ``decode`` are the only two places that know the JSON form: JSON has no NaN and no infinity, so
these are the strings "nan", "inf" and "-inf". Readers ignore kinds and keys that they do not know.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from tfpt_tui.documents import INTEGER_LIMIT, DocumentError, Value, build, check_version, finite

VERSION: Final = 1
# More seconds, images or images a second than a run can have: what is larger is a mistake, and its sums are none.
MOST: Final = 1e9

PHASES: Final = (
    "import",
    "device_init",
    "data_loading",
    "cache_fill",
    "model_building",
    "compile",
    "training",
    "model_saving",
    "model_loading",
    "evaluation",
)

# What a run may end as; "queued" and "running" are what it may be while it is alive.
ENDINGS: Final = ("completed", "failed", "out_of_memory", "timeout", "stopped", "crashed")
ALIVE: Final = ("queued", "running")
# What the turns of an arm of a duel are: all there is, the beginning of its training, or a training of their own
# before it.
ARM_KINDS: Final = ("measured", "whole", "anew")
ONLY_TURNS, WHOLE, ANEW = ARM_KINDS


@dataclass(frozen=True)
class RunStart:
    """``version`` is the framework's, ``worker_version`` that of our own code that measures."""

    kind: ClassVar[str] = "run_start"
    run: str = ""
    framework: str = ""
    version: str = ""
    worker_version: str = ""
    config: Mapping[str, Value] = field(default_factory=dict)
    pid: int = 0


@dataclass(frozen=True)
class Environment:
    """``effective`` is what the framework says it applied, by the names of RunConfig where they match."""

    kind: ClassVar[str] = "environment"
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    effective: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class PhaseStart:
    kind: ClassVar[str] = "phase_start"
    phase: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class PhaseEnd:
    """``counters`` are the kernel's counts of the phase (counters.py); the clock does not cover their
    reading.
    """

    kind: ClassVar[str] = "phase_end"
    phase: str = ""
    seconds: float = 0.0
    counters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """One line of the layer table; ``output_shape`` leaves the batch out, in the framework's own order."""

    name: str = ""
    type: str = ""
    output_shape: tuple[int, ...] = ()
    parameters: int = 0


@dataclass(frozen=True)
class ModelSummary:
    """``flops_per_image``: floating-point operations to train on one image."""

    kind: ClassVar[str] = "model_summary"
    layers: tuple[Layer, ...] = ()
    total: int = 0
    trainable: int = 0
    non_trainable: int = 0
    flops_per_image: int = 0


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` images of a phase; ``epoch`` counts from 1 and is 0 outside the training."""

    kind: ClassVar[str] = "progress"
    phase: str = ""
    epoch: int = 0
    done: int = 0
    total: int = 0
    images_per_s: float = 0.0


@dataclass(frozen=True)
class EpochEnd:
    """``epoch`` of ``epochs`` counts from 1; ``epochs`` is 0 where there is no last one. ``first_batch_s`` is the
    wait from its start for its first batch.

    ``loss`` and ``accuracy`` are None where nothing is trained (measure = loader).
    """

    kind: ClassVar[str] = "epoch_end"
    epoch: int = 0
    epochs: int = 0
    loss: float | None = math.nan
    accuracy: float | None = math.nan
    seconds: float = 0.0
    first_batch_s: float = 0.0
    images_per_s: float = 0.0


@dataclass(frozen=True)
class Slice:
    """One turn of an arm of a duel: ``position`` in its round, both counted from 1; processor time of the worker
    and its children. ``other_load`` is the share that others took of the cores it needs, 0 to 1.
    """

    kind: ClassVar[str] = "slice"
    round: int = 0
    position: int = 0
    steps: int = 0
    images: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    other_load: float | None = None


# Where the time of a training step goes, in the same words for every framework; "other" is what no part explains.
STEP_PARTS: Final = (
    *("loading", "host", "convolution", "normalisation", "pooling", "activation", "dense", "loss", "optimiser"),
    *("copies", "waiting", "other"),
)


@dataclass(frozen=True)
class StepProfile:
    """Seconds of a training step without the profiler and under it, and the shares of its parts in the latter.

    ``trace`` is the profiler's own file or folder in the directory of the run. ``matmul_gflops`` and
    ``convolution_gflops`` are the GFLOP/s that the framework reaches here in a large matrix product, and in the
    network's convolutions alone; 0 where that was not measured.
    """

    kind: ClassVar[str] = "step_profile"
    step_s: float = 0.0
    profiled_step_s: float = 0.0
    shares: Mapping[str, float] = field(default_factory=dict)
    trace: str = ""
    matmul_gflops: float = 0.0
    convolution_gflops: float = 0.0


@dataclass(frozen=True)
class EvaluationEnd:
    """``first_batch_s`` reaches to the end of the first batch where compiling is inside the clock, else 0.

    The recalibrated figures are of the same weights with statistics of batch normalisation computed anew over
    training images; None where that was not done.
    """

    kind: ClassVar[str] = "evaluation_end"
    loss: float = math.nan
    accuracy: float = math.nan
    seconds: float = 0.0
    images_per_s: float = 0.0
    first_batch_s: float = 0.0
    recalibrated_loss: float | None = None
    recalibrated_accuracy: float | None = None


@dataclass(frozen=True)
class RunWarning:
    """What a reader must know beside a number: ``code`` is its type, ``advice`` what to do about it.

    ``taints`` names the figure that it makes doubtful: "time", "accuracy", "memory", "energy", or "" for none.
    """

    kind: ClassVar[str] = "warning"
    message: str = ""
    code: str = "other"
    advice: str = ""
    taints: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}" if self.advice else self.message


@dataclass(frozen=True)
class Heartbeat:
    kind: ClassVar[str] = "heartbeat"


@dataclass(frozen=True)
class RunError:
    type: str = ""
    message: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class RunEnd:
    """``memory`` is what the worker knows of itself: peak_rss_bytes and, on a GPU, peak_gpu_bytes."""

    kind: ClassVar[str] = "run_end"
    status: str = ""
    error: RunError | None = None
    memory: Mapping[str, int] = field(default_factory=dict)


Event = (
    RunStart
    | Environment
    | PhaseStart
    | PhaseEnd
    | ModelSummary
    | Progress
    | EpochEnd
    | Slice
    | StepProfile
    | EvaluationEnd
    | RunWarning
    | Heartbeat
    | RunEnd
)

KINDS: Final[dict[str, type[Event]]] = {
    kind.kind: kind
    for kind in (
        RunStart,
        Environment,
        PhaseStart,
        PhaseEnd,
        ModelSummary,
        Progress,
        EpochEnd,
        Slice,
        StepProfile,
        EvaluationEnd,
        RunWarning,
        Heartbeat,
        RunEnd,
    )
}


# Names of the figures that are measured or counted, whatever event they stand in.
MEASURED: Final = (
    *("seconds", "first_batch_s", "images_per_s", "epoch", "epochs", "done", "total"),
    *("trainable", "non_trainable", "pid", "round", "position", "steps", "images", "cpu_s"),
    *("step_s", "profiled_step_s", "matmul_gflops", "convolution_gflops"),
)


@dataclass(frozen=True)
class Stamped:
    """An event with its place in the stream: ``time`` in Unix seconds, ``elapsed`` in monotonic seconds."""

    seq: int
    time: float
    elapsed: float
    event: Event


class MalformedEventError(ValueError):
    """A line of ``events.jsonl`` that is not an event: nonsense, or not what its kind promises."""


def read_warnings(document: Mapping[str, Any]) -> Any:
    """The warnings of a recording as tables; early ones have the words alone. What is no list stays as it is."""
    listed = document.get("warnings", [])
    if not isinstance(listed, list):
        return listed
    return [{"message": one} if isinstance(one, str) else one for one in listed]


def encode(stamped: Stamped) -> str:
    """The event as one line of JSON, newline included."""
    body = {
        "v": VERSION,
        "seq": stamped.seq,
        "time": round(stamped.time, 6),
        "elapsed": round(stamped.elapsed, 6),
        "kind": stamped.event.kind,
        **dataclasses.asdict(stamped.event),
    }
    return json.dumps(finite(body), allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n"


def decode(line: str) -> Stamped | None:
    """Read one line; None for a kind that this version does not know.

    Raises:
        MalformedEventError: the line is not JSON, not an event, or a field has the wrong type.
    """
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedEventError(f"not JSON: {error}") from None
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
        raise MalformedEventError("not an event: no kind")
    if body["kind"] not in KINDS:
        return None
    try:
        check_version(body, "v", VERSION)
        event = build(KINDS[body["kind"]], body)
        _check_measured(event)
        stamped = Stamped(int(body["seq"]), float(body["time"]), float(body["elapsed"]), event)
        if not math.isfinite(stamped.time + stamped.elapsed):
            raise DocumentError("is not finite", "time")
        return stamped
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise MalformedEventError(f"not a {body['kind']} event: {error}") from None


def _check_measured(event: Event) -> None:
    """Refuse figures that nothing can have measured: the record computes with them.

    Raises:
        DocumentError: one is negative, infinite or no number, or an epoch or its number is 0.
    """
    for name in MEASURED:
        value = getattr(event, name, 0)
        if value is not None and not 0 <= value <= MOST:
            raise DocumentError(f"cannot be {value!r}", name)
    if isinstance(event, EpochEnd) and not (event.epoch and event.seconds):
        raise DocumentError("has no number or no seconds", "epoch")
    if isinstance(event, Slice) and not (event.round and event.images and event.seconds):
        raise DocumentError("has no round, no images or no seconds", "round")
    for counters in (getattr(event, name, {}) for name in ("counters", "memory", "shares")):
        for name, value in counters.items():
            if not 0 <= value < INTEGER_LIMIT:
                raise DocumentError(f"cannot be {value!r}", name)
