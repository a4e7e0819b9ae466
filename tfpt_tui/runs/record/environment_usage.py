"""Who would miss an environment that is removed: runs, processes, other names and settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE
from tfpt_tui.hardware.processes import command_lines, pids_below
from tfpt_tui.runs.record.directory import SweepDirectory, list_runs
from tfpt_tui.runs.record.state import machine_of, status_of
from tfpt_tui.runs.record.sweep import read_config, read_sweep

# Older runs are over.
RECENT_RUNS = 200
# Its command line goes on with the directory of the sweep. Versions before 0.3 start it by the other name.
SUPERVISORS = ("tfpt_tui.runs.supervision.supervisor", "tfpt_tui.runs.supervisor")


def user_of(name: str, paths: Paths, settings: UserSettings) -> str:
    """What still needs the environment of that name, and what to do first; "" where nothing does.

    Whatever its interpreter is called elsewhere counts, and so do runs of other directories.
    """
    if name not in settings.environments:
        return ""  # broken, unfinished, or none: no run can use it
    home = paths.environments / name
    for run in list_runs(paths)[:RECENT_RUNS]:
        if status_of(run) in ALIVE and not machine_of(run) and read_config(run).environment == name:
            return f"{run.id} uses it; wait for that run, or: tfpt-tui runs stop {run.id}"
    for sweep, interpreter in _supervised(paths):
        if _lies_in(interpreter, home):
            return f"{sweep} uses it; wait for its runs, or stop them"
    for pid in pids_below(home):
        return f"process {pid} runs in it; wait for it"
    for other, interpreter in settings.environments.items():
        if other != name and _lies_in(interpreter, home):
            return f"the environment {other} uses its interpreter; first: tfpt-tui env remove {other}"
    for framework, interpreter in settings.interpreters.items():
        if _lies_in(os.path.expanduser(interpreter), home):
            return f"{paths.settings} has its interpreter for {framework}; correct that first"
    return ""


def _supervised(paths: Paths) -> Iterator[tuple[Path, str]]:
    """The sweeps of live supervisors, whatever runs they belong to, with the interpreters of what is not over."""
    for words in command_lines().values():
        directory = next((Path(after) for word, after in pairwise(words) if word in SUPERVISORS), None)
        if not directory:
            continue
        try:
            runs = read_sweep(SweepDirectory(directory), paths).plan.runs
        except TfptError:
            continue  # it has just ended, and somebody deleted it
        yield from ((directory, run.interpreter) for run in runs if run.state in ALIVE)


def _lies_in(interpreter: str, home: Path) -> bool:
    # Not resolved: the interpreter of a venv is a link to one that many venvs share.
    return Path(os.path.abspath(interpreter)).is_relative_to(home)
