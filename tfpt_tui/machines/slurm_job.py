"""What submitit calls on a node of a Slurm cluster."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tfpt_tui.config.paths import find_paths
from tfpt_tui.files import append_to
from tfpt_tui.lifeline import die_with_parent
from tfpt_tui.machines.node import begin_again, supervise_sweep
from tfpt_tui.runs.record.directory import SweepDirectory

RESTARTS = "SLURM_RESTART_COUNT"  # sbatch(1): how often the job was requeued


def run_sweep(sweep: str, runs: str) -> None:
    """Run the sweep in that directory, and what is left of it where the job was requeued.

    A node that Slurm gives up may go on for a while: then nothing of ours does.
    """
    die_with_parent(os.getppid())
    directory, paths = SweepDirectory(Path(sweep)), find_paths(runs)
    # Slurm's warning before the time is up (submitit asks for it): what runs then shall have a result.
    signal.signal(signal.SIGUSR2, lambda *_: append_to(directory.stop).close())
    if restarts := int(os.environ.get(RESTARTS) or 0):
        begin_again(directory, paths, restarts + 1, os.uname().nodename)
    supervise_sweep(directory, paths)
