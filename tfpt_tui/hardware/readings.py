"""Read ``hardware.csv`` back, and say what its rows amount to. It loads nothing that reads a machine."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfpt_tui.files import open_regular
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.hardware.sample import Sample, from_row

# NVML averages power over up to a second: energy over less than this is not worth a number.
MIN_ENERGY_S = 10.0


def parse_samples(header: Sequence[str], lines: Iterable[str]) -> list[Sample]:
    """The samples of whole lines; a line that is damaged is left out."""
    samples = []
    for line in lines:
        try:
            (cells,) = csv.reader([line])
            samples.append(from_row(dict(zip(header, cells, strict=True))))
        except (ValueError, csv.Error):
            continue
    return samples


def read_samples(path: Path) -> list[Sample]:
    """All samples of a ``hardware.csv``, none where there is no file; a half-written last line is left out."""
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    lines = text[: text.rfind("\n") + 1].splitlines()
    return parse_samples(lines[0].split(","), lines[1:]) if lines else []


def gpu_of(environment: MachineSnapshot, device: str) -> int | None:
    """The place among a sample's GPUs of the one that a run was on; None where it was on none, or nobody knows.

    ``device`` is what its worker said to have used.
    """
    return None if device.startswith("cpu") else environment.gpu.used  # device=auto: not on the GPU after all


def summarize(samples: Sequence[Sample], gpu: int | None, *, alone: bool = True) -> dict[str, float]:
    """Means over a run, the peak of the worker's memory, and the energy of its GPU where that counts it.

    Arms of a duel are not ``alone``: between the first sample and the last all of them used energy.
    """
    summary: dict[str, float | None] = {"samples": len(samples)}
    for name in ("cpu_percent", "load_1m", "memory_used_bytes", "worker_cpu_percent", "disk_read_bytes_per_s"):
        summary[f"{name}_mean"] = _mean(getattr(sample, name) for sample in samples)
    summary["swap_used_bytes_max"] = _max(sample.swap_used_bytes for sample in samples)
    summary["worker_rss_bytes_max"] = _max(sample.worker_rss_bytes for sample in samples)
    for place in range(max((len(sample.gpus) for sample in samples), default=0)):
        readings = [sample.gpus[place] for sample in samples if len(sample.gpus) > place]
        for name in ("utilization_percent", "memory_used_bytes", "power_w", "temperature_c", "sm_clock_mhz"):
            summary[f"gpu{place}_{name}_mean"] = _mean(getattr(reading, name) for reading in readings)
    summary["energy_j"] = _energy(samples, gpu) if alone else None
    return {name: value for name, value in summary.items() if value is not None}


def _energy(samples: Sequence[Sample], gpu: int | None) -> float | None:
    counted = [sample for sample in samples if gpu is not None and gpu < len(sample.gpus)]
    if gpu is None or not counted or counted[-1].elapsed_s - counted[0].elapsed_s < MIN_ENERGY_S:
        return None
    before, after = counted[0].gpus[gpu].energy_j, counted[-1].gpus[gpu].energy_j
    return None if before is None or after is None else round(after - before, 3)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None


def _max(values: Iterable[float | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(max(known)) if known else None
