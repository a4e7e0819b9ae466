"""Commands that the app starts in a process which outlives it: the search for the fastest settings, and the demo.

All that such a command says goes to ``background/COMMAND.log``. The file is locked while its process lives, which
has it open. Each of them runs once at a time: two would only wait for each other.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import PresetRow
from tfpt_tui.config.schema import MACHINE, SETTINGS, TRAINING, plain
from tfpt_tui.errors import UsageError, cannot
from tfpt_tui.files import append_to, last_line, lock, open_regular
from tfpt_tui.own_process import start_detached
from tfpt_tui.runs.plan.candidates import COMPILE

ADVISE, DEMO = "advise", "demo"


@dataclass(frozen=True)
class Background:
    """A command that runs, or the last time that it did; ``line`` is the last thing that it said."""

    line: str
    running: bool


def advise_arguments(row: PresetRow, frameworks: Collection[str], budget: str, extras: Sequence[str]) -> list[str]:
    """What follows ``tfpt-tui advise`` for a row of a draft: its own training, on its dataset.

    Of several ``frameworks`` all that there are take part, each in the environment that is usual for it.
    ``extras`` are options as they are.
    """
    values = row.resolved()
    one = len(frameworks) == 1
    kept = [
        f"--set={key}={plain(values[key])}"
        for key, setting in SETTINGS.items()
        if (setting.group in (TRAINING, MACHINE) and key != COMPILE) or (key == "environment" and one)
        if values[key] != setting.default
    ]
    named = list(frameworks) if one else []
    return [*named, f"--data={values['data']}", f"--budget={budget}", *kept, *extras]


def start(command: str, arguments: Sequence[str], paths: Paths) -> None:
    """Start ``tfpt-tui COMMAND`` with these arguments in a session of its own.

    Raises:
        UsageError: it is under way.
        MissingError: its log cannot be written.
    """
    path = _log(command, paths)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with append_to(path) as log:
            if not lock(log.fileno()):
                raise UsageError(f"tfpt-tui {command} is under way already; its runs are in the Monitor")
            os.ftruncate(log.fileno(), 0)
            start_detached("tfpt_tui", "--runs", str(paths.runs), command, *arguments, log=log)
    except OSError as error:
        raise cannot(f"start tfpt-tui {command}", path, error) from None


def latest(command: str, paths: Paths) -> Background | None:
    """None where it never ran."""
    path = _log(command, paths)
    try:
        with open_regular(path) as log:
            return Background(last_line(path), running=not lock(log.fileno()))
    except OSError:
        return None


def _log(command: str, paths: Paths) -> Path:
    return paths.background / f"{command}.log"
