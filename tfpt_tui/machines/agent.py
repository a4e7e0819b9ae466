"""The side of the machine that executes plans: ``tfpt-tui machines agent``, as another tfpt-tui starts it by ssh.

It greets, reads one request, and answers it. It lives as long as the connection; the plans that it begins do not
depend on it.
"""

from __future__ import annotations

import importlib
import itertools
import os
import platform
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import psutil

from tfpt_tui import __version__
from tfpt_tui.config.machines import RAY, SLURM, Machine
from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.environments.doctor.examine import examine
from tfpt_tui.environments.registry import named_interpreters
from tfpt_tui.errors import MissingError, TfptError, UsageError
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.machines.changes import Changes
from tfpt_tui.machines.datasets import find_dataset, prepare_dataset, receive_dataset
from tfpt_tui.machines.jobs import Scheduler, is_unwanted, keep_looking
from tfpt_tui.machines.wire import (
    Done,
    Frame,
    Greeting,
    Refused,
    Request,
    Submitted,
    read_frame,
    write_frame,
    write_greeting,
)
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.contact import Contact
from tfpt_tui.runs.record.directory import RUN_ID, SWEEP_ID, RunDirectory, SweepDirectory
from tfpt_tui.runs.record.lock import holder
from tfpt_tui.runs.record.state import request_stop
from tfpt_tui.runs.supervision.resume import resume
from tfpt_tui.runs.supervision.submit import submit

LOOK_S = 1.0
GPU_EVERY_S = 5.0


def serve(from_there: BinaryIO, to_there: BinaryIO) -> None:
    """Answer one request; what goes wrong is an answer, too."""
    write_greeting(to_there, Greeting(__version__, platform.node(), time.time()))
    with suppress(BrokenPipeError):
        try:
            said = read_frame(from_there)
            if said and isinstance(said[0], Request):
                _answer(said[0], from_there, to_there)
        except TfptError as error:
            write_frame(to_there, Refused(str(error), error.exit_code))
        except Exception as error:  # nobody there sees what this process prints
            write_frame(to_there, Refused(f"{type(error).__name__}: {error}", TfptError.exit_code))
            raise


def _answer(request: Request, from_there: BinaryIO, to_there: BinaryIO) -> None:
    paths = find_paths(request.machine.runs or None)
    if request.do not in ANSWERS:
        raise UsageError(f"{request.do!r}: not known here; update tfpt-tui")
    for frame in ANSWERS[request.do](request, paths, from_there, to_there):
        write_frame(to_there, frame)


def _examine(request: Request, paths: Paths, *_: BinaryIO) -> Iterator[Frame]:
    """All that the doctor finds; of a cluster, whether it takes jobs."""
    if cluster := _cluster(request.machine):
        yield from cluster.examine(request.machine)
    else:
        yield from itertools.chain.from_iterable(examine(paths))
    yield Done()


def _find(request: Request, paths: Paths, *_: BinaryIO) -> Iterator[Frame]:
    """What of the data is missing here.

    Raises:
        UsageError: runs are recorded where whoever asks records, too: they would be copies of themselves.
    """
    if request.trace and (paths.runs / Path(request.trace).name).exists():
        raise UsageError(
            f"{paths.runs}: both machines record in this directory; give {request.machine.name} another one:"
            f" runs in [machines.{request.machine.name}] of config.toml"
        )
    yield Submitted(
        missing=tuple(name for name, digest in request.data.items() if not find_dataset(name, digest, paths))
    )


def _submit(request: Request, paths: Paths, *_: BinaryIO) -> Iterator[Frame]:
    """Begin a plan, where the data that it names is here."""
    places = {name: find_dataset(name, digest, paths) for name, digest in request.data.items()}
    if missing := [name for name, place in places.items() if place is None]:
        yield Submitted(missing=tuple(missing))
        return
    if request.plan is None:
        raise UsageError("there is no plan")
    plan = _at_places(request.plan, {name: str(place) for name, place in places.items()})
    settings = _settings(request, paths)
    if cluster := _cluster(request.machine):
        yield Submitted(tuple(cluster.submit_plan(plan, request.machine, settings, paths, request.number)))
    else:
        yield Submitted((submit(plan, settings, paths, number=request.number).id,))


def _at_places(plan: Plan, places: Mapping[str, str]) -> Plan:
    """The plan, with the directories that this machine has of its datasets.

    Raises:
        UsageError: a configuration is refused here.
    """
    runs = []
    for run in plan.runs:
        settings = {**run.config.to_mapping(), "data": places.get(run.config.data, run.config.data)}
        runs.append(replace(run, config=RunConfig.from_mapping(settings, f"row {run.row}")))
    return replace(plan, runs=tuple(runs))


def _resume(request: Request, paths: Paths, *_: BinaryIO) -> Iterator[Frame]:
    if not SWEEP_ID.fullmatch(request.sweep):
        raise UsageError(f"{request.sweep!r} is no sweep")
    resume(SweepDirectory(paths.sweeps / request.sweep), paths, _settings(request, paths))
    yield Submitted((request.sweep,))


def _prepare(request: Request, paths: Paths, *_: BinaryIO) -> Iterator[Frame]:
    prepare_dataset(request.words, paths)
    yield Done()


def _receive(request: Request, paths: Paths, from_there: BinaryIO, _: BinaryIO) -> Iterator[Frame]:
    (name, digest), *_rest = request.data.items()
    receive_dataset(name, digest, from_there, paths)
    yield Done()


def _follow(request: Request, paths: Paths, from_there: BinaryIO, to_there: BinaryIO) -> Iterator[Frame]:
    """Send what the runs here record, a look a second, until the other side has heard enough."""
    heard = _heard(from_there)
    cluster = _cluster(request.machine)
    jobs: Scheduler | None = cluster.scheduler(request.machine, paths) if cluster else None
    if jobs:
        keep_looking(jobs.look)
    changes = Changes(paths, request.known, jobs.holds if jobs else lambda _: False)
    gpu = GpuReader(interval_s=GPU_EVERY_S).start(wait_s=0.0)
    try:
        while True:
            for frame, content in changes.look():
                write_frame(to_there, frame, content)
            done, runs = changes.progress()
            busy = "" if runs else _others()
            yield Contact(0.0, done, runs, busy, psutil.cpu_percent(), _gpus_percent(gpu))
            with suppress(queue.Empty):
                said = heard.get(timeout=LOOK_S)
                if said is None:
                    return
                _stop(said, paths, jobs)
    finally:
        gpu.stop()


ANSWERS: Mapping[str, Callable[[Request, Paths, BinaryIO, BinaryIO], Iterator[Frame]]] = {
    "examine": _examine,
    "find": _find,
    "submit": _submit,
    "resume": _resume,
    "prepare": _prepare,
    "receive": _receive,
    "follow": _follow,
}


def _heard(stream: BinaryIO) -> queue.SimpleQueue[Request | None]:
    """What else is wanted while we look, None at its end."""
    heard: queue.SimpleQueue[Request | None] = queue.SimpleQueue()

    def listen() -> None:
        with suppress(OSError, TfptError):
            while said := read_frame(stream):
                if isinstance(said[0], Request):
                    heard.put(said[0])
        heard.put(None)

    threading.Thread(target=listen, name="listen", daemon=True).start()
    return heard


def _cluster(machine: Machine) -> ModuleType | None:
    """What executes plans on a cluster: slurm.py or ray_cluster.py; None on a machine that does it itself.

    Raises:
        MissingError: Ray is not installed.
    """
    if machine.kind == SLURM:
        return importlib.import_module("tfpt_tui.machines.slurm")
    if machine.kind == RAY:
        try:
            return importlib.import_module("tfpt_tui.machines.ray_cluster")
        except ImportError as error:
            raise MissingError(f"{error}; install Ray beside tfpt-tui: pip install 'tfpt-tui[ray]'") from None
    return None


def _stop(request: Request, paths: Paths, jobs: Scheduler | None) -> None:
    """Ask a run, or a whole sweep, to stop; where it is gone meanwhile, that was wanted."""
    known = SWEEP_ID.fullmatch(request.sweep) and (not request.run or RUN_ID.fullmatch(request.run))
    if request.do == "stop" and known:
        with suppress(MissingError):
            run, sweep = RunDirectory(paths.runs / request.run), SweepDirectory(paths.sweeps / request.sweep)
            request_stop(run if request.run else sweep)
            if jobs and is_unwanted(sweep, paths):
                jobs.stop(sweep)


def _others() -> str:
    """What keeps the machine busy that is no plan of these directories; "" where nothing does."""
    busy = holder()
    return f"busy with {busy}" if busy else ""


def _gpus_percent(gpu: GpuReader) -> tuple[float, ...]:
    shares = (sample.utilization_percent for sample in gpu.latest().gpus)
    return tuple(share for share in shares if share is not None)


def _settings(request: Request, paths: Paths) -> UserSettings:
    """The settings of this machine, with the interpreters that are asked for."""
    settings = load_settings(paths.settings)
    return replace(
        settings,
        environments=named_interpreters(paths.environments),
        interpreters={**settings.interpreters, **request.machine.interpreters},
    )


def main() -> None:
    """Serve the pipes of this process; what would be printed by accident goes to stderr."""
    to_there = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, to_there)
