"""What the Monitor shows, read from the run directories into frozen snapshots. No widget is known here."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tfpt_tui.config.paths import Paths
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE
from tfpt_tui.results.requests.duration import expect_elsewhere_s, expect_s, paces_here
from tfpt_tui.results.store.index import read_gists
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.contact import Contact, read_contact
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.fold import Record, share_done, time_left_s
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.state import RESUMABLE, status_of
from tfpt_tui.ui.monitor.choose import Entry, entries_of
from tfpt_tui.ui.monitor.reader import RunReader, RunView
from tfpt_tui.ui.theme import MAX_CURVES
from tfpt_tui.wording import show_duration

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
class MachineView:
    """Another machine: what it does, or for how long it is ``silent``, in words, and why.

    Loads are in per cent, and rounded, so that it does not change with every look.
    """

    name: str
    doing: str = ""
    cpu_percent: int = 0
    gpus_percent: tuple[int, ...] = ()
    silent: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Snapshot:
    """``runs`` are listed by the gist of their results; ``hidden`` counts the older ones that are not.

    ``entries`` are the items that they make. ``chosen`` is the one of the view, and ``beside`` are the runs that
    are drawn with it, the other arms of a duel among them. ``percent`` says how much of its training the live run
    has done, by its ID, and ``left`` how long the plans take yet that are not over, by their sweeps. ``machines``
    are the other ones.
    """

    runs: tuple[RunResult, ...] = ()
    entries: tuple[Entry, ...] = ()
    hidden: int = 0
    chosen: Entry | None = None
    view: RunView | None = None
    beside: tuple[RunView, ...] = ()
    percent: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    machines: tuple[MachineView, ...] = ()

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

    def __init__(self, paths: Paths, machines: Sequence[str] = ()) -> None:
        self._paths = paths
        self._machines = machines
        self._scanned_mtime = -1
        self._looks = 0
        self._directories: list[RunDirectory] = []
        self._listed: dict[str, RunResult] = {}
        self._readers: dict[str, RunReader] = {}
        self._expected_s: dict[str, float | None] = {}
        # After how many runs had completed was asked for these: not again at every look.
        self._asked: tuple[int, list[str]] = (0, [])

    def poll(self, wanted: RunSelection) -> Snapshot:
        """The list of runs, the chosen one and those beside it."""
        if wanted.looks != self._looks:
            self._looks, self._scanned_mtime = wanted.looks, -1
            self._listed.clear()
            self._readers.clear()
        self._rescan()
        shown = self._directories[:MAX_LISTED]
        runs = tuple(self._list(run) for run in shown)
        entries = tuple(entries_of(runs))
        machines = tuple(_view_of(name, read_contact(name, self._paths)) for name in self._machines)
        snapshot = Snapshot(runs, entries, len(self._directories) - len(shown), machines=machines)
        if not entries:
            return snapshot
        named = {name: entry for entry in entries for name in (entry.id, *(run.run for run in entry.runs))}
        chosen = named.get(wanted.chosen or "") or snapshot.live or entries[0]
        wished = dict.fromkeys(run for run in (chosen.run.run, *chosen.arms, *wanted.beside) if run in named)
        drawn = list(wished)[:MAX_CURVES]  # a race may have more arms than there are letters
        followed = [*drawn, *((snapshot.live.run.run,) if snapshot.live else ())]
        self._readers = {run: self._readers.get(run) or self._reader(run) for run in dict.fromkeys(followed)}
        views = {run: _read(reader) for run, reader in self._readers.items()}
        seen = [views[run] for run in drawn]
        return replace(
            snapshot,
            chosen=chosen,
            view=seen[0],
            beside=tuple(seen[1:]),
            percent={run: _percent(view.record) for run, view in views.items() if view.status == "running"},
            left=self._left(entries, views),
        )

    def _left(self, entries: Sequence[Entry], views: Mapping[str, RunView]) -> dict[str, str]:
        """How long each plan takes that is not over, in words; a duel says so itself."""
        left_s: dict[str, float | None] = {}
        alive = [entry for entry in entries if entry.status in ALIVE and entry.run.sweep and not entry.arms]
        self._expect([entry.run for entry in alive if entry.run.run not in self._expected_s])
        # When a job of a cluster begins, nobody knows.
        begun = {entry.run.sweep for entry in alive if entry.status == "running" or not entry.run.machine}
        for entry in (one for one in alive if one.run.sweep in begun):
            expected, before = self._expected_s.get(entry.run.run), left_s.get(entry.run.sweep, 0.0)
            if expected is not None and entry.run.run in views:
                record = views[entry.run.run].record
                known = time_left_s(record) if record.phase == "training" else None
                expected = max(expected - record.elapsed, 0.0) if known is None else known
            left_s[entry.run.sweep] = None if expected is None or before is None else before + expected
        return {sweep: _in_words(seconds) for sweep, seconds in left_s.items() if seconds is not None}

    def _expect(self, runs: Sequence[RunResult]) -> None:
        """Note how many seconds these runs take, by what their machine has recorded; None where nothing is.

        What another machine can do shows when it has completed the first of them.
        """
        here = [run for run in runs if not run.machine]
        paces = paces_here(self._listed.values()) if here else []
        for run in here:
            try:
                (self._expected_s[run.run],) = expect_s([run.config], paces)
            except TfptError:  # its dataset is gone: the run will say so
                self._expected_s[run.run] = None
        elsewhere = [run for run in runs if run.machine]
        finished = sum(run.completed for run in self._listed.values())
        if elsewhere and (asked := (finished, [run.run for run in elsewhere])) != self._asked:
            self._asked = asked
            seconds = {run.run: expect_elsewhere_s(run, self._listed.values()) for run in elsewhere}
            self._expected_s |= {run: one for run, one in seconds.items() if one is not None}

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
        """Its gist as it was read, unless it has another status since: one that was stopped may go on."""
        known = self._listed.get(run.id)
        # os.path: unlike Path.exists it takes what we may not look into for absent.
        may_differ = known and (
            known.status in ALIVE or (known.status in RESUMABLE and not os.path.exists(run.result))
        )
        if known is None or (may_differ and known.status != status_of(run)):
            known = self._listed[run.id] = read_result(run)
        return known


def _view_of(name: str, contact: Contact) -> MachineView:
    now = time.time()
    if not contact.heard:
        return MachineView(name, silent="never heard", problem=contact.problem)
    if not contact.is_heard(now):
        return MachineView(name, silent=f"not heard for {_in_words(now - contact.heard)}", problem=contact.problem)
    return MachineView(name, contact.doing, _whole(contact.cpu_percent), tuple(map(_whole, contact.gpus_percent)))


def _whole(percent: float) -> int:
    """Rounded; 0 for what is no number: another machine may say anything."""
    return round(percent) if math.isfinite(percent) else 0


def _read(reader: RunReader) -> RunView:
    try:
        return reader.read()
    except OSError as error:
        # One run that cannot be read must not hide the others.
        return reader.unreadable(error)


def _percent(record: Record) -> int:
    return int(100 * share_done(record))


def _in_words(seconds: float) -> str:
    """So coarse that it does not change with every look."""
    return show_duration(math.ceil(seconds / 10) * 10)
