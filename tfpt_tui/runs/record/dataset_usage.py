"""Who still needs a dataset: a run that is alive reads its files, and those that wait will."""

from __future__ import annotations

import os
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.record.directory import list_runs
from tfpt_tui.runs.record.state import machine_of, status_of
from tfpt_tui.runs.record.sweep import read_config


def run_that_needs(dataset: Path, paths: Paths) -> str:
    """What still needs the dataset, and what to do first; "" where nothing does."""
    place = os.path.realpath(dataset)
    for run in list_runs(paths):
        alive = not run.result.exists() and status_of(run) in ALIVE and not machine_of(run)
        if alive and os.path.realpath(read_config(run).data) == place:
            return f"{run.id} uses it; wait for that run, or: tfpt-tui runs stop {run.id}"
    return ""
