"""``state.toml``: who owns a run or a sweep now, and what that makes of its status."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.processes import Process

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


@dataclass(frozen=True)
class Owner:
    """A process of the boot that the state names."""

    pid: int
    start_time: int


@dataclass(frozen=True)
class State:
    """Who owns a run, a sweep or a preparation; field names are those of the file.

    ``status`` and ``message`` are a supervisor's, for those who look; ``sweep`` and ``burn_in`` are a run's.
    """

    boot_id: str = ""
    status: str = ""
    message: str = ""
    sweep: str = ""
    burn_in: bool = False
    supervisor: Owner | None = None
    worker: Owner | None = None
    preparation: Owner | None = None

    def process(self, owner: Owner | None) -> Process | None:
        """One of its owners, as it is found among the processes."""
        return Process(self.boot_id, owner.pid, owner.start_time) if owner else None


NO_STATE = State()


def state_of(supervisor: Process, worker: Process | None = None) -> State:
    """The state of what a supervisor owns, and its worker where that has started."""
    return State(
        supervisor.boot_id,
        supervisor=Owner(supervisor.pid, supervisor.start_time),
        worker=Owner(worker.pid, worker.start_time) if worker else None,
    )


def write_state(path: Path, state: State) -> None:
    document = dataclasses.asdict(state)
    write_toml(path, {name: fact for name, fact in document.items() if fact not in ("", False, None)})


def read_state(path: Path) -> State:
    """The state; ``NO_STATE`` where the file is missing or cannot be read."""
    try:
        return build(State, read_toml(path))
    except (TfptError, DocumentError):
        return NO_STATE


def request_stop(directory: RunDirectory | SweepDirectory) -> None:
    """Ask the supervisor of a run or of a sweep to stop it.

    Raises:
        MissingError: it is gone, or its directory may not be written.
    """
    try:
        directory.stop.touch()
    except OSError as error:
        raise cannot("ask it to stop", directory.path, error) from None


def crash_error(run: RunDirectory) -> RunError:
    """The error of a run whose supervisor could not write its result, and how to go on."""
    sweep = read_state(run.state).sweep
    reason = "its supervisor exited unexpectedly: killed, or the disk is full"
    if not run.events.exists():
        reason = "it never started: its supervisor was killed before, or the disk is full"
    return RunError("Crashed", f"{reason}; resume with: tfpt-tui runs resume {sweep}" if sweep else reason)


def owner_of(path: Path) -> Process | None:
    """The supervisor that owns a run or sweep, None when it is gone or there never was one."""
    state = read_state(path)
    supervisor = state.process(state.supervisor)
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
    if state == NO_STATE:
        return "queued" if age_s(run.config) < HANDOVER_S else "crashed"
    if not owner_of(run.state):
        return "crashed"
    return "running" if state.worker else "queued"


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
