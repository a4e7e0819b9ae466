"""``preparations/ID/``: a preparation, begun by the app in a process that outlives it, or typed in a shell.

``request.toml`` is what was requested, ``state.toml`` whose process it is, ``progress.jsonl`` how far it is and
how it ended, ``stop`` a request to stop, ``prepare.log`` all that the command printed where nobody saw it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.data.progress_log import STOP, Ending, Step, read_last
from tfpt_tui.errors import INTERRUPTED, MissingError, TfptError, cannot
from tfpt_tui.files import append_to, last_line
from tfpt_tui.own_process import start_detached
from tfpt_tui.runs.record.directory import make_directory
from tfpt_tui.runs.record.heartbeat import is_silent
from tfpt_tui.runs.record.processes import Process, identify, kill_group
from tfpt_tui.runs.record.state import Owner, State, lives, read_state, write_state

SCHEMA = 1
LISTED = 50  # older ones are of no use to anyone, and forgotten
JOURNAL = "progress.jsonl"
ID = r"\d{8}-\d{6}-.+"
GONE = "it exited unexpectedly: killed, or the machine was restarted; start it again, it continues"


@dataclass(frozen=True)
class RecordedRequest:
    """``arguments`` stand behind ``tfpt-tui prepare``; ``kind`` and ``size`` tell which rates can be compared."""

    kind: str
    out: Path
    size: int
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Preparation:
    """One preparation as it is now. ``status`` is running, completed, stopped, failed or crashed."""

    path: Path
    request: RecordedRequest
    status: str
    step: Step | None = None
    ending: Ending | None = None
    problem: str = ""

    @property
    def id(self) -> str:
        return self.path.name


def start(request: RecordedRequest, paths: Paths) -> Path:
    """Start ``tfpt-tui prepare`` in a session of its own, and record it; returns the record's directory.

    Earlier ones of the same dataset are forgotten: this one continues them, or replaces what they made.

    Raises:
        MissingError: the record cannot be written; nothing is started then.
    """
    return _record(request, paths, lambda path: _launch(path, request.arguments))


def sign_on(request: RecordedRequest, paths: Paths) -> Path:
    """Record this very process as the preparation, so that the app knows of one that was typed in a shell.

    Returns where its journal shall be written.

    Raises:
        MissingError: the record cannot be written, or could not hold these names.
    """
    return _record(request, paths, lambda path: identify(os.getpid())) / JOURNAL


def list_preparations(paths: Paths) -> list[Preparation]:
    """The newest preparations, newest first; a record that is broken is passed over."""
    found = (_read_if_whole(paths.preparations / name) for name in _names(paths)[:LISTED])
    return [one for one in found if one]


def stop(preparation: Preparation) -> bool:
    """Interrupt it as Ctrl-C would; False when it is over already.

    It is asked by a file, too, which it looks at as it goes on: it may hear no signal, or be of another machine.
    """
    process = _process(preparation.path)
    if preparation.status != "running" or not process:
        return False
    with suppress(OSError):
        append_to(preparation.path / STOP).close()
    if process.is_alive():
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGINT)
    return True


def forget(preparation: Preparation) -> None:
    """Remove the record of a preparation that is over; the images stay."""
    shutil.rmtree(preparation.path, ignore_errors=True)


def known_rate(preparations: Sequence[Preparation], kind: str, size: int) -> float | None:
    """Images a second of the newest preparation of the same kind and size that made some."""
    for one in preparations:
        if (one.request.kind, one.request.size) == (kind, size) and one.ending and one.ending.images:
            return one.ending.images / max(one.ending.seconds, 1e-3)
    return None


def _record(request: RecordedRequest, paths: Paths, begin: Callable[[Path], Process]) -> Path:
    earlier = [one for one in list_preparations(paths) if one.request.out == request.out]
    path = make_directory(paths.preparations, request.kind, datetime.now(), what="a preparation")
    document = {
        "schema": SCHEMA,
        "kind": request.kind,
        "out": str(request.out),
        "size": request.size,
        "arguments": request.arguments,
    }
    process = None
    try:
        write_toml(path / "request.toml", document)
        process = begin(path)
        owner = Owner(process.pid, process.start_time)
        write_state(path / "state.toml", State(process.boot_id, process.pid_namespace, preparation=owner))
    except OSError as error:
        if process and process.pid != os.getpid():
            kill_group(process.pid)  # nobody would know of it
        shutil.rmtree(path, ignore_errors=True)
        raise cannot("record a preparation", paths.preparations, error) from None
    except UnicodeEncodeError:
        shutil.rmtree(path, ignore_errors=True)
        raise MissingError(f"{request.out}: cannot record a preparation whose names are not UTF-8") from None
    old = [_read_if_whole(paths.preparations / name) for name in _names(paths)[LISTED:]]
    for one in (*earlier, *filter(None, old)):
        if one.status != "running":
            forget(one)
    return path


def _names(paths: Paths) -> list[str]:
    """Newest first."""
    try:
        return sorted(filter(re.compile(ID).fullmatch, os.listdir(paths.preparations)), reverse=True)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _launch(path: Path, arguments: Sequence[str]) -> Process:
    with append_to(path / "prepare.log") as log:
        child = start_detached("tfpt_tui", "prepare", "--progress", str(path / JOURNAL), *arguments, log=log)
    return identify(child.pid)


def _read_if_whole(path: Path) -> Preparation | None:
    with suppress(TfptError, OSError, KeyError, TypeError, ValueError):
        return _read(path)
    return None


def _read(path: Path) -> Preparation:
    document = read_record(path / "request.toml", SCHEMA)
    request = RecordedRequest(
        str(document["kind"]),
        Path(document["out"]),
        int(document["size"]),
        tuple(str(argument) for argument in document["arguments"]),
    )
    process = _process(path)
    # In this order: a process that ends in between has written its last line before.
    alive = lives(process, path / JOURNAL) if process else not is_silent(path / "request.toml")
    last = read_last(path / JOURNAL)
    if isinstance(last, Ending):
        status = {0: "completed", INTERRUPTED: "stopped"}.get(last.code, "failed")
        return Preparation(path, request, status, ending=last, problem=last.message if last.code else "")
    if alive:
        return Preparation(path, request, "running", step=last)
    if (path / STOP).exists():
        return Preparation(path, request, "stopped", step=last)
    return Preparation(path, request, "crashed", step=last, problem=last_line(path / "prepare.log") or GONE)


def _process(path: Path) -> Process | None:
    state = read_state(path / "state.toml")
    return state.process(state.preparation)
