"""Runs a plan in order, one worker at a time, and writes the record of every run whatever happens to it.

It is a process of its own, started detached: whoever started the plan may go away. Requests to stop reach it as
files. It dies without harm: its workers are killed by the kernel with it, and readers see that it is gone.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.errors import MissingError, TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.files import append_to, lock, scratch_directory
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_runs
from tfpt_tui.runs.record.heartbeat import BEAT_S, beat
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import crash_error, machine_of, status_of
from tfpt_tui.runs.record.sweep import (
    Sweep,
    measured_runs,
    read_config,
    read_sweep,
    remove_abandoned,
    write_plan,
)
from tfpt_tui.runs.supervision.arms import ended_with
from tfpt_tui.runs.supervision.duel import keep_what_it_showed, run_restart
from tfpt_tui.runs.supervision.finalize import finalize_lost
from tfpt_tui.runs.supervision.log import complain
from tfpt_tui.runs.supervision.race import run_race
from tfpt_tui.runs.supervision.worker_run import (
    TICK_S,
    Supervisor,
    claim_run,
    run_one,
    settle,
    stop_requested,
    tell,
)

# The state of a run in its plan whose directory is gone.
DELETED = "deleted"
LONGEST_TMPDIR = 60
# Without persistence mode a driver wakes up for the first question, GPU by GPU. Until it answers the machine seems
# to have none, and the first run of a plan would be of another machine than the rest.
FIRST_ANSWER_S = 30.0


def main(arguments: list[str]) -> None:
    """``arguments`` are the directories of the sweep and of the runs."""
    directory, paths = SweepDirectory(Path(arguments[0])), find_paths(arguments[1])
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for request in (signal.SIGTERM, signal.SIGINT):
        signal.signal(request, lambda *_: append_to(directory.stop).close())
    # The log is never replaced, so that all supervisors of the sweep mean the same file.
    with append_to(directory.log) as log:
        if not lock(log.fileno()):
            sys.exit(f"{directory.id}: another supervisor runs it")
        supervise(Supervisor(read_sweep(directory, paths), identify(os.getpid()), GpuReader()), paths)


def supervise(supervisor: Supervisor, paths: Paths) -> None:
    """Wait for the machine, run the plan, and leave nothing undone of what others left."""
    _claim(supervisor)
    with _heartbeat(supervisor), _temporary_files():
        _settle_orphans(paths)
        with _machine_lock(supervisor):
            supervisor.gpu.start(FIRST_ANSWER_S)
            run_plan(supervisor)
    tell(supervisor, "done", "")


def run_plan(supervisor: Supervisor) -> None:
    """Run what is queued, in order; the state of every run is kept in plan.toml."""
    sweep = supervisor.sweep
    states = {run.run: run.state for run in sweep.plan.runs}
    deadline: float | None = None
    started = answered = False
    groups = _groups(sweep)
    for runs in groups:
        if answered:
            _remove(runs)
        else:
            if started:
                _cool_down(supervisor, runs[0])
            ready = _without_halves(sweep, [run for run in runs if _is_ready(sweep, run)])
            if ready:
                started = True
                states |= dict.fromkeys((run.id for run in ready), "running")
                _keep_plan(sweep, states)
            if len(ready) > 1 and (duel := sweep.plan.duel):
                # From here on, not before what only warms the machine up.
                deadline = deadline or time.monotonic() + (duel.budget_s or math.inf)
                if duel.race:
                    run_race(supervisor, ready, deadline)
                else:
                    answered = run_restart(supervisor, ready, deadline, last=runs is groups[-1])
            else:
                for run in ready:
                    run_one(supervisor, run)
        for run in runs:
            states[run.id] = status_of(run) if run.path.is_dir() else DELETED
        _keep_plan(sweep, states)
    if sweep.plan.duel:
        keep_what_it_showed(sweep)


def _is_ready(sweep: Sweep, run: RunDirectory) -> bool:
    """Whether a run can begin; one that is not wanted any more, or need not be tried, gets its result."""
    if stop_requested(sweep, run):
        settle(run, "stopped", None)
        return False
    if smaller := out_of_memory_at(run, sweep):
        settle(run, "out_of_memory", smaller)
        return False
    return run.config.exists()


def _without_halves(sweep: Sweep, ready: list[RunDirectory]) -> list[RunDirectory]:
    """What can begin: nothing of a duel's restart that lacks an arm. A race goes on without."""
    repeats = {entry.run: entry.repeat for entry in sweep.plan.runs}
    if not ready or not sweep.plan.duel or sweep.plan.duel.race:
        return ready
    arms = [run for run in sweep.runs if repeats[run.id] == repeats[ready[0].id]]
    lacking = next((run for run in arms if run not in ready), None)
    if lacking is None:
        return ready
    why = status_of(lacking) if lacking.path.is_dir() else DELETED
    for run in ready:
        settle(run, "stopped", ended_with(f"{lacking.id}: {why}"))
    return []


def _remove(runs: Sequence[RunDirectory]) -> None:
    """Restarts that the answer of a duel did not need: nothing of them ever began."""
    for run in runs:
        shutil.rmtree(run.path, ignore_errors=True)


def _groups(sweep: Sweep) -> list[list[RunDirectory]]:
    """What is run at a time: one run, or the arms of a restart of a duel."""
    waiting = _waiting(sweep)
    repeats = {run.run: run.repeat for run in sweep.plan.runs}
    if not sweep.plan.duel:
        return [[run] for run in waiting]
    restarts: dict[int, list[RunDirectory]] = {}
    for run in waiting:
        restarts.setdefault(repeats[run.id], []).append(run)
    return list(restarts.values())


def _keep_plan(sweep: Sweep, states: Mapping[str, str]) -> None:
    """Write the states of the runs, for those who look: a plan goes on without."""
    try:
        write_plan(sweep, states)
    except OSError as error:
        complain(cannot("write the plan", sweep.directory.plan, error))


def _waiting(sweep: Sweep) -> list[RunDirectory]:
    """The runs without a result; a sweep that is resumed has others, or some that were deleted."""
    return [run for run in sweep.runs if run.config.exists() and not run.result.exists()]


def out_of_memory_at(run: RunDirectory, sweep: Sweep) -> RunError | None:
    """Why a run need not be tried: one like it ran out of memory with a smaller batch."""
    try:
        config = read_config(run)
        for other in sweep.runs:
            if other.result.exists() and status_of(other) == "out_of_memory":
                smaller = read_config(other)
                alike = smaller.replace(batch_size=config.batch_size, seed=config.seed) == config
                if alike and smaller.batch_size < config.batch_size:
                    return RunError(
                        "OutOfMemory",
                        f"not tried: batch_size={smaller.batch_size} ran out of memory already ({other.id})",
                    )
    except TfptError:
        return None  # a configuration that cannot be read is the run's own error
    return None


def _cool_down(supervisor: Supervisor, run: RunDirectory) -> None:
    """Leave the machine alone for as long as the plan says, so that no run inherits the heat of the one before."""
    seconds = supervisor.sweep.plan.cooldown_s
    if not seconds or stop_requested(supervisor.sweep, run):
        return
    tell(supervisor, "cooling", f"cooling down for {seconds:g} s before the next run")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stop_requested(supervisor.sweep, run):
        time.sleep(min(TICK_S, seconds))
    tell(supervisor, "running", "")


def _claim(supervisor: Supervisor) -> None:
    measured = set(measured_runs(supervisor.sweep))
    for run in _waiting(supervisor.sweep):
        claim_run(supervisor, run, burn_in=run not in measured)


def _settle_orphans(paths: Paths) -> None:
    """Give the runs whose supervisor was killed the result that it could not write."""
    remove_abandoned(paths)
    for run in list_runs(paths):
        if not run.result.exists() and status_of(run) == "crashed" and not machine_of(run):
            try:
                finalize_lost(run, crash_error(run))
            except OSError as error:  # somebody else's, perhaps: it stays as it is, and ours go on
                complain(cannot("record the run", error.filename or run.path, error))


@contextmanager
def _heartbeat(supervisor: Supervisor) -> Iterator[None]:
    """Leave fresh traces for other machines that share the directory: they cannot see our process."""

    def go_on() -> None:
        while not done.wait(BEAT_S):
            beat((supervisor.sweep.directory.state, *(run.state for run in _waiting(supervisor.sweep))))

    done = threading.Event()
    thread = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


@contextmanager
def _temporary_files() -> Iterator[None]:
    """Give the workers a TMPDIR of their own: what a framework that is killed leaves there goes with it.

    Sockets of loaders lie there too, and their names may not be long.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # without room for it they share the usual one
            scratch = stack.enter_context(scratch_directory(Path(tempfile.gettempdir()), "workers"))
            if len(str(scratch)) <= LONGEST_TMPDIR:
                os.environ["TMPDIR"] = str(scratch)
        yield


def _try_to_lock(lock: MachineLock, owner: str) -> bool:
    """Whether the machine is ours; where it cannot be locked at all, the plan goes on, and its log says so."""
    try:
        locked = lock.acquire(owner)
    except MissingError as error:
        complain(error)
        return True
    if lock.problem:
        complain(lock.problem)
    return locked


@contextmanager
def _machine_lock(supervisor: Supervisor) -> Iterator[None]:
    """Wait until no other plan trains on this machine, or until this one is to stop."""
    lock = MachineLock()
    owner = f"sweep {supervisor.sweep.id}, process {os.getpid()}"
    announced = False
    while not _try_to_lock(lock, owner):
        if supervisor.sweep.directory.stop.exists():
            break
        if not announced:
            tell(supervisor, "waiting", f"waiting: another plan is training on this machine ({lock.owner()})")
            announced = True
        time.sleep(TICK_S)
    tell(supervisor, "running", "")
    try:
        yield
    finally:
        lock.release()


if __name__ == "__main__":
    main(sys.argv[1:])
