"""How often a training waits for its device: the worker's, or the plain script's, under the framework's counter.

What costs nothing on a CPU holds a GPU up at every step, so waits are counted and not timed.
"""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from pathlib import Path

from tfpt_tui.backends import worker
from tfpt_tui.lifeline import die_with_parent


def main(arguments: list[str]) -> int:
    """``arguments``: a directory with config.toml, the parent's pid, and the plain script or "" for the worker.

    Leaves the count in waits.json.
    """
    directory, parent, script = Path(arguments[0]), int(arguments[1]), arguments[2]
    die_with_parent(parent)
    config = worker.read_config(directory)
    worker.set_variables(config)
    internals = importlib.import_module(f"tfpt_tui.backends.{config.framework}.internals")
    with internals.Waits() as waits:
        if script:
            sys.argv = [script, str(directory / "settings.json")]
            runpy.run_path(script, run_name="__main__")
        elif worker.main([str(directory), str(parent)]):
            return 1
    (directory / "waits.json").write_text(json.dumps(waits.count), encoding="utf-8")
    return 0
