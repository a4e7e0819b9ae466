"""What the job of a scheduler does on its node: a supervisor, for the sweep that it was submitted for."""

from __future__ import annotations

import os

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import TfptError
from tfpt_tui.events import RunError
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import read_config, read_environment, read_sweep
from tfpt_tui.runs.supervision import supervisor
from tfpt_tui.runs.supervision.finalize import finalize
from tfpt_tui.runs.supervision.resume import plan_again
from tfpt_tui.runs.supervision.submit import check_machine


def supervise_sweep(directory: SweepDirectory, paths: Paths) -> None:
    """Check this node, and run the sweep in this process to its end; what the node lacks stands in the results."""
    try:
        configs = [read_config(run) for run in read_sweep(directory, paths).runs]
        check_machine(configs, _as_planned(directory, paths))
    except TfptError as error:
        for run in read_sweep(directory, paths).runs:
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
            finalize(run, "crashed", RunError("Lost", message))
    directory.stop.unlink(missing_ok=True)  # nobody's wish, but the signal that ended the attempt before
    done = [run for run in sweep.runs if status_of(run) == "completed"]
    plan_again(sweep, paths, together=any(read_environment(run).machine.get("host") != node for run in done))


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
