"""Runs a plan in order, one worker at a time, and writes the record of every run whatever happens to it.

It is a process of its own, started detached: whoever started the plan may go away. Requests to stop reach it as
files. It dies without harm: its workers are killed by the kernel with it, and readers see that it is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.errors import MissingError, TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.files import append_to, free_bytes, lock
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.machine import take_snapshot
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.hardware.pagecache import WARM_SHARE, PageCache, list_files, read_all, resident_share
from tfpt_tui.hardware.preflight import judge_overlap
from tfpt_tui.hardware.processes import other_workers
from tfpt_tui.hardware.processor import spared_cores
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.hardware.sensitivity import read_sensitivity, to_document
from tfpt_tui.runs.plan.timeout import timeout_s
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_runs
from tfpt_tui.runs.record.heartbeat import BEAT_S, beat
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.processes import Process, identify, kill_group, oom_kills
from tfpt_tui.runs.record.state import crash_error, state_of, status_of, write_state
from tfpt_tui.runs.record.sweep import (
    Sweep,
    interpreter_for,
    measured_runs,
    read_config,
    read_sweep,
    remove_abandoned,
    write_plan,
)
from tfpt_tui.runs.supervision.finalize import RecordKeeper, finalize, find_ending
from tfpt_tui.runs.supervision.launcher import launch_worker
from tfpt_tui.runs.supervision.memory_check import check_room

TICK_S = 0.2
# What fills a disk is often removed a moment later: a log, a download, a checkpoint of somebody else.
ROOM_S = 30.0
# The state of a run in its plan whose directory is gone.
DELETED = "deleted"
# Saving what the log needs takes a worker moments; a call that hangs in a driver takes for ever.
GRACE_S = 10.0


@dataclass(frozen=True)
class Supervisor:
    """What every step needs: the plan, who we are, and the GPU reader that serves all runs."""

    sweep: Sweep
    process: Process
    gpu: GpuReader


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
    with _heartbeat(supervisor):
        _settle_orphans(paths)
        with _machine_lock(supervisor):
            supervisor.gpu.start()
            run_plan(supervisor)
    _tell(supervisor, "done", "")


def run_plan(supervisor: Supervisor) -> None:
    """Run what is queued, in order; the state of every run is kept in plan.toml."""
    sweep = supervisor.sweep
    states = {run.run: run.state for run in sweep.plan.runs}
    started = False
    for run in _waiting(sweep):
        if started:
            _cool_down(supervisor, run)
        if stop_requested(sweep, run):
            settle(run, "stopped", None)
        elif smaller := out_of_memory_at(run, sweep):
            settle(run, "out_of_memory", smaller)
        elif run.config.exists():
            started = True
            states[run.id] = "running"
            _keep_plan(sweep, states)
            run_one(supervisor, run)
        states[run.id] = status_of(run) if run.path.is_dir() else DELETED
        _keep_plan(sweep, states)


def _keep_plan(sweep: Sweep, states: Mapping[str, str]) -> None:
    """Write the states of the runs, for those who look: a plan goes on without."""
    try:
        write_plan(sweep, states)
    except OSError as error:
        print(cannot("write the plan", sweep.directory.plan, error), file=sys.stderr)


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


def run_one(supervisor: Supervisor, run: RunDirectory) -> None:
    """One run from its worker's start to its result; whatever refuses to work becomes the run's error."""
    try:
        status, error = _run_worker(supervisor, run)
    except TfptError as problem:
        status, error = "failed", RunError(type(problem).__name__, str(problem))
    except OSError as problem:
        refused = cannot("record the run", problem.filename or run.path, problem)
        status, error = "failed", RunError(type(refused).__name__, str(refused))
    except Exception as problem:  # a mistake of ours must not cost the runs that follow
        status, error = "failed", RunError(type(problem).__name__, str(problem), traceback.format_exc())
    settle(run, status, error)


def settle(run: RunDirectory, status: str, error: RunError | None) -> None:
    """Write the result of a run. While the disk is full it tries again; later the next supervisor writes it."""
    deadline = time.monotonic() + ROOM_S
    while run.path.is_dir():
        try:
            return finalize(run, status, error)
        except OSError as problem:
            if time.monotonic() > deadline:
                print(cannot("record the run", problem.filename or run.path, problem), file=sys.stderr)
                return None
        time.sleep(TICK_S)


def _run_worker(supervisor: Supervisor, run: RunDirectory) -> tuple[str, RunError | None]:
    config = read_config(run)
    manifest = read_manifest(Path(config.data))
    check_room(config, manifest)  # hours may have passed since the plan was checked
    limit_s = timeout_s(config, manifest.total("train"), manifest.total("test"))
    interpreter = interpreter_for(supervisor.sweep, run)
    spared = spared_cores(config.threads)
    environment = replace(_snapshot(supervisor, run, config), interpreter=interpreter, spared_cores=spared)
    if stop_requested(supervisor.sweep, run):
        return "stopped", None
    kills = oom_kills()
    worker = launch_worker(run, interpreter, spared)
    try:
        burn_in = run not in measured_runs(supervisor.sweep)
        _claim_run(supervisor, run, identify(worker.pid), burn_in=burn_in)
        keeper = RecordKeeper(run, environment)
        cause = watch(supervisor, run, worker, keeper, limit_s)
    except OSError:
        _end(worker, "")  # asked, not killed: it takes back what it was writing
        raise
    finally:
        kill_group(worker.pid)
        returncode = worker.wait()
    keeper.catch_up()
    if overlap := judge_overlap(other_workers(supervisor.process.pid)):
        keeper.warn(overlap)
    killed, free = oom_kills() > kills, free_bytes(run.path)
    return find_ending(keeper.record, returncode, cause, killed_for_memory=killed, limit_s=limit_s, free=free)


def _snapshot(supervisor: Supervisor, run: RunDirectory, config: RunConfig) -> MachineSnapshot:
    """Bring the dataset into memory where it is not, and look at the machine just before the worker starts."""
    data = Path(config.data)
    files = list_files(data)
    found = resident_share(files)
    cache = PageCache(found, found)
    if found is not None and found < WARM_SHARE:
        _tell(supervisor, "running", "reading the dataset into memory, so that every run begins alike")
        read_all(files, lambda: stop_requested(supervisor.sweep, run))
        cache = PageCache(found, resident_share(files))
        _tell(supervisor, "running", "")
    snapshot = take_snapshot(data, run.path.parent, config.device, cache, supervisor.gpu)
    sensitivity = read_sensitivity(
        find_paths().sensitivity, fingerprint(snapshot, on_gpu=False).machine, config.framework
    )
    return replace(snapshot, sensitivity=to_document(sensitivity) if sensitivity else {})


def watch(
    supervisor: Supervisor,
    run: RunDirectory,
    worker: subprocess.Popen[bytes],
    keeper: RecordKeeper,
    limit_s: float,
) -> str:
    """Keep the record while the worker lives. Returns why we ended it: ``stopped``, ``timeout`` or nothing."""
    deadline = time.monotonic() + limit_s
    with Recorder(run.hardware, worker.pid, supervisor.gpu) as recorder:
        while True:
            recorder.tick()
            keeper.catch_up()
            if _ended(worker, TICK_S):
                return ""
            if stop_requested(supervisor.sweep, run) or not run.path.is_dir():
                return _end(worker, "stopped")
            if time.monotonic() > deadline:
                return _end(worker, "timeout")


def _cool_down(supervisor: Supervisor, run: RunDirectory) -> None:
    """Leave the machine alone for as long as the plan says, so that no run inherits the heat of the one before."""
    seconds = supervisor.sweep.plan.cooldown_s
    if not seconds or stop_requested(supervisor.sweep, run):
        return
    _tell(supervisor, "cooling", f"cooling down for {seconds:g} s before the next run")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stop_requested(supervisor.sweep, run):
        time.sleep(min(TICK_S, seconds))
    _tell(supervisor, "running", "")


def stop_requested(sweep: Sweep, run: RunDirectory) -> bool:
    return run.stop.exists() or sweep.directory.stop.exists()


def _end(worker: subprocess.Popen[bytes], cause: str) -> str:
    """Ask the worker to end, and leave the killing to the caller when it does not."""
    worker.terminate()
    _ended(worker, GRACE_S)
    return cause


def _ended(worker: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        worker.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _claim(supervisor: Supervisor) -> None:
    measured = set(measured_runs(supervisor.sweep))
    for run in _waiting(supervisor.sweep):
        _claim_run(supervisor, run, burn_in=run not in measured)


def _claim_run(supervisor: Supervisor, run: RunDirectory, worker: Process | None = None, *, burn_in: bool) -> None:
    owner = state_of(supervisor.process, worker)
    write_state(run.state, replace(owner, sweep=supervisor.sweep.id, burn_in=burn_in))
    _tell(supervisor, "starting", "")


def _tell(supervisor: Supervisor, status: str, message: str) -> None:
    state = replace(state_of(supervisor.process), status=status, message=message)
    write_state(supervisor.sweep.directory.state, state)


def _settle_orphans(paths: Paths) -> None:
    """Give the runs whose supervisor was killed the result that it could not write."""
    remove_abandoned(paths)
    for run in list_runs(paths):
        if not run.result.exists() and status_of(run) == "crashed":
            try:
                finalize(run, "crashed", crash_error(run))
            except OSError as error:  # somebody else's, perhaps: it stays as it is, and ours go on
                print(cannot("record the run", error.filename or run.path, error), file=sys.stderr)


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


def _try_to_lock(lock: MachineLock, owner: str) -> bool:
    """Whether the machine is ours; where it cannot be locked at all, the plan goes on, and its log says so."""
    try:
        locked = lock.acquire(owner)
    except MissingError as error:
        print(error, file=sys.stderr)
        return True
    if lock.problem:
        print(lock.problem, file=sys.stderr)
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
            _tell(supervisor, "waiting", f"waiting: another plan is training on this machine ({lock.owner()})")
            announced = True
        time.sleep(TICK_S)
    _tell(supervisor, "running", "")
    try:
        yield
    finally:
        lock.release()


if __name__ == "__main__":
    main(sys.argv[1:])
