"""One run, from the start of its worker to its result, whatever happens to it."""

from __future__ import annotations

import os
import select
import subprocess
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.data.manifest import last_change, read_manifest
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError, RunWarning
from tfpt_tui.files import free_bytes
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.machine import take_snapshot
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.hardware.measured_peaks import keep_peaks, read_peaks
from tfpt_tui.hardware.pagecache import WARM_SHARE, PageCache, list_files, read_all, resident_share
from tfpt_tui.hardware.preflight import judge_overlap
from tfpt_tui.hardware.processes import other_workers
from tfpt_tui.hardware.processor import spared_cores
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.hardware.sensitivity import read_sensitivity, to_document
from tfpt_tui.runs.plan.timeout import timeout_s
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import Record
from tfpt_tui.runs.record.processes import Process, identify, kill_group, oom_kills
from tfpt_tui.runs.record.state import state_of, write_state
from tfpt_tui.runs.record.sweep import Sweep, interpreter_for, measured_runs, read_config
from tfpt_tui.runs.supervision.finalize import RecordKeeper, finalize, find_ending
from tfpt_tui.runs.supervision.gate import Gate
from tfpt_tui.runs.supervision.launcher import launch_worker
from tfpt_tui.runs.supervision.log import complain
from tfpt_tui.runs.supervision.memory_check import check_room

TICK_S = 0.2
# What fills a disk is often removed a moment later: a log, a download, a checkpoint of somebody else.
ROOM_S = 30.0
# Saving what the log needs takes a worker moments; a call that hangs in a driver takes for ever.
GRACE_S = 10.0


@dataclass(frozen=True)
class Supervisor:
    """What every step needs: the plan, who we are, and the GPU reader that serves all runs."""

    sweep: Sweep
    process: Process
    gpu: GpuReader


def run_one(supervisor: Supervisor, run: RunDirectory, note: RunWarning | None = None) -> None:
    """One run from its worker's start to its result; whatever refuses to work becomes the run's error.

    ``note`` is kept with it.
    """
    try:
        status, error = _run_worker(supervisor, run, note)
    except TfptError as problem:
        status, error = "failed", RunError(type(problem).__name__, str(problem))
    except OSError as problem:
        refused = cannot("record the run", problem.filename or run.path, problem)
        status, error = "failed", RunError(type(refused).__name__, str(refused))
    except Exception as problem:  # a mistake of ours must not cost the runs that follow
        status, error = "failed", RunError(type(problem).__name__, str(problem), traceback.format_exc())
    settle(run, status, error)


def settle(run: RunDirectory, status: str, error: RunError | None) -> None:
    """Write the result of a run, once. While the disk is full it tries again; later the next supervisor does."""
    deadline = time.monotonic() + ROOM_S
    while run.path.is_dir() and not run.result.exists():
        try:
            return finalize(run, status, error)
        except OSError as problem:
            if time.monotonic() > deadline:
                complain(cannot("record the run", problem.filename or run.path, problem))
                return None
        time.sleep(TICK_S)


def _run_worker(supervisor: Supervisor, run: RunDirectory, note: RunWarning | None) -> tuple[str, RunError | None]:
    prepared = prepare_run(supervisor, run)
    if stop_requested(supervisor.sweep, run):
        return "stopped", None
    started = start_run(supervisor, prepared)
    try:
        if note:
            started.keeper.warn(note)
            tell(supervisor, "running", note.message)
        cause = watch(supervisor, started)
    except OSError:
        end_worker(started.worker, "")  # asked, not killed: it takes back what it was writing
        raise
    finally:
        kill_group(started.worker.pid)
        started.worker.wait()
    return ending_of(supervisor, started, cause)


@dataclass(frozen=True)
class PreparedRun:
    """All that is known of a run before its worker starts; ``limit_s`` are the seconds that it may take.

    ``data_changed`` is when a picture of its dataset came or went last.
    """

    run: RunDirectory
    config: RunConfig
    interpreter: str
    environment: MachineSnapshot
    limit_s: float
    data_changed: int


@dataclass(frozen=True)
class StartedRun:
    """A run whose worker lives; ``kills`` is how many processes the kernel had killed before, out of memory."""

    prepared: PreparedRun
    worker: subprocess.Popen[bytes]
    keeper: RecordKeeper
    kills: int

    @property
    def run(self) -> RunDirectory:
        return self.prepared.run


def prepare_run(supervisor: Supervisor, run: RunDirectory) -> PreparedRun:
    """Check that there is room, bring the dataset into memory, and look at the machine.

    Raises:
        TfptError: the configuration or the dataset cannot be read, or there is no room.
    """
    config = read_config(run)
    manifest = read_manifest(Path(config.data))
    check_room(config, manifest)  # hours may have passed since the plan was checked
    limit_s = timeout_s(config, manifest.total("train"), manifest.total("test"))
    interpreter = interpreter_for(supervisor.sweep, run)
    spared = spared_cores(config.threads)
    environment = replace(_snapshot(supervisor, run, config), interpreter=interpreter, spared_cores=spared)
    return PreparedRun(run, config, interpreter, environment, limit_s, last_change(Path(config.data)))


def start_run(supervisor: Supervisor, prepared: PreparedRun, gate: Gate | None = None) -> StartedRun:
    """Start the worker of a run, and its record.

    Raises:
        MissingError: the interpreter cannot be started.
        OSError: the record cannot be written; no worker is left.
    """
    kills = oom_kills()
    run, spared = prepared.run, prepared.environment.spared_cores
    worker = launch_worker(run, prepared.interpreter, spared, gate)
    try:
        burn_in = run not in measured_runs(supervisor.sweep)
        claim_run(supervisor, run, identify(worker.pid), burn_in=burn_in)
        return StartedRun(prepared, worker, RecordKeeper(run, prepared.environment), kills)
    except OSError:
        end_worker(worker, "")
        kill_group(worker.pid)
        worker.wait()
        raise


def ending_of(supervisor: Supervisor, started: StartedRun, cause: str) -> tuple[str, RunError | None]:
    """How a run ended whose worker is gone; ``cause`` is why we ended it, "" where we did not."""
    keeper = started.keeper
    keeper.catch_up()
    _keep_peaks(keeper.record, started.prepared.environment, started.prepared.config.framework)
    if overlap := judge_overlap(other_workers(supervisor.process.pid)):
        keeper.warn(overlap)
    data = Path(started.prepared.config.data)
    if last_change(data) != started.prepared.data_changed:
        message = f"{data}: pictures came, went or were moved while it ran"
        keeper.warn(RunWarning(message, "dataset_changed", "run it again", "accuracy"))
    return find_ending(
        keeper.record,
        started.worker.returncode,
        cause,
        killed_for_memory=oom_kills() > started.kills,
        limit_s=started.prepared.limit_s,
        free=free_bytes(started.run.path),
    )


def _snapshot(supervisor: Supervisor, run: RunDirectory, config: RunConfig) -> MachineSnapshot:
    """Bring the dataset into memory where it is not, and look at the machine just before the worker starts."""
    data = Path(config.data)
    files = list_files(data)
    found = resident_share(files)
    cache = PageCache(found, found)
    if found is not None and found < WARM_SHARE:
        tell(supervisor, "running", "reading the dataset into memory, so that every run begins alike")
        read_all(files, lambda: stop_requested(supervisor.sweep, run))
        cache = PageCache(found, resident_share(files))
        tell(supervisor, "running", "")
    snapshot = take_snapshot(data, run.path.parent, config.device, cache, supervisor.gpu)
    paths, machine = find_paths(), fingerprint(snapshot, on_gpu=False).machine
    sensitivity = read_sensitivity(paths.sensitivity, machine, config.framework)
    peaks = read_peaks(paths.peaks, machine, config.framework)
    return replace(
        snapshot,
        data={**snapshot.data, "digest": read_manifest(data).digest},
        sensitivity=to_document(sensitivity) if sensitivity else {},
        peaks=peaks,
    )


def _keep_peaks(record: Record, snapshot: MachineSnapshot, framework: str) -> None:
    """What a profiled run found this processor to reach is known to all later runs."""
    found = {"matmul": record.profile.matmul_gflops} if record.profile else {}
    if record.device.startswith("cpu") and any(found.values()):
        try:
            keep_peaks(found, find_paths().peaks, fingerprint(snapshot, on_gpu=False).machine, framework)
        except OSError as error:
            complain(cannot("keep the peaks", find_paths().peaks, error))


def watch(supervisor: Supervisor, started: StartedRun) -> str:
    """Keep the record while the worker lives. Returns why we ended it: ``stopped``, ``timeout`` or nothing."""
    run, worker, keeper = started.run, started.worker, started.keeper
    deadline = time.monotonic() + started.prepared.limit_s
    with Recorder(run.hardware, worker.pid, supervisor.gpu) as recorder:
        while True:
            recorder.tick()
            keeper.catch_up()
            if ended(worker, TICK_S):
                return ""
            if stop_requested(supervisor.sweep, run) or not run.path.is_dir():
                return end_worker(worker, "stopped")
            if time.monotonic() > deadline:
                return end_worker(worker, "timeout")


def stop_requested(sweep: Sweep, run: RunDirectory) -> bool:
    return run.stop.exists() or sweep.directory.stop.exists()


def end_worker(worker: subprocess.Popen[bytes], cause: str) -> str:
    """Ask the worker to end, and leave the killing to the caller when it does not."""
    worker.terminate()
    ended(worker, GRACE_S)
    return cause


def ended(worker: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the worker ends within so many seconds.

    The kernel wakes us when it does (pidfd_open(2)): ``Popen.wait`` looks 20 times a second and more, each time in
    the way of what is measured.
    """
    if worker.poll() is not None:
        return True
    try:
        handle = os.pidfd_open(worker.pid)
    except (AttributeError, OSError):  # before Linux 5.3, or a Python that was built for that
        with suppress(subprocess.TimeoutExpired):
            worker.wait(seconds)
    else:
        select.select([handle], [], [], seconds)
        os.close(handle)
    return worker.poll() is not None


def claim_run(supervisor: Supervisor, run: RunDirectory, worker: Process | None = None, *, burn_in: bool) -> None:
    owner = state_of(supervisor.process, worker)
    write_state(run.state, replace(owner, sweep=supervisor.sweep.id, burn_in=burn_in))
    tell(supervisor, "starting", "")


def tell(supervisor: Supervisor, status: str, message: str) -> None:
    """For those who look: a plan goes on without."""
    state, path = state_of(supervisor.process), supervisor.sweep.directory.state
    try:
        write_state(path, replace(state, status=status, message=message))
    except OSError as error:
        complain(cannot("write how the plan stands", path, error))
