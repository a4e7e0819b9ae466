"""What Prepare shows, read from the disk into frozen snapshots. No widget is known here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.data.manifest import NAME
from tfpt_tui.results.store.datasets import Dataset, list_datasets
from tfpt_tui.runs.tasks.preparation import Preparation, list_preparations

NEW = "new"


@dataclass(frozen=True)
class DatasetsSnapshot:
    """``preparations`` are those that are under way or ended badly, one for each directory."""

    datasets: tuple[Dataset, ...] = ()
    preparations: tuple[Preparation, ...] = ()

    def dataset(self, path: Path) -> Dataset | None:
        return next((one for one in self.datasets if one.path == path), None)

    @property
    def entries(self) -> dict[str, Dataset | Preparation]:
        """What is listed below the new one: a preparation stands for its dataset, whatever is there of it."""
        prepared = {one.request.out for one in self.preparations}
        whole = [one for one in self.datasets if one.path not in prepared]
        listed: list[Dataset | Preparation] = [*self.preparations, *whole]
        return {entry_of(one): one for one in listed}

    def foremost(self) -> str:
        """The entry to begin with: what is under way, else a dataset, else a new one."""
        running = [entry_of(one) for one in self.preparations if one.status == "running"]
        datasets = [name for name, one in self.entries.items() if isinstance(one, Dataset)]
        return next(iter([*running, *datasets]), NEW)


@dataclass(frozen=True)
class Followed:
    """The entry to show now; ``note`` says what became of the one before, ``lost`` that it is gone."""

    entry: str
    note: str = ""
    lost: bool = False


def follow(chosen: str, before: DatasetsSnapshot, now: DatasetsSnapshot, awaited: Path | None) -> Followed:
    """Stay with the chosen entry, or with what became of it.

    A preparation becomes its dataset; ``awaited`` is where one goes that was started and may not be seen yet.
    """
    if chosen == NEW or chosen in now.entries:
        return Followed(chosen)
    gone = before.entries.get(chosen)
    again = [
        entry_of(one) for one in now.preparations if isinstance(gone, Dataset) and one.request.out == gone.path
    ]
    if again:
        return Followed(again[0])
    out = gone.request.out if isinstance(gone, Preparation) else awaited
    made = now.dataset(out) if out else None
    if made and made.manifest:
        return Followed(entry_of(made), f"{made.path.name} is ready; 2 Build offers it")
    if awaited:
        return Followed(chosen)
    if isinstance(gone, Dataset):
        return Followed(now.foremost(), f"{gone.path.name} is gone", lost=True)
    return Followed(now.foremost())


def entry_of(one: Dataset | Preparation) -> str:
    """The name of its entry in the list."""
    return f"dataset {one.path}" if isinstance(one, Dataset) else f"preparation {one.id}"


class DatasetsPoller:
    """Datasets are listed again only when something about them has changed, or on request."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._datasets: tuple[Dataset, ...] = ()
        self._seen: object = None

    def poll(self, again: bool = False) -> DatasetsSnapshot:
        """The snapshot as it is now; ``again`` lists the datasets in any case.

        Raises:
            OSError: the disk refuses to be read.
        """
        preparations = list_preparations(self._paths)
        signature = self._signature(preparations)
        if again or signature != self._seen:
            self._datasets = tuple(list_datasets(self._paths))
            self._seen = self._signature(preparations)
        return DatasetsSnapshot(self._datasets, self._current(preparations))

    def _current(self, preparations: list[Preparation]) -> tuple[Preparation, ...]:
        newest = {one.request.out: one for one in reversed(preparations)}
        complete = {one.path for one in self._datasets if one.manifest}
        return tuple(
            one
            for out, one in reversed(newest.items())
            if one.status == "running" or (one.status != "completed" and out not in complete)
        )

    def _signature(self, preparations: list[Preparation]) -> object:
        # A manifest comes last into a directory that has been there for a while.
        watched = [*_directories(self._paths.datasets), *(one.path / NAME for one in self._datasets)]
        return [(path, _changed(path)) for path in watched], [(one.id, one.status) for one in preparations]


def _directories(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
