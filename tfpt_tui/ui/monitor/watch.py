"""What the Monitor shows, read from the run directories into frozen snapshots. No widget is known here."""

from __future__ import annotations

from dataclasses import dataclass

from tfpt_tui.config.paths import Paths
from tfpt_tui.events import ALIVE
from tfpt_tui.results.store.index import read_gists
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.ui.monitor.reader import RunReader, RunView

MAX_LISTED = 1000  # more than that nobody scrolls; the command line lists them all


@dataclass(frozen=True)
class RunSelection:
    """What is to be read: the chosen run, None for the live one, else the newest; and those drawn beside it."""

    chosen: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """``runs`` are listed by the gist of their results; ``hidden`` counts the older ones that are not.

    ``beside`` are those that are drawn with the view.
    """

    runs: tuple[RunResult, ...] = ()
    hidden: int = 0
    view: RunView | None = None
    beside: tuple[RunView, ...] = ()

    @property
    def live(self) -> RunResult | None:
        """The run that trains now, else one that will."""
        for status in ("running", "queued"):
            found = [run for run in self.runs if run.status == status]
            if found:
                return found[-1]
        return None


class RunPoller:
    """Reads what has changed since the last look. Each thread that looks needs one of its own."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._scanned_mtime = -1
        self._directories: list[RunDirectory] = []
        self._listed: dict[str, RunResult] = {}
        self._readers: dict[str, RunReader] = {}

    def poll(self, wanted: RunSelection) -> Snapshot:
        """The list of runs, the chosen one and those beside it."""
        self._rescan()
        shown = self._directories[:MAX_LISTED]
        runs = tuple(self._list(run) for run in shown)
        snapshot = Snapshot(runs, len(self._directories) - len(shown))
        ids = {run.run for run in runs}
        chosen = wanted.chosen
        if chosen not in ids:
            chosen = (snapshot.live or runs[0]).run if runs else None
        if chosen is None:
            return snapshot
        beside = [run for run in wanted.beside if run in ids and run != chosen]
        self._readers = {run: self._readers.get(run) or self._reader(run) for run in (chosen, *beside)}
        views = [_read(reader) for reader in self._readers.values()]
        return Snapshot(snapshot.runs, snapshot.hidden, views[0], tuple(views[1:]))

    def _reader(self, run: str) -> RunReader:
        return RunReader(RunDirectory(self._paths.runs / run), self._paths)

    def _rescan(self) -> None:
        """List the directory again only when something came or went."""
        try:
            mtime = self._paths.runs.stat().st_mtime_ns
        except OSError:
            mtime = 0
        if mtime != self._scanned_mtime:
            self._scanned_mtime = mtime
            self._directories = list_runs(self._paths)
            new = [run for run in self._directories[:MAX_LISTED] if run.id not in self._listed]
            self._listed |= {gist.run: gist for gist in read_gists(self._paths, new)}

    def _list(self, run: RunDirectory) -> RunResult:
        known = self._listed.get(run.id)
        if known is None or (known.status in ALIVE and known.status != status_of(run)):
            known = self._listed[run.id] = read_result(run)
        return known


def _read(reader: RunReader) -> RunView:
    try:
        return reader.read()
    except OSError as error:
        # One run that cannot be read must not hide the others.
        return reader.unreadable(error)
