"""What of a directory is a dataset of ours, whole or begun, and how another one takes its place.

Nothing is removed that :mod:`tfpt_tui.data.prepare` has not made, and no dataset before the new one is complete.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfpt_tui.config.toml import read_toml
from tfpt_tui.data import manifest as manifests
from tfpt_tui.data.manifest import SPLITS, check_labels, read_manifest
from tfpt_tui.errors import UsageError

MARKER = ".preparing.toml"  # stands in the directory from the first file to the manifest
BESIDE = ".new"  # within the directory of a dataset: the one that is to take its place
OLD = ".old"  # within BESIDE, for a moment
LISTING = "listing"  # the key of a request that stands for the files of a folder


def begun(directory: Path) -> dict[str, Any] | None:
    """The request of an unfinished preparation, None where there is none.

    Raises:
        UsageError: the file in its place is none of ours.
    """
    path = directory / MARKER
    if not path.exists():
        return None
    request = read_toml(path)
    if not {"source", "size", "quality"} <= request.keys():
        raise UsageError(f"{path}: was not written by tfpt-tui prepare; choose another directory")
    return request


def holds_dataset(directory: Path) -> bool:
    """Whether a complete dataset of ours is in the directory.

    Raises:
        UsageError: there is a manifest of something else, or a directory among the labels that is none.
    """
    if not (directory / manifests.NAME).exists():
        return False
    manifest = read_manifest(directory)
    if all((directory / split).is_dir() for split in SPLITS):
        check_labels(directory, manifest)
    return True


def is_ours(directory: Path) -> bool:
    """Whether a dataset of ours is in the directory, whole or begun. Raises UsageError as the two above."""
    return holds_dataset(directory) or begun(directory) is not None


def has_changed(directory: Path, request: Mapping[str, Any]) -> bool:
    """Whether this very preparation was begun when its folder had other files, which numbers images otherwise."""
    there = begun(directory)
    return there is not None and {**there, LISTING: request.get(LISTING)} == request != there


def clear_other(directory: Path, request: Mapping[str, Any]) -> None:
    """Remove what was begun, or is whole, for another request than this one."""
    if begun(directory) not in (None, request) or (
        holds_dataset(directory) and read_manifest(directory).request != request
    ):
        # The manifest goes first: what is left after an interruption must not look complete.
        for name in (manifests.NAME, MARKER):
            (directory / name).unlink(missing_ok=True)
        for split in SPLITS:
            shutil.rmtree(directory / split, ignore_errors=True)


def put_in_place(directory: Path) -> None:
    """Let the complete dataset beside it take the place of the one that is there.

    The manifest comes last and at once: at any moment the directory has one, and so is known as ours.
    """
    beside = directory / BESIDE
    shutil.rmtree(beside / OLD, ignore_errors=True)  # of one that was interrupted here
    (beside / OLD).mkdir()
    for split in SPLITS:
        if (beside / split).exists():
            if (directory / split).exists():
                os.rename(directory / split, beside / OLD / split)
            os.rename(beside / split, directory / split)
    os.replace(beside / manifests.NAME, directory / manifests.NAME)
    (directory / MARKER).unlink(missing_ok=True)
    shutil.rmtree(beside)


def difference(there: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """In which values two requests differ."""
    keys = [key for key in asked if there.get(key) != asked[key]]
    return ", ".join(
        "made when its folder had other files"
        if key == LISTING
        else f"{key} is {there.get(key)!r}, asked for {asked[key]!r}"
        for key in keys
    )
