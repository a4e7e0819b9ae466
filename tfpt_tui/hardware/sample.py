"""One reading of the machine, and its form as a line of ``hardware.csv``. Unknown is empty, never 0."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GpuSample:
    """``energy_j`` counts since the driver was loaded; ``throttle`` names the reasons, "" when there is none.

    ``processes`` is the number of processes that compute on it, our worker among them.
    """

    utilization_percent: float | None = None
    memory_used_bytes: float | None = None
    memory_total_bytes: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    temperature_c: float | None = None
    sm_clock_mhz: float | None = None
    throttle: str | None = None
    energy_j: float | None = None
    processes: float | None = None


@dataclass(frozen=True)
class Sample:
    """The machine at one moment. CPU shares are per cent of one core for the worker, of all cores in total.

    ``swap_in_bytes`` counts since the boot what came back from swap, ``quota_throttled_s`` since our control group
    was made for how long its quota has held up what would have run, added up over the cores. ``worker_rss_bytes``
    is of the worker and its children, whose shared pages count once. ``cores`` are the kernel's numbers of those
    that ``cores_percent`` has, which need not follow one another: some may be offline.
    """

    time: float
    elapsed_s: float
    cpu_percent: float | None = None
    load_1m: float | None = None
    memory_used_bytes: float | None = None
    memory_total_bytes: float | None = None
    swap_used_bytes: float | None = None
    swap_in_bytes: float | None = None
    quota_throttled_s: float | None = None
    worker_cpu_percent: float | None = None
    worker_rss_bytes: float | None = None
    worker_processes: float | None = None
    disk_read_bytes_per_s: float | None = None
    cores_percent: tuple[float, ...] = ()
    cores: tuple[int, ...] = ()
    gpus: tuple[GpuSample, ...] = ()


LISTS = ("cores_percent", "cores", "gpus")
SCALARS = tuple(field.name for field in dataclasses.fields(Sample) if field.name not in LISTS)
GPU_FIELDS = tuple(field.name for field in dataclasses.fields(GpuSample))


def columns(cores: Iterable[int], gpus: int) -> list[str]:
    """The header of ``hardware.csv`` on a machine of these cores and so many GPUs."""
    return [
        *SCALARS,
        *(f"core{core}_percent" for core in cores),
        *(f"gpu{gpu}_{name}" for gpu in range(gpus) for name in GPU_FIELDS),
    ]


def share_by_core(sample: Sample) -> dict[int, float]:
    """How busy each core was, per cent, by its number; counted from 0 where the numbers are not known."""
    return dict(zip(sample.cores or range(len(sample.cores_percent)), sample.cores_percent, strict=False))


def to_row(sample: Sample, header: Iterable[str]) -> list[str]:
    """The sample as cells under the header; what was not read is an empty cell."""
    cells = {name: getattr(sample, name) for name in SCALARS}
    cells |= {f"core{core}_percent": share for core, share in share_by_core(sample).items()}
    for gpu, reading in enumerate(sample.gpus):
        cells |= {f"gpu{gpu}_{name}": getattr(reading, name) for name in GPU_FIELDS}
    return [_cell(cells.get(name)) for name in header]


def from_row(cells: Mapping[str, str]) -> Sample:
    """Read a line of ``hardware.csv`` back; cells that are empty or no number are unknown.

    Raises:
        ValueError: the line has no time: it is half a line.
    """
    gpus = sorted({int(name[3 : name.index("_")]) for name in cells if name.startswith("gpu")})
    shares = {int(name[4 : name.index("_")]): _number(cells[name]) for name in cells if name.startswith("core")}
    known = {core: share for core, share in shares.items() if share is not None}
    values: dict[str, Any] = {name: _number(cells.get(name)) for name in SCALARS}
    if values["time"] is None or values["elapsed_s"] is None:
        raise ValueError("a line without time")
    return Sample(
        **values,
        cores_percent=tuple(known.values()),
        cores=tuple(known),
        gpus=tuple(_gpu(cells, gpu) for gpu in gpus),
    )


def _gpu(cells: Mapping[str, str], gpu: int) -> GpuSample:
    texts = {name: cells.get(f"gpu{gpu}_{name}") for name in GPU_FIELDS}
    values: dict[str, Any] = {name: _number(text) for name, text in texts.items() if name != "throttle"}
    # A GPU that answers says how busy it is or how warm: only then is "no reason" known.
    known = any(value is not None for value in values.values())
    return GpuSample(**values, throttle=(texts["throttle"] or "") if known else None)


def _cell(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
