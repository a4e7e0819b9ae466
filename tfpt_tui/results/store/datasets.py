"""The prepared datasets that we know of: in our own directory, used by recorded runs, or made by preparations."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import nearest
from tfpt_tui.data.manifest import MARKER, NAME, SPLITS, Manifest, read_manifest
from tfpt_tui.data.prepare import DEFAULT_SIZE
from tfpt_tui.data.source import DEFAULT_SEED
from tfpt_tui.data.synthetic import MAX_CLASSES
from tfpt_tui.errors import MissingError, TfptError
from tfpt_tui.runs.record.directory import list_runs
from tfpt_tui.runs.record.sweep import read_config
from tfpt_tui.runs.tasks.cifar_reader import OWN_READER
from tfpt_tui.runs.tasks.preparation import list_preparations

# Datasets change seldom: the newest runs know those in use.
RECENT_RUNS = 50
BLOCK = 512  # bytes that st_blocks counts, whatever the file system's own are
UNFINISHED = "its preparation was interrupted; the command that began it continues"


@dataclass(frozen=True)
class Dataset:
    """A directory with its manifest, or with the ``problem`` of one that has none or a broken one."""

    path: Path
    manifest: Manifest | None
    problem: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same images, as far as its manifest tells."""
        return self.path, self.manifest.digest if self.manifest else ""


@dataclass(frozen=True)
class Usage:
    """What lies in a dataset's directory: its images, and the room they take on the disk."""

    images: int
    bytes: int


def known_datasets(paths: Paths) -> dict[Path, Manifest]:
    """Complete datasets by directory, the one that was made last first."""
    complete = {found.path: found.manifest for found in list_datasets(paths) if found.manifest}
    return {path: complete[path] for path in sorted(complete, key=_made, reverse=True)}


def named_dataset(text: str, paths: Paths) -> str:
    """The directory that was typed for a dataset: a path, or the name of one that we know of, as it is listed.

    Raises:
        MissingError: there is neither.
    """
    if not text or "/" in text or os.path.lexists(text):
        return text
    known = {found.path.name: str(found.path) for found in reversed(list_datasets(paths)) if found.manifest}
    if text not in known:
        hint = nearest(text, list(known)) or (f"; there are {', '.join(sorted(known))}" if known else "")
        raise MissingError(
            f"{text}: no such dataset directory, and none of that name{hint}; make one with: tfpt-tui prepare"
        )
    return known[text]


def _made(directory: Path) -> float:
    """When its manifest was written, which is done last (seconds since 1970); 0 if it is gone."""
    try:
        return (directory / NAME).stat().st_mtime
    except OSError:
        return 0.0


def list_datasets(paths: Paths) -> list[Dataset]:
    """All datasets, also broken and unfinished ones of our own directory; those that are gone are left out."""
    own = {path.parent for name in (NAME, MARKER) for path in paths.datasets.glob(f"*/{name}")}
    directories = [*sorted(own), *(one.request.out for one in list_preparations(paths)), *_used(paths)]
    return [found for directory in dict.fromkeys(directories) if (found := _look_at(directory))]


def measure(directory: Path, is_cancelled: Callable[[], bool] = lambda: False) -> Usage:
    """Count the images and their bytes on the disk; it may take seconds, and gives up when it is cancelled."""
    images = size = 0
    for split in SPLITS:
        for label in _entries(directory / split):
            if is_cancelled():
                return Usage(images, size)
            for entry in _entries(Path(label.path)):
                with suppress(FileNotFoundError):  # it is being deleted
                    size += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                    images += entry.name.endswith(".jpg")
    return Usage(images, size)


def command_of(manifest: Manifest) -> str:
    """The command that made a dataset, with what differs from its defaults; only ``--out`` is left to say."""
    return shlex.join(["tfpt-tui", "prepare", *arguments_of(manifest)])


def arguments_of(manifest: Manifest) -> list[str]:
    """The words of that command behind its name."""
    request = manifest.request
    words = [str(request["source"]).removeprefix("folder ")]
    classes = MAX_CLASSES if request["source"] == "synthetic" else 0
    defaults: dict[str, object] = {"size": DEFAULT_SIZE, "limit": 0, "classes": classes, "reader": OWN_READER}
    is_folder = str(request["source"]).startswith("folder ")
    if request.get("seed", 0 if is_folder else DEFAULT_SEED) or not is_folder:  # a folder with its own split has 0
        defaults["seed"] = DEFAULT_SEED
    for option, default in defaults.items():
        value = request.get(option, default)
        if value != default:
            words += [f"--{option}", str(value)]
    if manifest.skipped:
        words.append("--skip-bad")
    return words


def show_bytes(size: float) -> str:
    """Bytes as ``64 kB``, ``246 MB`` or ``32.1 GB``."""
    if size >= 1e9:
        return f"{size / 1e9:,.1f} GB"
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def _used(paths: Paths) -> list[Path]:
    used = []
    for run in list_runs(paths)[:RECENT_RUNS]:
        try:
            used.append(Path(read_config(run).data))
        except TfptError:
            continue  # a run without valid configuration names no dataset
    return used


def _look_at(directory: Path) -> Dataset | None:
    try:
        return Dataset(directory, read_manifest(directory))
    except MissingError as error:
        if (directory / MARKER).exists():
            return Dataset(directory, None, UNFINISHED)
        return Dataset(directory, None, str(error)) if (directory / NAME).exists() else None
    except TfptError as error:
        return Dataset(directory, None, str(error))


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
