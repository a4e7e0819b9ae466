"""The process that a Ray task starts on its node: it runs a sweep, and dies with the task."""

from __future__ import annotations

import sys
from pathlib import Path

from tfpt_tui.config.paths import find_paths
from tfpt_tui.lifeline import die_with_parent
from tfpt_tui.machines.node import supervise_sweep
from tfpt_tui.runs.record.directory import SweepDirectory

if __name__ == "__main__":
    sweep, runs, parent = sys.argv[1:]
    die_with_parent(int(parent))
    supervise_sweep(SweepDirectory(Path(sweep)), find_paths(runs))
