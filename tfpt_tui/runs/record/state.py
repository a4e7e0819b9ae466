"""``state.toml``: who owns a run or a sweep now, and what that makes of its status."""

from __future__ import annotations

import dataclasses
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.files import append_to, open_regular
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.heartbeat import is_silent
from tfpt_tui.runs.record.processes import Process

SCHEMA = 1
# Endings that say nothing of the run's own configuration.
RESUMABLE = ("stopped", "crashed")
REQUESTED = b"requested\n"
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
    ``machine`` is the name of another machine whose run or sweep this is the copy of, with the ``status`` that it
    sent last: no process here owns it. ``job`` says that the job of a scheduler will run it, which waits.
    """

    boot_id: str = ""
    pid_namespace: str = ""
    status: str = ""
    message: str = ""
    sweep: str = ""
    burn_in: bool = False
    machine: str = ""
    job: bool = False
    supervisor: Owner | None = None
    worker: Owner | None = None
    preparation: Owner | None = None

    def process(self, owner: Owner | None) -> Process | None:
        """One of its owners, as it is found among the processes."""
        return Process(self.boot_id, owner.pid, owner.start_time, self.pid_namespace) if owner else None


NO_STATE = State()


def state_of(supervisor: Process, worker: Process | None = None) -> State:
    """The state of what a supervisor owns, and its worker where that has started."""
    return State(
        supervisor.boot_id,
        supervisor.pid_namespace,
        supervisor=Owner(supervisor.pid, supervisor.start_time),
        worker=Owner(worker.pid, worker.start_time) if worker else None,
    )


def write_state(path: Path, state: State) -> None:
    facts = {name: fact for name, fact in dataclasses.asdict(state).items() if fact not in ("", False, None)}
    write_toml(path, {"schema": SCHEMA, **facts})


def read_state(path: Path) -> State:
    """The state; ``NO_STATE`` where the file is missing or cannot be read."""
    try:
        return build(State, read_record(path, SCHEMA))
    except (TfptError, DocumentError):
        return NO_STATE


def request_stop(directory: RunDirectory | SweepDirectory) -> None:
    """Ask the supervisor of a run or of a sweep to stop it. That the file is there is the request; what it holds
    tells it from a signal's, which leaves an empty one.

    Raises:
        MissingError: it is gone, or its directory may not be written.
    """
    try:
        with append_to(directory.stop) as stop, suppress(OSError):  # a full disk has room for an empty one
            stop.write(REQUESTED)
    except OSError as error:
        raise cannot("ask it to stop", directory.path, error) from None


def was_asked_to_stop(directory: RunDirectory | SweepDirectory) -> bool:
    """Whether somebody wants it to stop, and not only a signal that ended its supervisor."""
    try:
        with open_regular(directory.stop) as stop:
            return REQUESTED in stop.read()
    except OSError:
        return False


def machine_of(directory: RunDirectory | SweepDirectory) -> str:
    """The name of the other machine whose run or sweep this is the copy of, "" for one of this machine."""
    return read_state(directory.state).machine


def delete_run(run: RunDirectory) -> None:
    """Delete the directory of a run that is over, model and all.

    Raises:
        MissingError: it is gone, or may not be deleted.
    """
    try:
        shutil.rmtree(run.path)
    except OSError as error:
        raise cannot("delete the run", run.path, error) from None


def crash_error(run: RunDirectory) -> RunError:
    """The error of a run whose supervisor could not write its result, and how to go on."""
    sweep = read_state(run.state).sweep
    reason = "its supervisor exited unexpectedly: killed, or the disk is full"
    if machine := machine_of(run):
        reason = f"its supervisor on {machine} exited unexpectedly"
    elif not run.events.exists():
        reason = "it never started: its supervisor was killed before, or the disk is full"
    return RunError("Crashed", f"{reason}; resume with: tfpt-tui runs resume {sweep}" if sweep else reason)


def owner_of(path: Path) -> Process | None:
    """The supervisor that owns a run or sweep, None when it is gone or there never was one."""
    return _owner(read_state(path), path)


def _owner(state: State, path: Path) -> Process | None:
    supervisor = state.process(state.supervisor)
    return supervisor if supervisor and lives(supervisor, path) else None


def lives(process: Process, trace: Path) -> bool:
    """Whether a process is alive; one of another machine, container or boot while the file that it touches may
    still change.
    """
    return process.is_alive() if process.is_ours_to_see else not is_silent(trace)


def status_of(run: RunDirectory) -> str:
    """One word for the run: how it ended, or ``queued`` or ``running`` while its supervisor is alive.

    That of a copy is the last that its machine sent.
    """
    ended = _ending_of(run)
    if ended:
        return ended
    state = read_state(run.state)
    if state.machine:
        return state.status
    if state.job:
        return "queued"
    if state == NO_STATE:  # it is being recorded at this moment, or its state was lost
        return "crashed" if is_silent(run.config) else "queued"
    if not _owner(state, run.state):
        return "queued" if _is_handed_over(run, state) else "crashed"
    return "running" if state.worker else "queued"


def _is_handed_over(run: RunDirectory, state: State) -> bool:
    """Whether a supervisor is about to take over, from whoever recorded the plan, a run that has not begun."""
    if not state.sweep or run.events.exists():
        return False
    return owner_of(run.path.parents[1] / "sweeps" / state.sweep / "state.toml") is not None


def _ending_of(run: RunDirectory) -> str:
    """The status in result.toml, "" where there is none yet.

    It stands among the first lines: lists of thousands of runs need not parse the whole file.
    """
    try:
        with open_regular(run.result) as file:
            found = STATUS_LINE.search(file.read(HEAD_BYTES))
    except FileNotFoundError:
        return ""
    except OSError:
        return "crashed"
    return found[1].decode() if found else "crashed"
