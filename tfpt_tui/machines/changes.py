"""What is new in recorded sweeps since the last look, for a copy of them on another machine."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE
from tfpt_tui.files import open_regular
from tfpt_tui.machines.wire import CHUNK_BYTES, FilePart, Mark, SweepStatus
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_sweeps
from tfpt_tui.runs.record.state import machine_of, owner_of, read_state, status_of
from tfpt_tui.runs.record.sweep import read_sweep, runs_of

# What only grows is sent from where the copy ends, all else as a whole when it changes. The model, and a profile's
# trace, stay where they are: they are large, and no figure is read from them.
GROWING = ("events.jsonl", "hardware.csv", "worker.log", "supervisor.log")
SWEEP_FILES = ("plan.toml", "supervisor.log")
RESULT = "result.toml"  # written, and therefore sent, when all else is there
RUN_FILES = (
    *("config.toml", "environment.toml", "events.jsonl", "hardware.csv", "worker.log"),
    *("epochs.csv", "slices.csv", "samples.jpg", "history.png", RESULT),
)
MAX_WHOLE_BYTES = 1 << 24
# Enough to tell whether what is to be continued ends as the copy does.
ENDING_BYTES = 1 << 10
# A new sweep is found at once, an old one that goes on within so many seconds: each has to be looked at for that.
ALL_EVERY_S = 5.0
QUEUED = "queued"
CRASHED = "crashed"
DELETED = "deleted"

Said = tuple[FilePart | SweepStatus, bytes]


def mark_of(path: Path, size: int | None = None) -> Mark | None:
    """The mark of a file, or of what it was when it had ``size`` bytes; None where it has not as many."""
    try:
        with open_regular(path) as file:
            end = file.seek(0, os.SEEK_END)
            size = end if size is None else size
            if size > end:
                return None
            file.seek(max(0, size - ENDING_BYTES) if path.name in GROWING else 0)
            return Mark(size, zlib.crc32(file.read(size - file.tell())))
    except OSError:
        return None


@dataclass
class Sent:
    """How much of a file the copy has, and the stamp of the file then."""

    size: int = 0
    stamp: tuple[int, ...] = ()


@dataclass
class Changes:
    """Looks at the sweeps that are alive, and at those that a copy has ``known`` and not seen the end of.

    ``known`` is as in :class:`~tfpt_tui.machines.wire.Request`. ``held`` says whether the job of a scheduler will
    run, or runs, what is left of a sweep.
    """

    paths: Paths
    known: Mapping[str, Mapping[str, Mark]]
    held: Callable[[SweepDirectory], bool] = lambda _: False
    followed: set[str] = field(default_factory=set)
    sent: dict[Path, Sent] = field(default_factory=dict)
    latest: dict[str, SweepStatus] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)  # runs, with when their result was written
    listed_ns: int = -1
    due: float = 0.0
    seen: dict[str, int] = field(default_factory=dict)  # sweeps, with when their plan was written last

    def __post_init__(self) -> None:
        self.followed |= {sweep for sweep in self.known if os.sep not in sweep}

    def look(self) -> Iterator[Said]:
        """All that is new."""
        self._find_new_ones()
        for name in sorted(self.followed):
            yield from self._look_at(SweepDirectory(self.paths.sweeps / name))

    def progress(self) -> tuple[int, int]:
        """Of the plans that are under way: how many runs are over, and how many there are."""
        found = [self.latest[name] for name in self.followed if name in self.latest]
        statuses = [status for one in found for status in one.runs.values()]
        return sum(status not in ALIVE for status in statuses), len(statuses)

    def _find_new_ones(self) -> None:
        """Follow what is open, and whatever was begun or went on since the last look: its plan was written."""
        listed_ns, now = _written_ns(self.paths.sweeps), time.monotonic()
        if listed_ns == self.listed_ns and now < self.due:
            return
        is_first = not self.due
        self.listed_ns, self.due = listed_ns, now + ALL_EVERY_S
        for sweep in list_sweeps(self.paths):
            planned_ns = _written_ns(sweep.plan)
            if not planned_ns:  # in a moment
                self.due = now
            if planned_ns != self.seen.get(sweep.id, 0):
                self.seen[sweep.id] = planned_ns
                begun = not is_first and not machine_of(sweep)
                if begun or _is_open(sweep) or self._is_left_to_a_job(sweep):
                    self.followed.add(sweep.id)

    def _is_left_to_a_job(self, sweep: SweepDirectory) -> bool:
        """Whether a scheduler holds it, and a run of it has no result."""
        return self.held(sweep) and not all(run.result.exists() for run in runs_of(sweep, self.paths))

    def _look_at(self, directory: SweepDirectory) -> Iterator[Said]:
        try:
            sweep = read_sweep(directory, self.paths)
        except TfptError:
            if not directory.path.is_dir():
                yield from self._say(SweepStatus(directory.id, over=True))
            return
        # In this order: what a supervisor writes last is looked at after.
        held = self.held(directory)
        alive = held or owner_of(directory.state) is not None
        replaced = (RunDirectory(self.paths.runs / name) for one in sweep.plan.runs for name in one.replaces)
        runs = [*sweep.runs, *(run for run in replaced if run.path.is_dir())]
        statuses = {run.id: _status(run) for run in runs}
        if held:  # what was lost with its node is tried once more
            statuses |= {run.id: QUEUED for run in sweep.runs if statuses[run.id] == CRASHED}
        burn_in = tuple(one.run for one in sweep.plan.runs if one.burn_in)
        known = self.latest.get(directory.id)
        said = {name for name, status in known.runs.items() if status != DELETED} if known else set()
        there = {name for name, status in statuses.items() if status != DELETED}
        if known is None or there - said:  # before their files
            yield SweepStatus(directory.id, dict.fromkeys(sorted(there - said), ""), burn_in), b""
        yield from self._send(directory.path, SWEEP_FILES, directory.id)
        for run in runs:
            ended_ns = _written_ns(run.result) if statuses[run.id] not in ALIVE else 0
            # It may begin once more, in the next attempt of a job or when its sweep is resumed.
            if not ended_ns or self.ended.get(run.id) != ended_ns:
                names = RUN_FILES if ended_ns else RUN_FILES[:-1]
                yield from self._send(run.path, names, directory.id, run.id)
                self.ended[run.id] = ended_ns
        over = not alive and not any(status in ALIVE for status in statuses.values())
        message = read_state(directory.state).message
        yield from self._say(SweepStatus(directory.id, statuses, burn_in, message, over))

    def _say(self, news: SweepStatus) -> Iterator[Said]:
        if news != self.latest.get(news.sweep):
            self.latest[news.sweep] = news
            yield news, b""
        if news.over:
            self.followed.discard(news.sweep)

    def _send(self, directory: Path, names: Sequence[str], sweep: str, run: str = "") -> Iterator[Said]:
        for name in names:
            path = directory / name
            with suppress(OSError):  # it is not there yet, or gone
                found = os.stat(path, follow_symlinks=False)
                stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
                sent = self.sent.get(path) or self._known(path, sweep, f"{run}/{name}" if run else name, stamp)
                if sent.stamp != stamp:
                    part = FilePart(sweep, name, run)
                    if name in GROWING:
                        yield from _grown(path, part, sent, stamp)
                    elif found.st_size <= MAX_WHOLE_BYTES:
                        yield from _whole(path, part)
                    sent.stamp = stamp
                self.sent[path] = sent

    def _known(self, path: Path, sweep: str, name: str, stamp: tuple[int, ...]) -> Sent:
        """How much of it the copy has: nothing of what it has otherwise."""
        mark = self.known.get(sweep, {}).get(name)
        if mark is None or mark != mark_of(path, mark.size if path.name in GROWING else None):
            return Sent()
        return Sent(mark.size, (stamp[0], mark.size, stamp[2]))


def _grown(path: Path, part: FilePart, sent: Sent, stamp: tuple[int, ...]) -> Iterator[Said]:
    """What came after what was sent; all of it where another file has taken the place of the one that was sent."""
    inode, size, _ = stamp
    if size < sent.size or (sent.stamp and inode != sent.stamp[0]):
        sent.size = 0
    if not size and not sent.stamp:
        yield part, b""  # so that it is there
    with open_regular(path) as file:
        file.seek(sent.size)
        while sent.size < size and (chunk := file.read(min(CHUNK_BYTES, size - sent.size))):
            yield FilePart(part.sweep, part.file, part.run, sent.size), chunk
            sent.size += len(chunk)


def _whole(path: Path, part: FilePart) -> Iterator[Said]:
    with open_regular(path) as file:
        content = file.read()
    for start in range(0, max(len(content), 1), CHUNK_BYTES):
        chunk = content[start : start + CHUNK_BYTES]
        yield FilePart(part.sweep, part.file, part.run, start, start + len(chunk) < len(content)), chunk


def _written_ns(path: Path) -> int:
    """When the file or directory was written to, 0 where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _is_open(sweep: SweepDirectory) -> bool:
    """Whether something of ours runs it, or a job will."""
    return bool(owner_of(sweep.state) or read_state(sweep.state).job) and not machine_of(sweep)


def _status(run: RunDirectory) -> str:
    """Nothing is waited for from a run whose directory is gone, such as a restart that a duel did not need."""
    return status_of(run) if run.path.is_dir() else DELETED
