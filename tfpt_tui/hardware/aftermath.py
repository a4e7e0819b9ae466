"""What ``hardware.csv`` says against a run: judged from its samples alone, whoever settles it and whenever."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.sample import GpuSample, Sample

THROTTLED_SHARE = 0.05
# Of all cores, on average. Loader workers that end between two samples look like others: 0.08 of two cores at most
# in quiet runs of the published tables, where another process that kept one core busy was 0.5.
OTHERS_SHARE = 0.15
KIB = 1 << 10


def judge_run(samples: Sequence[Sample], gpu: int | None) -> tuple[RunWarning, ...]:
    """What a reader of the run's numbers must know of its course; ``gpu`` is the one that it used."""
    readings = [sample.gpus[gpu] for sample in samples if gpu is not None and gpu < len(sample.gpus)]
    judged = (
        _judge_others(samples),
        _judge_throttling(readings),
        _judge_company(readings),
        _judge_swap(samples),
        _judge_quota(samples),
    )
    return tuple(warning for warning in judged if warning)


def _judge_others(samples: Sequence[Sample]) -> RunWarning | None:
    """What the processor did beside the worker and its children, us and the app among them."""
    shares = [
        (sum(sample.cores_percent) - sample.worker_cpu_percent) / (100 * len(sample.cores_percent))
        for sample in samples
        if sample.cores_percent and sample.worker_cpu_percent is not None
    ]
    share = statistics.fmean(shares) if shares else 0.0
    if share <= OTHERS_SHARE:
        return None
    count = max(len(sample.cores_percent) for sample in samples)
    cores = "the core" if count == 1 else f"the {count} cores"
    return RunWarning(
        f"other processes used {share:.0%} of {cores} during the run",
        "busy",
        "end them and repeat the run; tfpt-tui doctor names the busiest",
        "time",
    )


def _judge_throttling(readings: Sequence[GpuSample]) -> RunWarning | None:
    told = [reading.throttle for reading in readings if reading.throttle is not None]
    slowed = [throttle for throttle in told if throttle]
    if len(slowed) <= THROTTLED_SHARE * len(told):
        return None
    reasons = Counter(reason for throttle in slowed for reason in throttle.split(" + "))
    named = ", ".join(reason for reason, _ in reasons.most_common())
    return RunWarning(
        f"the GPU slowed down in {len(slowed) / len(told):.0%} of the samples: {named}",
        "throttled",
        "cool it better or lower its clocks (nvidia-smi -lgc), and repeat the run",
        "time",
    )


def _judge_company(readings: Sequence[GpuSample]) -> RunWarning | None:
    most = max((reading.processes for reading in readings if reading.processes is not None), default=0)
    if most <= 1:
        return None
    return RunWarning(
        f"up to {most:.0f} processes computed on the GPU during the run, our worker among them",
        "foreign_gpu_process",
        "end what else uses the GPU, or choose another with device=gpu:N",
        "time",
    )


def _judge_swap(samples: Sequence[Sample]) -> RunWarning | None:
    swapped = _rise(sample.swap_in_bytes for sample in samples)
    if not swapped:
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
        f"the CPU quota held the run up for {held_s:.3f} s",
        "quota_throttled",
        "raise the container's quota, or set threads and num_workers to what it allows",
        "time",
    )


def _rise(counts: Iterable[float | None]) -> float:
    """By how much a counter rose between the first and the last time that it was read."""
    known = [count for count in counts if count is not None]
    return known[-1] - known[0] if known else 0.0
