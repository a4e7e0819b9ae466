"""What the Monitor shows, read from the run directories into frozen snapshots. No widget is known here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tfpt_tui.config.paths import Paths
from tfpt_tui.events import ALIVE
from tfpt_tui.results.store.index import read_gists
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.ui.monitor.choose import Entry, entries_of
from tfpt_tui.ui.monitor.reader import RunReader, RunView

MAX_LISTED = 1000  # more than that nobody scrolls; the command line lists them all


@dataclass(frozen=True)
class RunSelection:
    """What is to be read: the chosen item of the list, None for the live one, else the newest; and the runs that
    are drawn beside it. With another number of ``looks`` all of it is read anew.
    """

    chosen: str | None = None
    beside: tuple[str, ...] = ()
    looks: int = 0


@dataclass(frozen=True)
class Snapshot:
    """``runs`` are listed by the gist of their results; ``hidden`` counts the older ones that are not.

    ``entries`` are the items that they make. ``chosen`` is the one of the view, and ``beside`` are the runs that
    are drawn with it, the other arms of a duel among them.
    """

    runs: tuple[RunResult, ...] = ()
    entries: tuple[Entry, ...] = ()
    hidden: int = 0
    chosen: Entry | None = None
    view: RunView | None = None
    beside: tuple[RunView, ...] = ()

    @property
    def live(self) -> Entry | None:
        """The item that trains now, else one that will."""
        for status in ("running", "queued"):
            found = [entry for entry in self.entries if entry.status == status]
            if found:
                return found[-1]
        return None


class RunPoller:
    """Reads what has changed since the last look. Each thread that looks needs one of its own."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._scanned_mtime = -1
        self._looks = 0
        self._directories: list[RunDirectory] = []
        self._listed: dict[str, RunResult] = {}
        self._readers: dict[str, RunReader] = {}

    def poll(self, wanted: RunSelection) -> Snapshot:
        """The list of runs, the chosen one and those beside it."""
        if wanted.looks != self._looks:
            self._looks, self._scanned_mtime = wanted.looks, -1
            self._listed.clear()
        self._rescan()
        shown = self._directories[:MAX_LISTED]
        runs = tuple(self._list(run) for run in shown)
        entries = tuple(entries_of(runs))
        snapshot = Snapshot(runs, entries, len(self._directories) - len(shown))
        if not entries:
            return snapshot
        named = {name: entry for entry in entries for name in (entry.id, *(run.run for run in entry.runs))}
        chosen = named.get(wanted.chosen or "") or snapshot.live or entries[0]
        drawn = [run for run in (chosen.run.run, *chosen.arms, *wanted.beside) if run in named]
        self._readers = {run: self._readers.get(run) or self._reader(run) for run in dict.fromkeys(drawn)}
        views = [_read(reader) for reader in self._readers.values()]
        return replace(snapshot, chosen=chosen, view=views[0], beside=tuple(views[1:]))

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
