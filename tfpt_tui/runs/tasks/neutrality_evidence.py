"""Gather the evidence for ``tfpt-tui parity --neutrality``: the worker beside a plain script of the same work.

Both are alive at once and take turns: while one trains the other is stopped, with all its threads and loaders. A
turn begins in the middle of the epoch that the last one interrupted; that epoch is not timed, and warms caches and
clocks up for those that are. So whatever the machine does for longer than a turn meets both. What is luck of a
start, such as where things lie in memory, stays for all its turns: so both are started several times.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.script import script_text
from tfpt_tui.config.toml import write_toml
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.cores import processes_at_once
from tfpt_tui.counters import Counters, descendants, read_process
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.environments.interpreters import PACKAGE, worker_command, worker_variables
from tfpt_tui.errors import TfptError
from tfpt_tui.lifeline import die_with_parent
from tfpt_tui.runs.record.processes import halt_group, kill_group, resume_group
from tfpt_tui.runs.record.tail import LineTail

CLASSES, SIDE = 10, 64  # decoding and resizing are part of the work
# Five steps of 32 an epoch. A loader alone is done with them in 25 ms, where a single millisecond would count.
MEASURED = ("end_to_end", "loader", "model")
PER_CLASS = {"end_to_end": 16, "model": 16, "loader": 80}
BATCH = 32
# Seconds of timed epochs. Epochs of a loader differ most: tf.data decodes on another number of threads in each.
TURN_S = {"end_to_end": 0.3, "model": 0.3, "loader": 1.0}
PAIRS = 14
RESTARTS, MOST_RESTARTS = 3, 8
# Luck that is nobody's doing is kept out while both take turns. glibc's malloc gives memory back to the system
# after a step or keeps it, as its heap happens to lie: PyTorch's page faults differ threefold from start to start
# of one program, its time by a fifth. So nothing is given back (mallopt(3)); what malloc does by itself is counted
# apart.
STEADY_MALLOC = {"MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}
# A loader that is forked while Python's counts stand high collects all garbage as it starts, in every epoch: half
# of the time of a short one in the plain script, and nothing in the worker. So neither collects.
NO_COLLECTION = "import gc\n\ngc.disable()\n"
FAULT_STARTS, FAULT_EPOCHS = 4, 8
# More than are ever needed: the arms are killed when the measuring is over.
EPOCHS = 10_000
START_TIMEOUT_S = 180
NO_VARIABLES: Mapping[str, str] = {}
POLL_S = 0.01


@dataclass(frozen=True)
class Case:
    """What is measured: one framework's worker on one track, with one measure, on "cpu" or "gpu"."""

    framework: str
    track: str
    measure: str
    device: str = "cpu"

    def __str__(self) -> str:
        return f"{title_of(self.framework)}, {self.track}, {self.measure} on the {self.device.upper()}"


@dataclass(frozen=True)
class Turn:
    """``epochs_s`` are those that were timed; ``images`` and ``counters`` are of the whole turn."""

    epochs_s: tuple[float, ...]
    images: int
    counters: Counters


@dataclass(frozen=True)
class Turns:
    """The turns of the plain script and of the worker, those of one place next to each other in time."""

    plain: tuple[Turn, ...]
    worker: tuple[Turn, ...]
    plain_threads: int
    worker_threads: int


class EpochLog:
    """What a worker or a plain script tells line by line as JSON: seconds of its epochs, and its threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: list[float] = []
        self.threads = 0
        self._tail = LineTail(path)

    def read(self) -> None:
        """Take in the lines that were added."""
        for text in self._tail.read():
            line = json.loads(text) if text.startswith("{") else {}
            if "seconds" in line and "phase" not in line:
                self.seconds.append(line["seconds"])
            self.threads = int(line.get("effective", line).get("threads", self.threads))


@dataclass(frozen=True)
class Arm:
    """A process under way, and what it tells."""

    process: subprocess.Popen[bytes]
    log: EpochLog
    errors: Path


def all_cases(tracks: Sequence[str], device: str) -> list[Case]:
    """What can be measured of these tracks; the script of a tuned one trains from end to end."""
    return [
        Case(framework, track, measure, device)
        for track in tracks
        for framework in FRAMEWORKS
        if track in FRAMEWORKS[framework].tracks
        for measure in (MEASURED[:1] if TRACKS[track].is_tuned else MEASURED)
    ]


def available_cores() -> int:
    """Physical cores among those that are ours: the threads that both are given."""
    return max(1, min(psutil.cpu_count(logical=False) or 1, len(os.sched_getaffinity(0))))


def make_images(directory: Path, measure: str) -> Path:
    """The pictures that a case of this measure works on."""
    pictures = make_synthetic(limit=PER_CLASS[measure], classes=CLASSES)
    prepare(pictures, Target(directory, size=SIDE), jobs=processes_at_once())
    return directory


def take_turns(
    case: Case,
    interpreter: str,
    data: Path,
    directory: Path,
    *,
    package: Path = PACKAGE,
    pairs: int = PAIRS,
    threads: int = 0,
) -> Turns:
    """Start both, let them take ``pairs`` turns each (A B, B A, ...), and end them.

    ``package`` is the folder whose backends are measured, ``threads`` those that both are to use.

    Raises:
        TfptError: one of them ended; the message has its last line.
    """
    config = _config(case, data, threads)
    (directory / "plain").mkdir(parents=True)
    (directory / "worker").mkdir()
    with (
        _started(
            _plain_command(interpreter, package, config, directory / "plain"),
            directory / "plain",
            _steady(directory),
        ) as plain,
        _started(
            _worker_command(interpreter, package, config, directory / "worker"),
            directory / "worker",
            _steady(directory),
        ) as worker,
    ):
        for arm in (plain, worker):  # importing and compiling are nobody's turn: both at once
            resume_group(arm.process)
        for arm in (plain, worker):
            wait_for_epochs(arm, 1)
        for arm in (plain, worker):
            halt_group(arm.process)
        lengths = []
        for arm in (plain, worker):
            resume_group(arm.process)
            wait_for_epochs(arm, len(arm.log.seconds) + 2)
            halt_group(arm.process)
            lengths.append(max(1, math.ceil(TURN_S[case.measure] / arm.log.seconds[-1])))
        turns: tuple[list[Turn], list[Turn]] = ([], [])
        for number in range(pairs):
            for place in (0, 1) if number % 2 == 0 else (1, 0):
                turns[place].append(_take_turn((plain, worker)[place], lengths[place], config))
        return Turns(tuple(turns[0]), tuple(turns[1]), plain.log.threads, worker.log.threads)


def _steady(directory: Path) -> dict[str, str]:
    """The variables of two processes that are to have no luck of their own."""
    place = directory / "steady"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(NO_COLLECTION, encoding="utf-8")  # Python imports it as it starts
    return {**STEADY_MALLOC, "PYTHONPATH": str(place)}


def count_page_faults(
    case: Case, interpreter: str, data: Path, directory: Path, *, package: Path = PACKAGE, threads: int = 0
) -> tuple[float, float]:
    """Page faults an image of the plain script and of the worker, with malloc as the system has it.

    Raises:
        TfptError: one of them ended; the message has its last line.
    """
    config = _config(case, data, threads)
    faults = []
    for name, command_of in (("plain", _plain_command), ("worker", _worker_command)):
        own = directory / name
        own.mkdir(parents=True)
        with _started(command_of(interpreter, package, config, own), own) as arm:
            resume_group(arm.process)
            wait_for_epochs(arm, 2)
            before, epochs = _count(arm), len(arm.log.seconds)
            wait_for_epochs(arm, epochs + FAULT_EPOCHS)
            used = _count(arm) - before
            images = _images_of(config) * (len(arm.log.seconds) - epochs)
            faults.append((used.minor_faults + used.major_faults) / images)
    return faults[0], faults[1]


@contextmanager
def started_worker(case: Case, interpreter: str, data: Path, directory: Path, threads: int) -> Iterator[Arm]:
    """A worker that trains until it is killed at the end, alone."""
    directory.mkdir(parents=True)
    config = _config(case, data, threads)
    with _started(_worker_command(interpreter, PACKAGE, config, directory), directory) as worker:
        resume_group(worker.process)
        yield worker


def count_waits(
    case: Case, interpreter: str, data: Path, directory: Path, *, package: Path = PACKAGE, threads: int = 0
) -> tuple[float, float]:
    """How often a step of the plain script and of the worker waits for the device.

    Two epochs of each tell the steps from what comes before and after them.

    Raises:
        TfptError: a process failed.
    """
    config = _config(case, data, threads)
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in ("plain", "worker"):  # nothing is timed: both at once
            own = directory / name
            own.mkdir(parents=True)
            _write_config(config.replace(epochs=2), own)
            target = str(_plain_script(package, config.replace(epochs=2), own)) if name == "plain" else ""
            command = worker_command(interpreter, own, "waits", target, package=package)
            with (own / "output").open("wb") as output:
                started[name] = subprocess.Popen(
                    command, stdout=output, stderr=output, cwd=own, env=worker_variables(), process_group=0
                )
        plain, worker = (_count_waits(case, directory / name, process) for name, process in started.items())
    finally:
        for process in started.values():
            kill_group(process.pid)
            process.wait()
    steps = _images_of(config) // config.batch_size
    return plain / steps, worker / steps


def _count_waits(case: Case, directory: Path, process: subprocess.Popen[bytes]) -> float:
    """How many waits the second of two epochs adds."""
    try:
        failed = process.wait(START_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise TfptError(f"{case}: {directory.name} was not done after {START_TIMEOUT_S} s") from None
    if failed:
        raise TfptError(f"{case}: {directory.name} could not be counted: {_last_line(directory / 'output')}")
    first, second = json.loads((directory / "waits.json").read_text())
    return float(second - first)


def _config(case: Case, data: Path, threads: int) -> RunConfig:
    row = {
        "framework": case.framework,
        "track": case.track,
        "measure": case.measure,
        "device": case.device,
        "data": str(data),
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "threads": threads,
        # The documentation's own number of workers, said here so that both know it.
        "num_workers": min(TRACKS[case.track].usual_workers, len(os.sched_getaffinity(0))),
    }
    return RunConfig.from_mapping(row, "neutrality")


def _write_config(config: RunConfig, directory: Path) -> None:
    """For the worker as TOML, for the plain script as JSON."""
    write_toml(directory / "config.toml", {"rows": [config.to_mapping()]})
    (directory / "settings.json").write_text(json.dumps(config.to_mapping()), encoding="utf-8")


def _plain_command(interpreter: str, package: Path, config: RunConfig, directory: Path) -> tuple[list[str], Path]:
    _write_config(config, directory)
    script = _plain_script(package, config, directory)
    return [interpreter, "-P", str(script), str(directory / "settings.json")], directory / "output"


def _plain_script(package: Path, config: RunConfig, directory: Path) -> Path:
    """The script that does a track's work by hand; of a tuned track that is the one that advise gives away."""
    if not TRACKS[config.track].is_tuned:
        return package / "backends" / config.framework / "plain.py"
    script = directory / "script.py"
    script.write_text(script_text(config), encoding="utf-8")
    return script


def _worker_command(interpreter: str, package: Path, config: RunConfig, directory: Path) -> tuple[list[str], Path]:
    _write_config(config, directory)
    return worker_command(interpreter, directory, package=package), directory / "events.jsonl"


@contextmanager
def _started(
    command_and_log: tuple[Sequence[str], Path], directory: Path, variables: Mapping[str, str] = NO_VARIABLES
) -> Iterator[Arm]:
    """Started and stopped at once; killed at the end, with its loaders."""
    command, log = command_and_log
    errors = directory / "errors"
    with (directory / "output").open("wb") as output, errors.open("wb") as problems:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=problems,
            cwd=directory,
            env={**worker_variables(), **variables},
            process_group=0,
            preexec_fn=die_with_parent,
        )
    arm = Arm(process, EpochLog(log), errors)
    try:
        halt_group(arm.process)
        yield arm
    finally:
        kill_group(process.pid)
        process.wait()


def _take_turn(arm: Arm, length: int, config: RunConfig) -> Turn:
    before, known = _count(arm), len(arm.log.seconds)
    resume_group(arm.process)
    wait_for_epochs(arm, known + 1 + length)
    halt_group(arm.process)
    arm.log.read()  # one more epoch may have ended before it stopped: it counts
    seconds = arm.log.seconds[known:]
    return Turn(tuple(seconds[1:]), _images_of(config) * len(seconds), _count(arm) - before)


def _images_of(config: RunConfig) -> int:
    """Images of an epoch: the pictures are whole batches."""
    return CLASSES * PER_CLASS[config.measure] // config.batch_size * config.batch_size


def wait_for_epochs(arm: Arm, count: int) -> None:
    """Return as soon as so many epochs of an arm that goes on have ended.

    Raises:
        TfptError: the process ended, or none did for a long time.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        over = arm.process.poll() is not None  # before the look: what was written last is in it
        arm.log.read()
        if len(arm.log.seconds) >= count:
            return
        if over:
            raise TfptError(f"{arm.log.path.parent.name}: ended early: {_last_line(arm.errors)}")
        if time.monotonic() > deadline:
            raise TfptError(f"{arm.log.path.parent.name}: no epoch within {START_TIMEOUT_S} s")
        time.sleep(POLL_S)
        # A loader that was being forked when its group was stopped can stay so when that goes on (Linux 6.18).
        resume_group(arm.process)


def _count(arm: Arm) -> Counters:
    pids = [arm.process.pid, *descendants(arm.process.pid)]
    return sum(map(read_process, pids), Counters())


def _last_line(path: Path) -> str:
    with suppress(OSError):
        return (path.read_text(errors="replace").strip().splitlines() or [""])[-1]
    return ""
