"""What the Monitor shows, read from the run directories into frozen snapshots. No widget is known here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE, Progress, RunError, RunWarning
from tfpt_tui.hardware.readings import parse_samples
from tfpt_tui.hardware.sample import Sample
from tfpt_tui.results.result import read_result
from tfpt_tui.runs.directory import RunDirectory, list_runs
from tfpt_tui.runs.record import Record, fold_all, warnings_of
from tfpt_tui.runs.state import read_state, status_of
from tfpt_tui.runs.sweep import read_config
from tfpt_tui.runs.tail import EventTail, LineTail

MAX_LISTED = 1000  # more than that nobody scrolls; the command line lists them all
MAX_LOG_LINES = 400
MAX_LOG_BYTES = 1 << 16
MAX_POINTS = 600  # of a curve over time; a longer one is thinned out to half

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ListedRun:
    """One entry of the list of runs."""

    id: str
    framework: str
    status: str
    detail: str


@dataclass(frozen=True)
class RunView:
    """All that is shown of the chosen run. ``waiting`` says what a queued run waits for.

    ``rates`` and ``loads`` are images/s and CPU per cent over the seconds since the worker's start.
    """

    id: str
    path: Path
    status: str
    config: RunConfig | None
    record: Record
    error: RunError | None = None
    sample: Sample | None = None
    gpu_problem: str = ""
    log: tuple[str, ...] = ()
    waiting: str = ""
    warnings: tuple[RunWarning, ...] = ()
    rates: Points = ()
    loads: Points = ()


@dataclass(frozen=True)
class Snapshot:
    """``hidden`` counts the older runs that are not listed."""

    runs: tuple[ListedRun, ...] = ()
    hidden: int = 0
    view: RunView | None = None

    @property
    def live(self) -> ListedRun | None:
        """The run that trains now, else one that will."""
        for status in ("running", "queued"):
            found = [run for run in self.runs if run.status == status]
            if found:
                return found[-1]
        return None


class Watcher:
    """Reads what has changed since the last look. Each thread that looks needs one of its own."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._scanned_mtime = -1
        self._directories: list[RunDirectory] = []
        self._listed: dict[str, ListedRun] = {}
        self._reader: RunReader | None = None

    def look(self, chosen: str | None) -> Snapshot:
        """The list of runs and the chosen one; ``None`` chooses the live run, else the newest."""
        self._rescan()
        shown = self._directories[:MAX_LISTED]
        runs = tuple(self._list(run) for run in shown)
        snapshot = Snapshot(runs, len(self._directories) - len(shown))
        ids = {run.id for run in runs}
        if chosen not in ids:
            chosen = (snapshot.live or runs[0]).id if runs else None
        if chosen is None:
            return snapshot
        if self._reader is None or self._reader.run.id != chosen:
            self._reader = RunReader(RunDirectory(self._paths.runs / chosen), self._paths)
        try:
            view = self._reader.read()
        except OSError as error:
            # One run that cannot be read must not hide the others.
            view = self._reader.unreadable(error)
        return Snapshot(snapshot.runs, snapshot.hidden, view)

    def _rescan(self) -> None:
        """List the directory again only when something came or went."""
        try:
            mtime = self._paths.runs.stat().st_mtime_ns
        except OSError:
            mtime = 0
        if mtime != self._scanned_mtime:
            self._scanned_mtime = mtime
            self._directories = list_runs(self._paths)

    def _list(self, run: RunDirectory) -> ListedRun:
        known = self._listed.get(run.id)
        if known and known.status not in ALIVE:
            return known
        status = status_of(run)
        if known and known.status == status:
            return known
        self._listed[run.id] = ListedRun(run.id, run.id.split("-")[2], status, _detail(run))
        return self._listed[run.id]


class RunReader:
    """Follows the files of one run."""

    def __init__(self, run: RunDirectory, paths: Paths) -> None:
        self.run = run
        self._paths = paths
        self._events = EventTail(run.events)
        self._hardware = LineTail(run.hardware)
        self._header: list[str] = []
        self._log = LineTail(run.log, last_bytes=MAX_LOG_BYTES)
        self._view = RunView(run.id, run.path, "", _config_of(run), Record())
        self._over = False

    def read(self) -> RunView:
        """The run as it is now. Once it is over its files are read no more."""
        if self._over:
            return self._view
        status = status_of(self.run)  # before the files: what comes later is read the next time
        view, events, samples = self._view, self._events.read_all(), self._samples()
        record = fold_all(events, view.record)
        rates = [(told.elapsed, told.event.images_per_s) for told in events if isinstance(told.event, Progress)]
        loads = [(sample.elapsed_s, sample.cpu_percent) for sample in samples if sample.cpu_percent is not None]
        self._view = RunView(
            id=view.id,
            path=view.path,
            status=status,
            config=view.config,
            record=record,
            error=self._error(status),
            sample=samples[-1] if samples else view.sample,
            gpu_problem=view.gpu_problem or self._gpu_problem(),
            log=(*view.log, *self._log.read())[-MAX_LOG_LINES:],
            waiting=self._waiting(status),
            warnings=self._warnings(status, record),
            rates=_extend(view.rates, rates),
            loads=_extend(view.loads, loads),
        )
        self._over = status not in ALIVE
        return self._view

    def unreadable(self, error: OSError) -> RunView:
        """What is known of a run whose files the file system refuses to show."""
        return dataclasses.replace(self._view, status="crashed", error=RunError("OSError", str(error)))

    def _samples(self) -> list[Sample]:
        """The readings of the hardware that are new."""
        lines = self._hardware.read()
        if lines and not self._header:
            self._header = lines.pop(0).split(",")
        return parse_samples(self._header, lines)

    def _gpu_problem(self) -> str:
        return str(read_state(self.run.environment).get("gpu", {}).get("problem", ""))

    def _warnings(self, status: str, record: Record) -> tuple[RunWarning, ...]:
        """What the worker and the look at the machine before it say; once the run is over, its result has all."""
        if status in ALIVE:
            return (*record.warnings, *warnings_of(read_state(self.run.environment)))
        return warnings_of(read_result(self.run))

    def _error(self, status: str) -> RunError | None:
        if status in (*ALIVE, "completed"):
            return None
        error: dict[str, Any] = read_result(self.run).get("error", {})
        return RunError(error.get("type", ""), error.get("message", ""), error.get("traceback", ""))

    def _waiting(self, status: str) -> str:
        if status != "queued":
            return ""
        sweep = str(read_state(self.run.state).get("sweep", ""))
        return str(read_state(self._paths.sweeps / sweep / "state.toml").get("message", "")) if sweep else ""


def _extend(points: Points, new: list[tuple[float, float]]) -> Points:
    extended = (*points, *new)
    while len(extended) > MAX_POINTS:
        extended = extended[::2]
    return extended


def _config_of(run: RunDirectory) -> RunConfig | None:
    try:
        return read_config(run)
    except TfptError:
        return None


def _detail(run: RunDirectory) -> str:
    day, time = run.id.split("-")[:2]
    config = _config_of(run)
    settings = f" b{config.batch_size} e{config.epochs}" if config else ""
    return f"{day[4:6]}-{day[6:8]} {time[:2]}:{time[2:4]}{settings}"
