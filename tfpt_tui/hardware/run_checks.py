"""What ``hardware.csv`` says against a run: judged from its samples alone, whoever settles it and whenever."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.sample import GpuSample, Sample, share_by_core
from tfpt_tui.hardware.sensitivity import Sensitivity

THROTTLED_SHARE = 0.05
# Of all cores, on average, where it was not measured what they do.
OTHERS_SHARE = 0.10
# The slowdown by others that makes a time doubtful, where it was measured (hardware/sensitivity.py).
OTHERS_SLOWDOWN = 1.03
LEAST_SAMPLES = 3
# Of one core, in a sample of a second; a training on the CPU uses several times ten.
IDLE_PERCENT = 5.0
LEAST_IDLE_S = 3
# Of the processor time of a training. Healthy ones had 3 to 18 % (two cores, all tracks but published), those
# whose malloc was patched 47 %.
SYSTEM_SHARE = 0.30
LEAST_CPU_S = 2.0  # less is too little to judge
KIB = 1 << 10
SWAPPED_BYTES = 1 << 20  # less comes back to any machine that has swapped idle pages out


def judge_run(
    samples: Sequence[Sample],
    gpu: int | None,
    others: float | None = None,
    cores: int = 0,
    sensitivity: Sensitivity | None = None,
    workers: int = 1,
) -> tuple[RunWarning, ...]:
    """What a reader of the run's numbers must know of its course while it was timed; ``gpu`` is the one it used.

    ``workers`` are those of us that may be on it: all arms of a duel.
    ``others`` is what :func:`others_share` found for as many ``cores``, ``sensitivity`` that of the framework.
    """
    readings = [sample.gpus[gpu] for sample in samples if gpu is not None and gpu < len(sample.gpus)]
    judged = (
        _judge_others(others or 0.0, cores, sensitivity),
        _judge_throttling(readings),
        _judge_company(readings, workers),
        _judge_swap(samples),
        _judge_quota(samples),
    )
    return tuple(warning for warning in judged if warning)


def judge_counters(counters: Mapping[str, float], images: float, log: str) -> RunWarning | None:
    """Whether the system took more of the training's processor time than a training needs, and why if it is known.

    ``counters`` are those of the phase, ``images`` how many were trained on, ``log`` is what the worker printed.
    """
    user_s, system_s = counters.get("user_s", 0.0), counters.get("system_s", 0.0)
    if user_s + system_s < LEAST_CPU_S or system_s <= SYSTEM_SHARE * (user_s + system_s):
        return None
    marks = [mark for framework in FRAMEWORKS.values() for mark in framework.log_marks]
    known = next(((mark.cause, mark.advice) for mark in marks if mark.mark in log), None)
    cause, advice = known or ("", "look for what else the process does: perf top -p PID, or strace -c -f -p PID")
    faults = f", {counters.get('minor_faults', 0) / images:,.0f} page faults an image" if images else ""
    return RunWarning(
        f"the system took {system_s / (user_s + system_s):.0%} of the training's processor time{faults}"
        + (f": {cause}" if cause else ""),
        "system_time",
        advice,
        "time",
    )


def judge_idleness(samples: Sequence[Sample]) -> RunWarning | None:
    """Whether a worker that computes on the CPU did nothing for some of the time; ``samples`` are those of it."""
    known = [sample.worker_cpu_percent for sample in samples if sample.worker_cpu_percent is not None]
    idle_s = sum(percent < IDLE_PERCENT for percent in known)  # a sample a second
    if idle_s < LEAST_IDLE_S:
        return None
    return RunWarning(
        f"the worker computed nothing for about {idle_s} s while it was timed",
        "idle",
        "it may have waited for a thread of its framework (tfpt-tui presets show says where that is known), or for"
        " the disk; take more epochs, whose median does not count a single wait",
        "time",
    )


def others_share(samples: Sequence[Sample], cores: Sequence[int]) -> float | None:
    """What the processor did on those cores beside the worker and its children, 0 to 1: us and the app among it.

    None where too few samples tell.
    """
    read = [(share_by_core(sample), sample.worker_cpu_percent) for sample in samples]
    shares = [
        (sum(busy[core] for core in cores) - worker) / (100 * len(cores))
        for busy, worker in read
        if worker is not None and cores and busy.keys() >= set(cores)
    ]
    return statistics.fmean(shares) if len(shares) >= LEAST_SAMPLES else None


def _judge_others(share: float, count: int, sensitivity: Sensitivity | None) -> RunWarning | None:
    """By what they do to this framework on this machine where that is known, else by their share."""
    slowdown = sensitivity.at(share) if sensitivity else None
    if slowdown <= OTHERS_SLOWDOWN if slowdown else share <= OTHERS_SHARE:
        return None
    cores = "the core" if count == 1 else f"the {count} cores"
    effect = f", which makes it take about {slowdown:.2f} times as long here" if slowdown else ""
    return RunWarning(
        f"other processes used {share:.0%} of {cores} while it was timed{effect}",
        "busy",
        "end them and repeat the run; tfpt-tui doctor names the busiest",
        "time",
    )


def _judge_throttling(readings: Sequence[GpuSample]) -> RunWarning | None:
    known = [reading.throttle for reading in readings if reading.throttle is not None]
    slowed = [throttle for throttle in known if throttle]
    if len(slowed) <= THROTTLED_SHARE * len(known):
        return None
    reasons = Counter(reason for throttle in slowed for reason in throttle.split(" + "))
    named = ", ".join(reason for reason, _ in reasons.most_common())
    return RunWarning(
        f"the GPU slowed down in {len(slowed) / len(known):.0%} of the samples: {named}",
        "throttled",
        "cool it better or lower its clocks (nvidia-smi -lgc), and repeat the run",
        "time",
    )


def _judge_company(readings: Sequence[GpuSample], workers: int) -> RunWarning | None:
    most = max((reading.processes for reading in readings if reading.processes is not None), default=0)
    if most <= workers:
        return None
    ours = "our worker" if workers == 1 else f"our {workers} workers"
    return RunWarning(
        f"up to {most:.0f} processes computed on the GPU during the run, {ours} among them",
        "foreign_gpu_process",
        "end what else uses the GPU, or choose another with device=gpu:N",
        "time",
    )


def _judge_swap(samples: Sequence[Sample]) -> RunWarning | None:
    swapped = _rise(sample.swap_in_bytes for sample in samples)
    if swapped < SWAPPED_BYTES:
        return None
    return RunWarning(
        f"{swapped / KIB:,.0f} KiB came back from swap during the run",
        "swapped",
        "free memory, or use fewer num_workers or no cache",
        "time",
    )


def _judge_quota(samples: Sequence[Sample]) -> RunWarning | None:
    held_s = _rise(sample.quota_throttled_s for sample in samples)
    if not held_s:
        return None
    return RunWarning(
        f"the CPU quota held up what would have run for {held_s:.3f} s, added up over the cores",
        "quota_throttled",
        "raise the container's quota, or set threads and num_workers to what it allows",
        "time",
    )


def _rise(counts: Iterable[float | None]) -> float:
    """By how much a counter rose between the first and the last time that it was read."""
    known = [count for count in counts if count is not None]
    return known[-1] - known[0] if known else 0.0
