"""How often a training waits for its device: the worker's, or the plain script's, under the framework's counter.

What costs nothing on a CPU holds a GPU up at every step, so waits are counted and not timed.
"""

from __future__ import annotations

import builtins
import importlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

from tfpt_tui.backends import worker
from tfpt_tui.backends.report import Report
from tfpt_tui.lifeline import die_with_parent


def main(arguments: list[str]) -> int:
    """``arguments``: a directory with config.toml, the parent's pid, and the plain script or "" for the worker.

    Leaves in waits.json how many there were until the end of every epoch.
    """
    directory, parent, script = Path(arguments[0]), int(arguments[1]), arguments[2]
    die_with_parent(parent)
    config = worker.read_config(directory)
    worker.set_variables(config)
    internals = importlib.import_module(f"tfpt_tui.backends.{config.framework}.internals")
    counts: list[int] = []
    with internals.Waits() as waits:
        if script:
            _count_at(
                builtins, "print", lambda: counts.append(waits.count)
            )  # it prints a line an epoch, one before
            sys.argv = [script, str(directory / "settings.json")]
            runpy.run_path(script, run_name="__main__")
        else:
            _count_at(Report, "end_epoch", lambda: counts.append(waits.count))
            if worker.main([str(directory), str(parent)]):
                return 1
    (directory / "waits.json").write_text(json.dumps(counts[-config.epochs :]), encoding="utf-8")
    return 0


def _count_at(owner: Any, name: str, count: Any) -> None:
    """Count whenever this function is called."""
    function = getattr(owner, name)

    def counted(*arguments: Any, **keywords: Any) -> Any:
        count()
        return function(*arguments, **keywords)

    setattr(owner, name, counted)
