"""What a Slurm job executes on its node: a supervisor, for the sweep that it was submitted for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import TfptError
from tfpt_tui.events import RunError
from tfpt_tui.files import append_to
from tfpt_tui.lifeline import die_with_parent
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.sweep import read_config, read_sweep
from tfpt_tui.runs.supervision import supervisor
from tfpt_tui.runs.supervision.finalize import finalize
from tfpt_tui.runs.supervision.resume import plan_again
from tfpt_tui.runs.supervision.submit import check_machine

ATTEMPTS = "SLURM_RESTART_COUNT"  # sbatch(1): how often the job was requeued


def run_sweep(sweep: str, runs: str) -> None:
    """Run the sweep in that directory, and what is left of it where the job was requeued.

    A node that Slurm gives up may go on for a while: then nothing of ours does.
    """
    die_with_parent(os.getppid())
    directory, paths = SweepDirectory(Path(sweep)), find_paths(runs)
    # Slurm's warning before the time is up (submitit asks for it): what runs then shall have a result.
    signal.signal(signal.SIGUSR2, lambda *_: append_to(directory.stop).close())
    if int(os.environ.get(ATTEMPTS) or 0):
        _begin_again(directory, paths)
    try:
        check_machine(
            [read_config(run) for run in read_sweep(directory, paths).runs], _as_planned(directory, paths)
        )
    except TfptError as error:
        _refuse(directory, paths, error)
        return
    supervisor.main([sweep, runs])


def _begin_again(directory: SweepDirectory, paths: Paths) -> None:
    """Another attempt: what had begun keeps what it recorded, and a run of its own takes its place."""
    sweep = read_sweep(directory, paths)
    attempt = int(os.environ[ATTEMPTS]) + 1
    for run in sweep.runs:
        if run.events.exists() and not run.result.exists():
            message = f"its node was lost, or the job preempted; attempt {attempt} takes its place"
            finalize(run, "crashed", RunError("SlurmJob", message))
    directory.stop.unlink(missing_ok=True)  # nobody's wish, but the signal that ended the attempt before
    plan_again(sweep, paths)


def _refuse(directory: SweepDirectory, paths: Paths, error: TfptError) -> None:
    """Say in the result of every run what this node lacks."""
    for run in read_sweep(directory, paths).runs:
        if not run.result.exists():
            finalize(run, "failed", RunError(type(error).__name__, f"{os.uname().nodename}: {error}"))


def _as_planned(directory: SweepDirectory, paths: Paths) -> UserSettings:
    """The interpreters that the plan has, as settings."""
    sweep = read_sweep(directory, paths)
    environments: dict[str, str] = {}
    interpreters: dict[str, str] = {}
    for run, planned in zip(sweep.runs, sweep.plan.runs, strict=True):
        environment = read_config(run).environment
        if environment == DEFAULT_ENVIRONMENT:
            interpreters[planned.framework] = planned.interpreter
        else:
            environments[environment] = planned.interpreter
    return UserSettings(interpreters=interpreters, environments=environments)
