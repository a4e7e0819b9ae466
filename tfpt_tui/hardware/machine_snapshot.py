"""All that is to be known of the machine before a run's worker starts: the first ``environment.toml``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.hardware.pagecache import PageCache
from tfpt_tui.hardware.preflight import judge_start, read_conditions, used_gpu
from tfpt_tui.hardware.storage import describe_directory


def survey(data: Path, runs: Path, device: str, page_cache: PageCache, gpu: GpuReader) -> dict[str, Any]:
    """The tables of ``environment.toml`` but for the versions, which the worker tells; a fifth of a second.

    ``data`` and ``runs`` are the directories of the dataset and of the runs, ``device`` is the requested one.
    """
    conditions, reading = read_conditions(gpu, device, page_cache)
    machine = describe_machine(reading)
    used = used_gpu(device, reading)
    return machine | {
        "gpu": machine["gpu"] | ({} if used is None else {"used": used}),
        "data": describe_directory(data) | _describe_cache(page_cache),
        "runs": describe_directory(runs),
        "warnings": [dataclasses.asdict(warning) for warning in judge_start(conditions)],
    }


def _describe_cache(cache: PageCache) -> dict[str, Any]:
    """``page_cache`` says how the run began, ``resident_share_before`` (0 to 1) how the dataset was found."""
    if cache.before is None or not cache.state:
        return {}
    return {"page_cache": cache.state, "resident_share_before": round(cache.before, 3)}
