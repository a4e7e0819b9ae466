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
    """Start the worker of a run; everything that it prints goes to ``worker.log``.

    Raises:
        MissingError: the interpreter cannot be started.
        OSError: the log cannot be written.
    """
    return launch(run.path, run.log, interpreter)


def launch(directory: Path, log: Path, interpreter: str, *task: str) -> subprocess.Popen[bytes]:
    """Start ``backends/launch.py`` on a directory, in a process group of its own; see there for ``task``.

    Raises:
        MissingError: the interpreter cannot be started.
        OSError: the log cannot be written.
    """
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES}
    environment["PYTHONUNBUFFERED"] = "1"
    # -P: the directory of launch.py has a package named like TensorFlow's.
    command = [interpreter, "-P", str(LAUNCH), str(directory), str(os.getpid()), *task]
    with log.open("ab") as output:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=environment,
                process_group=0,
            )
        except OSError as error:
            raise cannot("start the worker", interpreter, error) from None
