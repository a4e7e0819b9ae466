"""One run as the Monitor shows it, followed through its files into frozen views. No widget is known here."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE, Progress, RunError, RunWarning
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.hardware.readings import parse_samples
from tfpt_tui.hardware.sample import Sample
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.fold import Record, fold_all
from tfpt_tui.runs.record.result import turn_throughput
from tfpt_tui.runs.record.state import RESUMABLE, machine_of, read_state, status_of
from tfpt_tui.runs.record.sweep import read_config, read_environment, read_sweep
from tfpt_tui.runs.record.tail import EventTail, LineTail

MAX_LOG_LINES = 400
MAX_LOG_BYTES = 1 << 16
DAMAGED = "malformed_events"  # as the supervisor calls it
MAX_POINTS = 600  # of a course over time; a longer one is thinned out to half

Points = tuple[tuple[float, float], ...]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Turns:
    """The images/s of an arm of a duel by round, what comparisons have of them, and its test accuracy once it is
    there.
    """

    framework: str
    rates: Points
    rate: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class RunView:
    """All that is shown of a run. ``waiting`` says what a queued run waits for, that a live one is to end, or how
    its duel stands.

    ``rates`` are the training's images/s over the seconds since the worker's start, ``samples`` the readings of
    the hardware, ``turns`` those of all arms of its duel. ``machine`` is another one's name, whose run it is.
    """

    id: str
    path: Path
    status: str
    config: RunConfig | None
    record: Record
    error: RunError | None = None
    gpu_problem: str = ""
    log: tuple[str, ...] = ()
    waiting: str = ""
    warnings: tuple[RunWarning, ...] = ()
    rates: Points = ()
    samples: tuple[Sample, ...] = ()
    turns: tuple[Turns, ...] = ()
    machine: str = ""

    @property
    def sample(self) -> Sample | None:
        """The latest reading, of a run that is over the latest that had its worker in memory."""
        if self.status not in ALIVE:
            for sample in reversed(self.samples):
                if sample.worker_rss_bytes:
                    return sample
        return self.samples[-1] if self.samples else None

    @property
    def framework(self) -> str:
        return self.config.framework if self.config else self.id.split("-")[2]


class RunReader:
    """Follows the files of one run. Each thread that looks needs one of its own."""

    def __init__(self, run: RunDirectory, paths: Paths) -> None:
        self.run = run
        self._paths = paths
        self._events = EventTail(run.events)
        self._hardware = LineTail(run.hardware)
        self._header: list[str] = []
        self._log = LineTail(run.log, last_bytes=MAX_LOG_BYTES)
        self._view = RunView(run.id, run.path, "", config_of(run), Record(), machine=machine_of(run))
        self._environment = MachineSnapshot()
        self._environment_stamp: tuple[int, int, int] | None = None
        self._over = False
        self._arms: dict[str, tuple[EventTail, Record]] = {}

    def read(self) -> RunView:
        """The run as it is now. Once it is over its files are read no more, unless it goes on after all."""
        if self._over and self.run.result.exists():
            return self._view
        status = status_of(self.run)  # before the files: what comes later is read the next time
        if self._over and status == self._view.status:
            return self._view
        self._read_environment()
        view = self._view
        record, rates = self._follow(view.record, view.rates)
        self._view = RunView(
            id=view.id,
            path=view.path,
            status=status,
            config=view.config or config_of(self.run),
            record=record,
            error=self._error(status),
            gpu_problem=view.gpu_problem or self._environment.gpu.problem,
            log=(*view.log, *self._log.read())[-MAX_LOG_LINES:],
            waiting=self._waiting(status),
            warnings=self._warnings(status, record),
            rates=rates,
            samples=_extend(view.samples, self._samples()),
            turns=self._turns(record),
            machine=view.machine,
        )
        self._over = status not in ALIVE
        return self._view

    def _read_environment(self) -> None:
        """Parse it again only when it has changed: every look is in the way of what is measured."""
        with suppress(OSError):
            found = self.run.environment.stat()
            stamp = found.st_mtime_ns, found.st_size, found.st_ino
            if stamp != self._environment_stamp:
                self._environment, self._environment_stamp = read_environment(self.run), stamp

    def unreadable(self, error: OSError) -> RunView:
        """What is known of a run whose files the file system refuses to show."""
        return dataclasses.replace(self._view, status="crashed", error=RunError("OSError", str(error)))

    def _follow(self, record: Record, rates: Points) -> tuple[Record, Points]:
        """The record and the course of the rate after the events that are new."""
        for events in self._events.portions():
            record = fold_all(events, record)
            new = [
                (stamped.elapsed, stamped.event.images_per_s)
                for stamped in events
                # Loading and evaluation go at another pace, and before its first batch an epoch has none.
                if isinstance(stamped.event, Progress) and stamped.event.epoch and stamped.event.done
            ]
            rates = _extend(rates, new)
        return record, rates

    def _turns(self, record: Record) -> tuple[Turns, ...]:
        """Those of all arms of the duel, in its order; the other arms' files are followed like the run's own."""
        duel = self._environment.duel
        turns = []
        for arm in duel.arms if duel else ():
            if arm == self.run.id:
                followed = record
            else:
                tail, before = self._arms.get(arm) or (
                    EventTail(RunDirectory(self._paths.runs / arm).events),
                    Record(),
                )
                followed = fold_all(tail.stream(), before)
                self._arms[arm] = tail, followed
            rates = tuple((float(done.round), done.images / done.seconds) for done in followed.slices)
            accuracy = followed.evaluation.accuracy if followed.evaluation else None
            turns.append(Turns(arm.split("-")[2], rates, turn_throughput(followed.slices), accuracy))
        return tuple(turns)

    def _samples(self) -> list[Sample]:
        """The readings of the hardware that are new."""
        samples: list[Sample] = []
        while lines := self._hardware.read():
            if not self._header:
                self._header = lines.pop(0).split(",")
            samples += parse_samples(self._header, lines)
        return samples

    def _warnings(self, status: str, record: Record) -> tuple[RunWarning, ...]:
        """What the worker and the look at the machine before it say; once the run is over, its result has all."""
        if status in ALIVE:
            return (*record.warnings, *self._environment.warnings)
        known = read_result(self.run).warnings
        if self._events.malformed and not any(warning.code == DAMAGED for warning in known):
            message = f"{self._events.malformed} lines of events.jsonl are not events: the file is damaged"
            known = (*known, RunWarning(message, DAMAGED, "", "time"))
        return known

    def _error(self, status: str) -> RunError | None:
        if status in (*ALIVE, "completed"):
            return None
        result = read_result(self.run)
        error = result.error or RunError()
        silence = "stopped on request" if status == "stopped" else "it left no message"
        message = error.message or silence
        resumable = status in RESUMABLE and not self._view.machine
        if resumable and "runs resume" not in message and self._is_planned(result.sweep):
            message += f"\nresume with: tfpt-tui runs resume {result.sweep}"
        return dataclasses.replace(error, message=message)

    def _is_planned(self, sweep: str) -> bool:
        """Whether the sweep still counts on the run: once it was resumed, another has taken its place."""
        try:
            return self.run in read_sweep(SweepDirectory(self._paths.sweeps / sweep), self._paths).runs
        except TfptError:
            return False

    def _waiting(self, status: str) -> str:
        if status not in ALIVE:
            return ""
        name = read_state(self.run.state).sweep
        sweep = SweepDirectory(self._paths.sweeps / name) if name else None
        if self.run.stop.exists() or (sweep and sweep.stop.exists()):
            return "stopping on request"
        in_duel = status == "running" and self._environment.duel
        return read_state(sweep.state).message if sweep and (status == "queued" or in_duel) else ""


def config_of(run: RunDirectory) -> RunConfig | None:
    """The configuration of a run, None where it cannot be read."""
    try:
        return read_config(run)
    except TfptError:
        return None


def _extend(course: tuple[Item, ...], new: list[Item]) -> tuple[Item, ...]:
    """With what is new at its end; the latest stays, whatever is thinned out."""
    if not new:
        return course
    extended = (*course, *new)
    while len(extended) > MAX_POINTS:
        extended = (*extended[:-1:2], extended[-1])
    return extended
