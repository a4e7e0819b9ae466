"""The images of a prepared dataset, listed and checked against its manifest."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import MissingError, UsageError


@dataclass(frozen=True)
class Images:
    """Paths and labels of one split, ordered by label and number: the same on every machine.

    ``directory`` is that of the split, ``side`` the pixels of a side of every image in it, ``digest`` that of the
    dataset.
    """

    paths: tuple[str, ...]
    labels: tuple[int, ...]
    classes: int
    directory: str
    side: int
    digest: str

    def __len__(self) -> int:
        return len(self.paths)

    def pick(self, indices: Sequence[int]) -> Images:
        """Only these, in this order."""
        paths = tuple(self.paths[index] for index in indices)
        return dataclasses.replace(self, paths=paths, labels=tuple(self.labels[index] for index in indices))


@dataclass(frozen=True)
class Dataset:
    classes: int
    train: Images
    test: Images


def list_dataset(directory: Path) -> Dataset:
    """List a dataset that ``tfpt-tui prepare`` made.

    Raises:
        MissingError: no such dataset, or images that its manifest counts are not there.
        UsageError: more labels or images than the manifest says.
    """
    try:
        manifest = tomllib.loads((directory / "manifest.toml").read_text(encoding="utf-8"))
    except OSError:
        raise MissingError(f"{directory}: not a prepared dataset: it has no manifest.toml") from None
    classes = len(manifest["classes"])
    side = int(manifest["image"]["width"])  # a prepared image is a square
    splits = {
        split: _list_split(directory / split, classes, side, manifest["digest"]) for split in ("train", "test")
    }
    for split, images in splits.items():
        wanted = manifest["totals"][split]
        if len(images) < wanted:
            raise MissingError(f"{directory}/{split}: {wanted - len(images)} of {wanted} images are not there")
        if len(images) > wanted:
            raise UsageError(f"{directory}/{split}: {len(images)} images, but manifest.toml counts {wanted}")
    return Dataset(classes, splits["train"], splits["test"])


def check_labels(images: Images) -> None:
    """Refuse a split without images of every class, where labels are numbered as the directories are found.

    Raises:
        UsageError: a class has none.
    """
    missing = sorted(set(range(images.classes)) - set(images.labels))
    if missing:
        raise UsageError(
            f"{images.directory}: no images of label {missing[0]}: the loaders of track=documented would number"
            " the classes of training and test differently; choose another track"
        )


def whole_batches(config: RunConfig, images: int) -> int:
    """Training steps of an epoch: whole batches only, so that nothing is compiled for a last, shorter one.

    Raises:
        UsageError: there is not one whole batch.
    """
    steps = images // config.batch_size
    if not steps:
        raise UsageError(
            f"batch_size={config.batch_size}: more than the {images} training images of {config.data}"
        )
    return min(steps, config.max_steps or steps)


def _list_split(directory: Path, classes: int, side: int, digest: str) -> Images:
    paths: list[str] = []
    labels: list[int] = []
    for label in _labels(directory, classes):
        with os.scandir(directory / str(label)) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(".jpg")]
        names.sort(key=lambda name: (len(name), name))  # 2.jpg before 10.jpg
        paths += [f"{directory}/{label}/{name}" for name in names]
        labels += [label] * len(names)
    return Images(tuple(paths), tuple(labels), classes, str(directory), side, digest)


def _labels(directory: Path, classes: int) -> list[int]:
    """The label directories, but for hidden ones, which file managers leave. A label is the name of its directory,
    as in the article.
    """
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError as error:
        raise MissingError(f"{directory}: cannot be read: {error.strerror}") from None
    for name in names:
        if not name.isdecimal() or int(name) >= classes:
            raise UsageError(f"{directory}/{name}: not among the labels 0 to {classes - 1} of manifest.toml")
    return sorted(int(name) for name in names)
