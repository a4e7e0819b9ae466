"""``state.toml``: who owns a run or a sweep now, and what that makes of its status."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.processes import Process, read_process

# A supervisor takes over its runs within a second; one that has not by then never will.
HANDOVER_S = 60.0
# Machines that share a directory see each other's processes by what they touch so often. A network file system
# tells of it up to a minute late (nfs(5), acdirmax).
BEAT_S = 15.0
SILENT_S = BEAT_S + 75.0
# Endings that say nothing of the run's own configuration.
RESUMABLE = ("stopped", "crashed")
STATUS_LINE = re.compile(rb'^status = "(\w+)"', re.MULTILINE)
HEAD_BYTES = 512


def write_state(path: Path, supervisor: Process, worker: Process | None = None, **facts: Any) -> None:
    """Say who owns the run or sweep; ``facts`` are plain values for those who look."""
    document: dict[str, Any] = {
        "boot_id": supervisor.boot_id,
        **facts,
        "supervisor": {"pid": supervisor.pid, "start_time": supervisor.start_time},
    }
    if worker:
        document["worker"] = {"pid": worker.pid, "start_time": worker.start_time}
    write_toml(path, document)


def read_state(path: Path) -> dict[str, Any]:
    """The state, empty where there is none or it cannot be read."""
    try:
        return read_toml(path)
    except TfptError:
        return {}


def request_stop(directory: RunDirectory | SweepDirectory) -> None:
    """Ask the supervisor of a run or of a sweep to stop it.

    Raises:
        MissingError: it is gone, or its directory may not be written.
    """
    try:
        directory.stop.touch()
    except OSError as error:
        raise cannot("ask it to stop", directory.path, error) from None


def gone(run: RunDirectory) -> RunError:
    """The error of a run whose supervisor could not write its result, and how to go on."""
    sweep = read_state(run.state).get("sweep")
    reason = "its supervisor exited unexpectedly: killed, or the disk is full"
    if not run.events.exists():
        reason = "it never started: its supervisor was killed before, or the disk is full"
    return RunError("Crashed", f"{reason}; go on with: tfpt-tui runs resume {sweep}" if sweep else reason)


def owner_of(path: Path) -> Process | None:
    """The supervisor that owns a run or sweep, None when it is gone or there never was one."""
    supervisor = read_process(read_state(path), "supervisor")
    return supervisor if supervisor and lives(supervisor, path) else None


def lives(process: Process, trace: Path) -> bool:
    """Whether a process is alive; one of another machine or another boot while its file is fresh."""
    return process.is_alive() if process.is_ours_to_see else age_s(trace) < SILENT_S


def beat(states: Iterable[Path]) -> None:
    """Leave a fresh trace of the owner of these states; what cannot be touched is left."""
    for state in states:
        with suppress(OSError):
            os.utime(state)


def status_of(run: RunDirectory) -> str:
    """One word for the run: how it ended, or ``queued`` or ``running`` while its supervisor is alive."""
    ended = _ending_of(run)
    if ended:
        return ended
    state = read_state(run.state)
    if not state:
        return "queued" if age_s(run.config) < HANDOVER_S else "crashed"
    if not owner_of(run.state):
        return "crashed"
    return "running" if "worker" in state else "queued"


def _ending_of(run: RunDirectory) -> str:
    """The status in result.toml, "" where there is none yet.

    It stands among the first lines: lists of thousands of runs need not parse the whole file.
    """
    try:
        with run.result.open("rb") as file:
            found = STATUS_LINE.search(file.read(HEAD_BYTES))
    except FileNotFoundError:
        return ""
    except OSError:
        return "crashed"
    return found[1].decode() if found else "crashed"


def age_s(path: Path) -> float:
    """Seconds since a file was written or touched; many where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return math.inf
