"""What machine this is, read now: the facts that ``environment.toml`` keeps beside every run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfpt_tui.documents import Value
from tfpt_tui.hardware.gpu import GpuReader, GpuReading
from tfpt_tui.hardware.machine_snapshot import GpuDriver, MachineSnapshot, recorded
from tfpt_tui.hardware.memory import describe_memory
from tfpt_tui.hardware.pagecache import PageCache
from tfpt_tui.hardware.preflight import judge_start, read_conditions, used_gpu
from tfpt_tui.hardware.processor import describe_processor
from tfpt_tui.hardware.storage import describe_directory
from tfpt_tui.hardware.system import describe_system
from tfpt_tui.linux import ROOT


def describe_machine(
    gpu: GpuReading, root: Path = ROOT, variables: Mapping[str, str] = os.environ
) -> MachineSnapshot:
    """Processor, memory and GPUs, the system, and the variables that change what a framework does."""
    return MachineSnapshot(
        machine={**describe_system(root, variables), **describe_processor(root), **describe_memory(root)},
        gpu=GpuDriver(gpu.driver, gpu.cuda_driver, gpu.problem),
        gpus=tuple(gpu.facts),
        variables=recorded(variables),
    )


def take_snapshot(data: Path, runs: Path, device: str, page_cache: PageCache, gpu: GpuReader) -> MachineSnapshot:
    """All that is to be known of the machine before a run's worker starts; a fifth of a second.

    ``data`` and ``runs`` are the directories of the dataset and of the runs, ``device`` is the requested one.
    """
    conditions, reading = read_conditions(gpu, device, page_cache)
    machine = describe_machine(reading)
    return replace(
        machine,
        gpu=replace(machine.gpu, used=used_gpu(device, reading)),
        data=describe_directory(data) | _describe_cache(page_cache),
        runs=describe_directory(runs),
        warnings=tuple(judge_start(conditions)),
    )


def _describe_cache(cache: PageCache) -> dict[str, Value]:
    """``page_cache`` says how the run began, ``resident_share_before`` (0 to 1) how the dataset was found."""
    if cache.before is None or not cache.state:
        return {}
    return {"page_cache": cache.state, "resident_share_before": round(cache.before, 3)}
