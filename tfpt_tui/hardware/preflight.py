"""What stands in the way of a fair measurement before it starts: read once, judged by pure functions."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.gpu import GpuReader, GpuReading
from tfpt_tui.hardware.memory import meminfo
from tfpt_tui.hardware.pagecache import WARM_SHARE, PageCache
from tfpt_tui.hardware.processes import (
    name_of,
    other_workers,
    others_cpu,
    own_workers,
    program_pids,
    read_cpu_use,
    strangers,
)
from tfpt_tui.linux import ROOT

WATCH_S = 0.2
MOST_LOOKS = 10
BUSY_SHARE = 0.25
# A few idle pages lie in the swap of many a healthy machine.
SWAP_SHARE = 0.01
MIB = 1 << 20
# Set for a plan that has a part of the machine, such as one of its GPUs, while others train on the rest.
SHARED_HOST = "TFPT_TUI_SHARED_HOST"


@dataclass(frozen=True)
class Conditions:
    """The machine just before a worker starts. ``busy_share`` is what others use of our ``cores``, 0 to 1.

    ``busiest`` names the process that uses most of that; ``gpu_processes`` and ``workers`` are pids of others;
    ``is_shared`` says that other plans may train on the machine at any time.
    """

    cores: int = 0
    busy_share: float = 0.0
    busiest: str = ""
    gpu_processes: tuple[int, ...] = ()
    swap_used_bytes: int = 0
    memory_bytes: int = 0
    page_cache: PageCache = field(default_factory=PageCache)
    workers: tuple[int, ...] = ()
    is_shared: bool = False


def read_conditions(
    gpu: GpuReader, device: str, page_cache: PageCache, root: Path = ROOT
) -> tuple[Conditions, GpuReading]:
    """Watch the processor for a moment, while NVML is asked anew, and look around. Also what NVML said."""
    gpu.refresh()
    cores, busy_share, busiest = _watch_others(root)
    reading = gpu.latest()
    index = used_gpu(device, reading)
    on_gpu = reading.processes[index] if index is not None and reading.processes else ()
    memory = meminfo(root)
    conditions = Conditions(
        cores=cores,
        busy_share=busy_share,
        busiest="" if busiest is None else f"{name_of(busiest, root)} ({busiest})",
        gpu_processes=strangers(on_gpu, own_workers(os.getpid(), root)),
        swap_used_bytes=memory.get("SwapTotal", 0) - memory.get("SwapFree", 0),
        memory_bytes=memory.get("MemTotal", 0),
        page_cache=page_cache,
        workers=other_workers(os.getpid(), root),
        is_shared=bool(os.environ.get(SHARED_HOST)),
    )
    return conditions, reading


def _watch_others(root: Path) -> tuple[int, float, int | None]:
    """Our cores, the share of them that others use, 0 to 1, and the pid that uses most of it.

    A viewer that opens or paints the start of a run is calm a moment later, and is given that moment.
    """
    for _ in range(MOST_LOOKS):
        started, before = time.perf_counter(), read_cpu_use(root)
        time.sleep(WATCH_S)
        seconds, after = time.perf_counter() - started, read_cpu_use(root)
        whole_s = after.cores * seconds or 1.0
        used_s, busiest = others_cpu(before, after, {os.getpid()})
        without_us_s, _ = others_cpu(before, after, {os.getpid(), *program_pids(root)})
        if used_s <= BUSY_SHARE * whole_s or without_us_s > BUSY_SHARE * whole_s:
            break
    return after.cores, used_s / whole_s, busiest


def used_gpu(device: str, reading: GpuReading, variables: Mapping[str, str] = os.environ) -> int | None:
    """NVML's index of the GPU that a run with this ``device`` uses, None for none or one that is not known.

    CUDA_VISIBLE_DEVICES renumbers the GPUs for the frameworks, by NVML's index or by the beginning of a UUID.
    """
    if device == "cpu":
        return None
    position = int(device.partition(":")[2] or 0)
    uuids = [str(facts.get("uuid", "")) for facts in reading.facts]
    visible = variables.get("CUDA_VISIBLE_DEVICES")
    names = [str(index) for index in range(len(uuids))] if visible is None else visible.split(",")
    name = names[position].strip() if position < len(names) else ""
    matches = [index for index, uuid in enumerate(uuids) if name == str(index) or (name and uuid.startswith(name))]
    return matches[0] if matches else None


def judge_start(conditions: Conditions) -> tuple[RunWarning, ...]:
    """What a reader of the run's numbers must know of how it began."""
    judged = (
        _judge_processor(conditions),
        _judge_gpu(conditions.gpu_processes),
        _judge_swap(conditions),
        _judge_page_cache(conditions.page_cache),
        judge_overlap(conditions.workers),
        _judge_share(conditions),
    )
    return tuple(warning for warning in judged if warning)


def judge_overlap(workers: Sequence[int]) -> RunWarning | None:
    """Two trainings at one time measure each other."""
    if not workers:
        return None
    return RunWarning(
        f"another worker of tfpt-tui was running ({_pids(workers)})",
        "overlap",
        "run one plan at a time on this machine",
        "time",
    )


def _judge_share(conditions: Conditions) -> RunWarning | None:
    if not conditions.is_shared:
        return None
    return RunWarning(
        "the host is shared: plans on its other GPUs use the same processors, memory and bus",
        "shared_host",
        "let one plan at a time have the whole machine",
        "time",
    )


def _judge_processor(conditions: Conditions) -> RunWarning | None:
    if conditions.busy_share <= BUSY_SHARE:
        return None
    most = f", most of it {conditions.busiest}" if conditions.busiest else ""
    cores = "the core" if conditions.cores == 1 else f"the {conditions.cores} cores"
    return RunWarning(
        f"other processes used {conditions.busy_share:.0%} of {cores} before the start{most}",
        "busy",
        "end them and repeat the run",
        "time",
    )


def _judge_gpu(processes: Sequence[int]) -> RunWarning | None:
    if not processes:
        return None
    count = "another process" if len(processes) == 1 else f"{len(processes)} other processes"
    return RunWarning(
        f"{count} computed on the GPU before the start ({_pids(processes)})",
        "foreign_gpu_process",
        "end what else uses the GPU, or choose another with device=gpu:N",
        "time",
    )


def _judge_swap(conditions: Conditions) -> RunWarning | None:
    if conditions.swap_used_bytes <= SWAP_SHARE * conditions.memory_bytes:
        return None
    # It makes no number doubtful yet: "swapped" says so when something had to come back during the run.
    return RunWarning(
        f"{conditions.swap_used_bytes / MIB:.0f} MiB were in swap before the start",
        "swap_in_use",
        "free memory before the run",
    )


def _judge_page_cache(cache: PageCache) -> RunWarning | None:
    if cache.state != "cold" or cache.after is None:
        return None
    return RunWarning(
        f"only {cache.after:.0%} of the dataset were in memory at the start; the first epoch read the disk",
        "cold_data",
        f"free memory until {WARM_SHARE:.0%} of it stay there, or compare with runs that began as cold",
        "time",
    )


def _pids(pids: Sequence[int]) -> str:
    return ("pid " if len(pids) == 1 else "pids ") + ", ".join(map(str, pids))
