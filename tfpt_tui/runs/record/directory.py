"""The directory of one run, or of one sweep: the names of its files, how it is made and how it is found."""

from __future__ import annotations

import itertools
import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import nearest
from tfpt_tui.errors import UsageError, cannot

NUMBERS = 0x10000  # that the end of an ID can tell apart
TIME_LENGTH = len("20261122-165501")
RUN_ID = re.compile(r"\d{8}-\d{6}-[a-z]+-[0-9a-f]{4}")
SWEEP_ID = re.compile(r"[^./][^/]*")


@dataclass(frozen=True)
class RunDirectory:
    """The files of a run. They are the truth: whatever shows a run reads them."""

    path: Path

    @cached_property
    def id(self) -> str:
        return self.path.name

    @property
    def config(self) -> Path:
        return self.path / "config.toml"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def epochs(self) -> Path:
        return self.path / "epochs.csv"

    @property
    def slices(self) -> Path:
        return self.path / "slices.csv"

    @property
    def hardware(self) -> Path:
        return self.path / "hardware.csv"

    @property
    def log(self) -> Path:
        return self.path / "worker.log"

    @property
    def result(self) -> Path:
        return self.path / "result.toml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.toml"

    @property
    def state(self) -> Path:
        return self.path / "state.toml"

    @property
    def history(self) -> Path:
        return self.path / "history.png"

    @property
    def notes(self) -> Path:
        return self.path / "notes.toml"

    @property
    def stop(self) -> Path:
        """The request to stop: whoever may write the directory may ask for it."""
        return self.path / "stop"


@dataclass(frozen=True)
class SweepDirectory:
    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def plan(self) -> Path:
        return self.path / "plan.toml"

    @property
    def state(self) -> Path:
        return self.path / "state.toml"

    @property
    def log(self) -> Path:
        return self.path / "supervisor.log"

    @property
    def stop(self) -> Path:
        return self.path / "stop"


def make_directory(
    parent: Path, label: str, now: datetime, number: int | None = None, what: str = "a run"
) -> Path:
    """Make ``PARENT/20261122-165501-LABEL-3f9a``, a name that was not there, to record ``what``.

    ``number`` is what the name shall end with, or the next one that is free; by default a random one.

    Raises:
        MissingError: the parent cannot be written.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        numbers = itertools.count(secrets.randbelow(NUMBERS) if number is None else number)
        while True:
            path = parent / f"{now:%Y%m%d-%H%M%S}-{label}-{next(numbers) % NUMBERS:04x}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise cannot(f"record {what}", parent, error) from None


def first_number(count: int) -> int:
    """A random number to begin with, from which so many runs of one plan can be counted on."""
    return secrets.randbelow(max(1, NUMBERS - count))


def by_age(run_id: str) -> tuple[str, str]:
    """Sorts IDs by the second in which they were given, and those of one plan in the plan's order."""
    return run_id[:TIME_LENGTH], run_id[-4:]


def list_runs(paths: Paths) -> list[RunDirectory]:
    """All recorded runs, newest first; what else lies in the directory is left out, links to elsewhere too.

    Raises:
        MissingError: the directory cannot be read.
    """
    names = sorted(_directories(paths.runs, RUN_ID), key=by_age, reverse=True)
    return [RunDirectory(paths.runs / name) for name in names]


def list_sweeps(paths: Paths) -> list[SweepDirectory]:
    """All recorded sweeps, newest first, also those whose plan is not there yet.

    Raises:
        MissingError: the directory cannot be read.
    """
    names = sorted(_directories(paths.sweeps, SWEEP_ID), reverse=True)
    return [SweepDirectory(paths.sweeps / name) for name in names]


def _directories(parent: Path, name: re.Pattern[str]) -> list[str]:
    """The names of real directories: through a link, another place would be read, settled and deleted."""
    try:
        with os.scandir(parent) as entries:
            return [
                entry.name
                for entry in entries
                if name.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise cannot("read the directory", parent, error) from None


def find_run(paths: Paths, prefix: str) -> RunDirectory:
    """The run whose ID begins with ``prefix``.

    Raises:
        UsageError: no run's ID does, or several do.
    """
    runs = {run.id: run for run in list_runs(paths)}
    return runs[_unique(prefix, list(runs), "run", paths.runs)]


def find_sweep(paths: Paths, prefix: str) -> SweepDirectory:
    """The sweep whose ID begins with ``prefix``.

    Raises:
        UsageError: no sweep's ID does, or several do.
    """
    sweeps = {sweep.id: sweep for sweep in list_sweeps(paths) if sweep.plan.exists()}
    return sweeps[_unique(prefix, list(sweeps), "sweep", paths.sweeps)]


def _unique(prefix: str, names: list[str], what: str, where: Path) -> str:
    if not prefix:
        raise UsageError(f"no ID was given; name a {what} in {where}")
    matches = [name for name in names if name == prefix] or [name for name in names if name.startswith(prefix)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(
            f"{prefix!r} begins the ID of {len(matches)} {what}s, {matches[0]} and {matches[1]} among them"
        )
    raise UsageError(f"no {what} in {where} has an ID that begins with {prefix!r}{nearest(prefix, names)}")
