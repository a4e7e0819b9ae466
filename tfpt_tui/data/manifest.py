"""``manifest.toml``: what a prepared dataset holds. It is written last, so a dataset that has one is complete."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.documents import Value
from tfpt_tui.errors import MissingError, UsageError, cannot

NAME = "manifest.toml"
MARKER = ".preparing.toml"  # stands in the directory from the first file to the manifest
SCHEMA = 1
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Manifest:
    """``counts[split]`` is the number of images of each class, in label order.

    ``request`` is what was requested: the same one finds the same dataset again. ``skipped`` are
    files that are no images, ``left_out`` says what else of the source became none.
    """

    classes: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    image: Mapping[str, Value]
    request: Mapping[str, Value]
    digest: str
    skipped: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def total(self, split: str) -> int:
        return sum(self.counts[split])

    def write(self, directory: Path) -> None:
        document = {
            "schema": SCHEMA,
            "source": self.request["source"],
            "digest": self.digest,
            "classes": self.classes,
            "image": self.image,
            "request": self.request,
            "totals": {split: self.total(split) for split in SPLITS},
            "counts": {split: dict(zip(self.classes, self.counts[split], strict=True)) for split in SPLITS},
            "skipped": self.skipped,
            "left_out": self.left_out,
        }
        write_toml(directory / NAME, document, durable=True)  # all that was made hangs on it


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a prepared dataset.

    Raises:
        MissingError: no such directory, an empty one, or one that was not prepared.
        UsageError: the manifest is broken.
    """
    path = directory / NAME
    try:
        if not path.is_file():
            raise MissingError(f"{directory}: {_why_no_dataset(directory)}")
    except OSError as error:  # a name that is too long, a directory that may not be looked into
        raise cannot("read the dataset", directory, error) from None
    document = read_toml(path)
    try:
        width, height = document["image"]["width"], document["image"]["height"]
        document["request"]["source"]  # everybody reads it
        if not isinstance(document["request"], dict) or not (type(width) is type(height) is int):
            raise ValueError("request or image")
        return Manifest(
            classes=tuple(document["classes"]),
            counts={
                split: tuple(int(document["counts"][split][name]) for name in document["classes"])
                for split in SPLITS
            },
            image=document["image"],
            request=document["request"],
            digest=document["digest"],
            skipped=tuple(document.get("skipped", ())),
            left_out=tuple(map(str, document.get("left_out", ()))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path}: not a manifest of tfpt-tui: {error} is missing or wrong; choose another directory,"
            " or delete this one and prepare the dataset anew"
        ) from None


def check_labels(directory: Path, manifest: Manifest) -> None:
    """Refuse a dataset with label directories that its manifest does not know, before anything is started.

    Raises:
        UsageError: a directory beyond the labels of the manifest.
        MissingError: a split cannot be read.
    """
    known = {str(label) for label in range(len(manifest.classes))}
    for split in SPLITS:
        try:
            unknown = sorted(set(label_names(directory / split)) - known)
        except OSError as error:
            raise cannot("read the dataset", directory / split, error) from None
        if unknown:
            last = len(known) - 1
            raise UsageError(
                f"{directory / split / unknown[0]}: not among the labels 0 to {last} of {NAME}; remove it"
            )


def label_names(split: Path) -> list[str]:
    """The names of the directories of a split, but for hidden ones, which file managers leave. Raises OSError."""
    with os.scandir(split) as entries:
        return [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]


def is_whole(directory: Path, manifest: Manifest) -> bool:
    """Whether there are as many images as the manifest promises, of each class; a power cut leaves empty files."""
    return all(
        _count_images(directory / split / str(label)) >= promised
        for split in SPLITS
        for label, promised in enumerate(manifest.counts[split])
    )


def _count_images(directory: Path) -> int:
    try:
        with os.scandir(directory) as entries:
            return sum(entry.name.endswith(".jpg") and entry.stat().st_size > 0 for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _why_no_dataset(directory: Path) -> str:
    make_one = "make one with: tfpt-tui prepare"
    if not directory.exists():
        return f"no such dataset directory; {make_one}"
    if not directory.is_dir():
        return f"not a directory; {make_one}"
    if not any(directory.iterdir()):
        return f"the dataset directory is empty; {make_one}"
    if (directory / MARKER).exists():
        return "its preparation did not come to its end; repeat it: tfpt-tui prepare, with the same --out"
    return (
        f"not a prepared dataset: it has no {NAME}; if it is a folder of pictures, prepare them first: tfpt-tui"
        f" prepare {shlex.quote(str(directory))} --out DIR"
    )


def last_change(directory: Path) -> int:
    """When a picture of the dataset came, went or was moved last (ns, by the file system's clock); 0 if unknown.

    Directories tell it: looking at every picture would take long.
    """
    try:
        splits = [entry.path for entry in os.scandir(directory) if entry.is_dir()]
        labels = [entry.path for split in splits for entry in os.scandir(split) if entry.is_dir()]
        return max((os.stat(place).st_mtime_ns for place in (*splits, *labels)), default=0)
    except OSError:
        return 0
