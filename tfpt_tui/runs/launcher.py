"""Start one worker in the framework's interpreter, so that nothing of it can reach the terminal or outlive us."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import tfpt_tui
from tfpt_tui.errors import cannot
from tfpt_tui.runs.directory import RunDirectory

LAUNCH = Path(tfpt_tui.__file__).parent / "backends" / "launch.py"
# They would show our site-packages, or another Python's library, to the framework's interpreter.
HIDDEN_VARIABLES = ("PYTHONPATH", "PYTHONHOME")


def launch_worker(run: RunDirectory, interpreter: str) -> subprocess.Popen[bytes]:
    """Start the worker of a run: a process group of its own, everything that it prints in ``worker.log``.

    Raises:
        MissingError: the interpreter cannot be started.
        OSError: the log cannot be written.
    """
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
    environment["PYTHONUNBUFFERED"] = "1"
    # -P: the directory of launch.py has a package named like TensorFlow's.
    command = [interpreter, "-P", str(LAUNCH), str(run.path), str(os.getpid())]
    with run.log.open("ab") as log:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=run.path,
                env=environment,
                process_group=0,
            )
        except OSError as error:
            raise cannot("start the worker", interpreter, error) from None
