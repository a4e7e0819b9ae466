"""``advice/advise.log``: the search for the fastest settings that the app started, in a process that outlives it.

All that ``tfpt-tui advise`` says goes there. The file is locked while that process lives, which has it open. There
is one search at a time: two would only wait for each other's races.
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


@dataclass(frozen=True)
class Search:
    """``line`` is the last thing that it said."""

    line: str
    running: bool


def arguments_of(row: PresetRow, frameworks: Collection[str], budget: str, extras: Sequence[str]) -> list[str]:
    """What follows ``tfpt-tui advise`` for a row of a draft: its own training, on its dataset.

    Of several ``frameworks`` all that there are take part. ``extras`` are options as they are.
    """
    values = row.resolved()
    kept = [
        f"--set={key}={plain(values[key])}"
        for key, setting in SETTINGS.items()
        if setting.group in (TRAINING, MACHINE) and key != COMPILE and values[key] != setting.default
    ]
    named = list(frameworks) if len(frameworks) == 1 else []
    return [*named, f"--data={values['data']}", f"--budget={budget}", *kept, *extras]


def start_search(arguments: Sequence[str], paths: Paths) -> None:
    """Start ``tfpt-tui advise`` with these arguments in a session of its own.

    Raises:
        UsageError: a search is under way.
        MissingError: its log cannot be written.
    """
    path = _log(paths)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with append_to(path) as log:
            if not lock(log.fileno()):
                raise UsageError("a search is under way already; its races are in the Monitor")
            os.ftruncate(log.fileno(), 0)
            start_detached("tfpt_tui", "--runs", str(paths.runs), "advise", *arguments, log=log)
    except OSError as error:
        raise cannot("start the search", path, error) from None


def latest_search(paths: Paths) -> Search | None:
    """The search that runs, or the last one; None where there never was any."""
    path = _log(paths)
    try:
        with open_regular(path) as log:
            return Search(last_line(path), running=not lock(log.fileno()))
    except OSError:
        return None


def _log(paths: Paths) -> Path:
    return paths.searches / "advise.log"
