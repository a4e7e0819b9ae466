"""What of a directory is a dataset of ours, whole or begun, and how another one takes its place.

Nothing is removed that :mod:`tfpt_tui.data.prepare` has not made, and no dataset before the new one is complete.
The new one is made in ``.new``. When it is, the old manifest goes first: from there on the directory holds no
dataset, until the new manifest is in its place, and whatever interrupts us, the next call goes on.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.toml import read_toml
from tfpt_tui.data.manifest import MARKER, NAME, SPLITS, Manifest, read_manifest
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError
from tfpt_tui.files import PACK

BESIDE = ".new"  # within the directory of a dataset: the one that is to take its place
OLD = ".old"  # what it takes the place of, until it is deleted
LISTING = "listing"  # the key of a request that stands for the files of a folder


@dataclass(frozen=True)
class Found:
    """What a directory holds of ours: the request of what was ``begun``, the ``manifest`` of what is complete.

    ``foreign`` says that there is something, and nothing of ours.
    """

    begun: Mapping[str, Value] | None = None
    manifest: Manifest | None = None
    foreign: bool = False

    def is_of(self, request: Mapping[str, Value]) -> bool:
        """Whether it is the dataset that is asked for, complete or not."""
        there = self.manifest.request if self.manifest else self.begun
        return there == request

    def has_changed(self, request: Mapping[str, Value]) -> bool:
        """Whether it was begun when the same folder had other files, which numbers its images otherwise."""
        there = None if self.manifest else self.begun
        return there is not None and {**there, LISTING: request.get(LISTING)} == request != there


def look(directory: Path) -> Found:
    """What is in the directory.

    Raises:
        UsageError: a file is in the place of our manifest or marker that is none.
    """
    if (directory / NAME).exists():
        return Found(manifest=read_manifest(directory))
    if (begun := _read_marker(directory / MARKER)) is not None:
        return Found(begun)
    replaced = any((directory / BESIDE / name).exists() for name in (NAME, MARKER))
    return Found(foreign=not replaced and any(directory.iterdir()))


def _read_marker(path: Path) -> dict[str, Value] | None:
    if not path.exists():
        return None
    request = read_toml(path)
    # A power cut may leave it without content.
    if request and not {"source", "size", "quality"} <= request.keys():
        raise UsageError(f"{path}: was not written by tfpt-tui prepare; choose another directory")
    return request


def clear(directory: Path) -> None:
    """Remove the dataset of ours that is in the directory, whole or begun.

    Raises:
        UsageError: among its images is something that we have not made.
    """
    check_images(directory)
    # The manifest goes first: what is left after an interruption must not look complete.
    for name in (NAME, MARKER):
        (directory / name).unlink(missing_ok=True)
    _remove_packs(directory)
    for split in SPLITS:
        _remove(directory / split)


def put_in_place(directory: Path) -> None:
    """Let the complete dataset beside it take the place of the one that is there."""
    (directory / NAME).unlink()
    _remove_packs(directory)
    go_on(directory)


def _remove_packs(directory: Path) -> None:
    """The decoded images of a dataset that goes: nobody would use them again."""
    for pack in directory.glob(f"*{PACK}"):
        pack.unlink(missing_ok=True)


def go_on(directory: Path) -> None:
    """Finish what was interrupted of :func:`put_in_place`, if anything was."""
    beside, old = directory / BESIDE, directory / OLD
    if (beside / NAME).exists() and not (directory / NAME).exists():
        old.mkdir(exist_ok=True)
        for split in SPLITS:
            if (beside / split).exists():
                if (directory / split).exists():
                    os.rename(directory / split, old / split)
                os.rename(beside / split, directory / split)
        (directory / MARKER).unlink(missing_ok=True)
        os.rename(beside / NAME, directory / NAME)
    if (directory / NAME).exists():  # else it is nothing of ours
        for split in SPLITS:
            _remove(old / split)
    for emptied in (old, beside):
        with suppress(OSError):
            emptied.rmdir()


def check_images(directory: Path) -> None:
    """Refuse to replace a dataset with something among its images that we have not made.

    Raises:
        UsageError: the line names it.
    """
    for split in SPLITS:
        for label in _entries(directory / split):
            if not (label.name.isdecimal() and label.is_dir(follow_symlinks=False)):
                raise _not_ours(label.path)
            for image in _entries(Path(label.path)):
                # Earlier versions gave images a temporary name first, which a kill left behind.
                if not re.fullmatch(r"\d+\.jpg(\.[0-9a-f]{16}\.tmp)?", image.name):
                    raise _not_ours(image.path)


def difference(there: Mapping[str, Value], wanted: Mapping[str, Value]) -> str:
    """In what two requests differ, as a user says it."""
    if there.get("source") != wanted["source"]:
        return f"made from {there.get('source')}"
    keys = [key for key in wanted if there.get(key) != wanted[key]]
    reasons = {LISTING: "made when its folder had other files", "archive_md5": "made from another archive"}
    return ", ".join(
        reasons.get(key) or f"{key} {_shown(there, key)}, asked for {_shown(wanted, key)}" for key in keys
    )


def _shown(request: Mapping[str, Value], key: str) -> str:
    value = request.get(key)
    return "all" if not value and key in ("limit", "classes") else str(value)


def _not_ours(path: str) -> UsageError:
    return UsageError(f"{path}: was not made by tfpt-tui prepare; move it away, or choose another directory")


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _remove(directory: Path) -> None:
    """Of a link to a directory elsewhere, the link alone."""
    if directory.is_symlink():
        directory.unlink()
    elif directory.exists():
        shutil.rmtree(directory)
