"""Start one worker in the framework's interpreter, so that nothing of it can reach the terminal or outlive us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tfpt_tui.environments.interpreters import worker_command, worker_variables
from tfpt_tui.errors import cannot
from tfpt_tui.files import append_to
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.supervision.gate import Gate


def launch_worker(
    run: RunDirectory, interpreter: str, spared: Sequence[int] = (), gate: Gate | None = None
) -> subprocess.Popen[bytes]:
    """Start the worker of a run, on all our cores but those ``spared``; what it prints goes to ``worker.log``.

    An arm of a duel waits at its ``gate``.

    Raises:
        MissingError: the interpreter cannot be started.
        OSError: the log cannot be written.
    """
    task = gate.task if gate else ()
    worker = launch(run.path, run.log, interpreter, *task, descriptors=gate.descriptors if gate else ())
    if spared:
        with suppress(ProcessLookupError):  # it ended already: the caller will see why
            # Python has only begun to start: every thread that will be made inherits this.
            os.sched_setaffinity(worker.pid, os.sched_getaffinity(0) - set(spared))
    return worker


def launch(
    directory: Path, log: Path, interpreter: str, *task: str, descriptors: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start ``backends/launch.py`` on a directory, in a process group of its own; see there for ``task``.

    ``descriptors`` are open files that it inherits.

    Raises:
        MissingError: the interpreter cannot be started.
        OSError: the log cannot be written.
    """
    with append_to(log) as output:
        try:
            return subprocess.Popen(
                worker_command(interpreter, directory, *task),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=worker_variables() | {"PYTHONUNBUFFERED": "1"},
                process_group=0,
                pass_fds=descriptors,
            )
        except OSError as error:
            raise cannot("start the worker", interpreter, error) from None
