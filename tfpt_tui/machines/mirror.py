"""The copy, here, of the sweeps and runs of another machine: it grows with what comes in of them.

They lie among our own, so that whatever reads runs reads these; a name in their state tells them apart. Nothing
that comes in decides where a file is written: it names a sweep, a run and one of the known files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.errors import MissingError, cannot
from tfpt_tui.events import ALIVE
from tfpt_tui.files import append_to, written_whole
from tfpt_tui.machines.changes import (
    CRASHED,
    DELETED,
    GROWING,
    MAX_WHOLE_BYTES,
    QUEUED,
    RUN_FILES,
    SWEEP_FILES,
    mark_of,
)
from tfpt_tui.machines.wire import FilePart, Mark, SweepStatus
from tfpt_tui.runs.record.directory import RUN_ID, SWEEP_ID, RunDirectory, SweepDirectory, list_sweeps
from tfpt_tui.runs.record.state import NO_STATE, State, machine_of, read_state, write_state
from tfpt_tui.runs.record.sweep import runs_of

OVER, OPEN = "over", "open"
# So many of the newest sweeps are looked at each time: one that is over may have been begun again.
RECENT_SWEEPS = 200


def _has_content(path: Path) -> bool:
    return any(not entry.name.startswith(".") for entry in path.iterdir())


class TakenError(MissingError):
    """What a machine says is of a run or sweep that is here already, or another machine's; nothing was written."""


@dataclass
class Mirror:
    """``machine`` is the name of the one whose sweeps these are, ``alive`` the runs of those that go on.

    ``done_with`` are older sweeps that are over, or none of its own.
    """

    machine: str
    paths: Paths
    parts: dict[Path, bytearray] = field(default_factory=dict)
    alive: dict[str, tuple[str, ...]] = field(default_factory=dict)
    done_with: set[str] = field(default_factory=set)

    def known(self) -> dict[str, dict[str, Mark]]:
        """What is here already of the sweeps that are not over."""
        return {sweep.id: dict(self._marks(sweep)) for sweep in self.open_sweeps()}

    def open_sweeps(self) -> list[SweepDirectory]:
        """The sweeps of this machine that are not over."""
        found = []
        for place, sweep in enumerate(list_sweeps(self.paths)):
            if sweep.id in self.done_with and place >= RECENT_SWEEPS:
                continue
            state = read_state(sweep.state)
            if state.machine == self.machine and state.status != OVER:
                found.append(sweep)
            else:
                self.done_with.add(sweep.id)
        return found

    def expect(self, sweep: str) -> None:
        """Begin the copy of a sweep that was begun there, or go on with the one of a sweep that goes on.

        Raises:
            MissingError: it cannot be written; it was begun there.
        """
        try:
            self._note(self._sweep(sweep), State(status=OPEN, machine=self.machine))
        except OSError as error:
            raise cannot(
                f"copy sweep {sweep}, which was begun on {self.machine}", self.paths.sweeps, error
            ) from None

    def requests_to_stop(self) -> Iterator[tuple[str, str]]:
        """The sweeps, and the runs of sweeps, that somebody here wants to end: a sweep's ID and a run's, or ""."""
        for sweep, runs in self.alive.items():
            if self._sweep(sweep).stop.exists():
                yield sweep, ""
            yield from ((sweep, run) for run in runs if self._run(run).stop.exists())

    def take(self, said: FilePart | SweepStatus, content: bytes) -> None:
        """Take in how a sweep and its runs stand, or bytes of a file.

        Raises:
            MissingError: it is of no sweep or file that the machine may have, does not follow what is here, or
                cannot be written.
        """
        try:
            self._add(said, content) if isinstance(said, FilePart) else self._tell(said)
        except OSError as error:
            place = error.filename or self.paths.runs
            raise cannot(f"copy the runs of {self.machine}", place, error) from None

    def _tell(self, news: SweepStatus) -> None:
        sweep = self._sweep(news.sweep)
        self._make(sweep, State(status=OPEN, machine=self.machine))
        for name, status in news.runs.items():
            run = self._run(name)
            if status == DELETED:
                self._remove(run)
                continue
            state = State(
                status=status or QUEUED, sweep=sweep.id, burn_in=name in news.burn_in, machine=self.machine
            )
            if status:
                self._note(run, state)
            else:
                self._make(run, state)
            if status in ALIVE:
                run.result.unlink(missing_ok=True)  # of an attempt before
            elif status:
                run.stop.unlink(missing_ok=True)
        if news.over:
            self._settle_what_is_gone(sweep, news)
        self._note(sweep, State(status=OVER if news.over else OPEN, message=news.message, machine=self.machine))
        self.alive[sweep.id] = tuple(run for run, status in news.runs.items() if status in ALIVE)
        if news.over:
            del self.alive[sweep.id]
            sweep.stop.unlink(missing_ok=True)

    def _settle_what_is_gone(self, sweep: SweepDirectory, news: SweepStatus) -> None:
        """Runs that its machine says nothing of any more, with the directory of the sweep say, are over, too."""
        for run in runs_of(sweep, self.paths):
            state = read_state(run.state)
            if run.id not in news.runs and state.machine == self.machine and state.status in ALIVE:
                self._note(run, replace(state, status=CRASHED))

    def _add(self, part: FilePart, content: bytes) -> None:
        directory = self._run(part.run) if part.run else self._sweep(part.sweep)
        if part.file not in (RUN_FILES if part.run else SWEEP_FILES):
            raise MissingError(f"{self.machine}: {part.file!r} is no file of a run")
        if machine_of(directory) != self.machine:
            raise TakenError(f"{self.machine}: {directory.id} is not one of its own here")
        path = directory.path / part.file
        if part.file in GROWING:
            self._grow(path, part.start, content)
        else:
            self._complete(path, part, content)

    def _grow(self, path: Path, start: int, content: bytes) -> None:
        """Append, at exactly that place; from the beginning it is another file than the one that is here."""
        with append_to(path) as file:
            if start == 0:
                file.truncate(0)
            elif os.fstat(file.fileno()).st_size != start:
                raise MissingError(f"{self.machine}: {path.name} does not go on where its copy ends")
            left = memoryview(content)
            while left:
                left = left[file.write(left) or 0 :]

    def _complete(self, path: Path, part: FilePart, content: bytes) -> None:
        """Keep the parts of a file until all are there: it is replaced by the whole."""
        kept = self.parts.setdefault(path, bytearray())
        if part.start == 0:
            kept.clear()
        if len(kept) != part.start or len(kept) + len(content) > MAX_WHOLE_BYTES:
            raise MissingError(f"{self.machine}: {path.name} came in a wrong order")
        kept += content
        if not part.more:
            del self.parts[path]
            with written_whole(path) as temporary:
                temporary.write_bytes(kept)

    def _make(self, directory: RunDirectory | SweepDirectory, state: State) -> State:
        """The state of a directory of this machine, which is made where it is not there.

        Its state comes first: one without would be taken for ours.
        """
        known = read_state(directory.state)
        if known.machine == self.machine:
            return known
        # One that was begun and not written to is empty; runs that were imported have no state.
        if directory.path.exists() and (known != NO_STATE or _has_content(directory.path)):
            raise TakenError(f"{self.machine}: its {directory.id} has the name of one that is here")
        directory.path.mkdir(parents=True, exist_ok=True)
        write_state(directory.state, state)
        return state

    def _note(self, directory: RunDirectory | SweepDirectory, state: State) -> None:
        """See to it that the directory is there, in this state."""
        if self._make(directory, state) != state:
            write_state(directory.state, state)

    def _remove(self, run: RunDirectory) -> None:
        """A run that is gone there and never had a result; of one that had, this is the only record now."""
        if machine_of(run) == self.machine and not run.result.exists():
            shutil.rmtree(run.path, ignore_errors=True)

    def _marks(self, sweep: SweepDirectory) -> Iterator[tuple[str, Mark]]:
        for name in SWEEP_FILES:
            if mark := mark_of(sweep.path / name):
                yield name, mark
        for run in runs_of(sweep, self.paths):
            for name in RUN_FILES:
                if mark := mark_of(run.path / name):
                    yield f"{run.id}/{name}", mark

    def _sweep(self, name: str) -> SweepDirectory:
        if not SWEEP_ID.fullmatch(name) or not name.isprintable():
            raise MissingError(f"{self.machine}: {name!r} is no sweep")
        return SweepDirectory(self.paths.sweeps / name)

    def _run(self, name: str) -> RunDirectory:
        if not RUN_ID.fullmatch(name):
            raise MissingError(f"{self.machine}: {name!r} is no run")
        return RunDirectory(self.paths.runs / name)
