"""What the job of a scheduler does on its node: a supervisor, for the sweep that it was submitted for."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import TfptError
from tfpt_tui.events import RunError
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.state import status_of, was_asked_to_stop
from tfpt_tui.runs.record.sweep import Sweep, interpreter_for, read_config, read_environment, read_sweep
from tfpt_tui.runs.supervision import supervisor
from tfpt_tui.runs.supervision.finalize import finalize, finalize_lost
from tfpt_tui.runs.supervision.resume import plan_again
from tfpt_tui.runs.supervision.submit import check_machine


def supervise_sweep(directory: SweepDirectory, paths: Paths) -> None:
    """Check this node, and run the sweep in this process to its end; what the node lacks stands in the results.

    What completed on another node need not be here.
    """
    sweep = read_sweep(directory, paths)
    here = [run for run in sweep.runs if run.config.exists()]
    try:
        check_machine(list(map(read_config, here)), _as_planned(sweep, here))
    except TfptError as error:
        for run in here:
            if not run.result.exists():
                finalize(run, "failed", RunError(type(error).__name__, f"{os.uname().nodename}: {error}"))
        return
    supervisor.main([str(directory.path), str(paths.runs)])


def begin_again(directory: SweepDirectory, paths: Paths, attempt: int, node: str = "") -> None:
    """Plan another attempt: what had begun keeps what it recorded, and a run of its own takes its place.

    What is paired stays on one machine: what completed elsewhere than on ``node`` runs again with its repeat.
    """
    sweep = read_sweep(directory, paths)
    for run in sweep.runs:
        if run.events.exists() and not run.result.exists():
            message = f"its node was lost, or the job preempted; attempt {attempt} takes its place"
            finalize_lost(run, RunError("Lost", message))
    if not was_asked_to_stop(directory):
        directory.stop.unlink(missing_ok=True)  # of the signal that ended the attempt before
    done = [run for run in sweep.runs if status_of(run) == "completed"]
    plan_again(sweep, paths, together=any(read_environment(run).machine.get("host") != node for run in done))


def _as_planned(sweep: Sweep, runs: Sequence[RunDirectory]) -> UserSettings:
    """The interpreters that the plan has for these runs, as settings."""
    environments: dict[str, str] = {}
    interpreters: dict[str, str] = {}
    for run in runs:
        config, interpreter = read_config(run), interpreter_for(sweep, run)
        if config.environment == DEFAULT_ENVIRONMENT:
            interpreters[config.framework] = interpreter
        else:
            environments[config.environment] = interpreter
    return UserSettings(interpreters=interpreters, environments=environments)
