"""Datasets on the machine that executes a plan: found by what they hold, made there, or taken in."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from tfpt_tui.config.paths import Paths
from tfpt_tui.data.manifest import NAME, SPLITS, is_whole, read_manifest
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot
from tfpt_tui.files import last_line, scratch_directory
from tfpt_tui.own_process import own_command
from tfpt_tui.results.store.datasets import known_datasets

LOG = "prepare.log"


def find_dataset(name: str, digest: str, paths: Paths) -> Path | None:
    """The dataset with that digest: in this directory, which machines may share, or wherever it is known to be.

    Where no digest is given it is that of this directory, or else of its name; None where there is none.
    """
    own = digest_of(name)
    if own and digest in ("", own):
        return Path(name)
    known = known_datasets(paths)
    if digest:
        return next((path for path, found in known.items() if found.digest == digest), None)
    return next((path for path in known if path.name == Path(name).name), None)


def prepare_dataset(words: Sequence[str], paths: Paths) -> None:
    """Run ``tfpt-tui prepare`` with these words, into our own directory of datasets; the last is its name there.

    Raises:
        MissingError: it failed; its last line says why.
    """
    *options, name = words
    command = own_command("tfpt_tui", "prepare", *options, "--out", str(_place(name, paths)))
    paths.datasets.mkdir(parents=True, exist_ok=True)
    with scratch_directory(paths.datasets, LOG) as scratch:
        with (scratch / LOG).open("wb") as log:
            code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=log).returncode
        if code:
            raise MissingError(f"the dataset cannot be prepared there: {last_line(scratch / LOG)}")


def send_dataset(directory: Path, stream: BinaryIO) -> None:
    """Write the images and the manifest of a dataset to a stream.

    Raises:
        MissingError: they cannot be read, or nobody listens any more.
    """
    try:
        with tarfile.open(fileobj=stream, mode="w|") as tar:
            for name in (*SPLITS, NAME):
                tar.add(directory / name, name)
        stream.flush()
    except OSError as error:
        raise cannot("send the dataset", directory, error) from error


def receive_dataset(name: str, digest: str, stream: BinaryIO, paths: Paths) -> None:
    """Take a dataset in that :func:`send_dataset` writes: all of it, or nothing.

    Raises:
        UsageError: there is another dataset of that name.
        MissingError: it did not come whole, or cannot be written.
    """
    place = _place(name, paths)
    if place.exists():
        raise UsageError(f"{place}: is another dataset; rename one of them")
    try:
        paths.datasets.mkdir(parents=True, exist_ok=True)
        with scratch_directory(paths.datasets, name) as scratch:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                tar.extractall(scratch / name, filter="data")
            manifest = read_manifest(scratch / name)
            if manifest.digest != digest or not is_whole(scratch / name, manifest):
                raise MissingError(f"{name}: the dataset did not arrive whole; send it again")
            (scratch / name).rename(place)
    except tarfile.TarError:
        raise MissingError(f"{name}: the dataset did not arrive whole; send it again") from None
    except OSError as error:
        raise cannot("receive the dataset", place, error) from None


def digest_of(directory: str) -> str:
    """The digest of a dataset of this machine, "" where there is none in that place."""
    try:
        return read_manifest(Path(directory)).digest
    except TfptError:
        return ""


def _place(name: str, paths: Paths) -> Path:
    if not name or "/" in name or name.startswith("."):
        raise UsageError(f"{name!r} cannot be the name of a dataset")
    return paths.datasets / name
