"""A folder of images by class: ``train/CLASS/*`` and ``test/CLASS/*``, or only ``CLASS/*``, split 5:1 by seed."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_tui.data.manifest import SPLITS
from tfpt_tui.data.source import DEFAULT_SEED, Item, Source
from tfpt_tui.errors import MissingError, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
TEST_SHARE = 6  # 5:1, as CIFAR's 50,000 to 10,000


def read_folder(directory: Path, *, limit: int = 0, classes: int = 0, seed: int = DEFAULT_SEED) -> Source:
    """List the images of a folder; class names sorted give labels 0 to n-1.

    ``limit`` keeps the first so many images of each class and split, ``classes`` the first so many classes;
    0 keeps all.

    Raises:
        MissingError: no such directory, or no image in it.
        UsageError: a layout, a class or a class name that cannot be used.
    """
    if not directory.is_dir():
        raise MissingError(f"{directory}: no such directory of images")
    split_by_us = not any((directory / split).is_dir() for split in SPLITS)
    listed = _by_class(directory, split_by_us, seed)
    names = sorted({name for split in SPLITS for name in listed[split]})
    if not names:
        raise MissingError(
            f"{directory}: no images in it: expected train/CLASS/* and test/CLASS/*, or CLASS/*"
            f" ({', '.join(suffix[1:] for suffix in SUFFIXES)})"
        )
    if len(names) < 2:
        raise UsageError(f"{directory}: only one class, {names[0]!r}: there is nothing to tell apart")
    names = names[: classes or None]
    items = []
    for split in SPLITS:
        for label, name in enumerate(names):
            paths = listed[split].get(name, [])[: limit or None]
            items += [Item(split, label, number, path) for number, path in enumerate(paths, start=1)]
    _check_classes(directory, names, items)
    return Source(
        classes=tuple(names),
        items=tuple(items),
        request={
            "source": f"folder {directory.absolute()}",
            "limit": limit,
            "classes": classes,
            "seed": seed if split_by_us else 0,
            "listing": _digest_of_names(items, directory),
        },
        open_image=open_image,
    )


def open_image(item: Item) -> Image:
    """Open and decode the image of an item, upright. Raises OSError or ValueError when it is no image."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(item.origin) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ValueError("not an image") from None
    except (Image.DecompressionBombError, SyntaxError) as error:
        # Pillow raises SyntaxError for a broken PNG chunk.
        raise ValueError(str(error)) from None


def _by_class(directory: Path, split_by_us: bool, seed: int) -> dict[str, dict[str, list[str]]]:
    if split_by_us:
        return _split(_classes_in(directory), seed)
    for split in SPLITS:
        if not (directory / split).is_dir():
            raise UsageError(f"{directory}: has no {split}/ beside its other split; give both or neither")
    return {split: _classes_in(directory / split) for split in SPLITS}


def _classes_in(directory: Path) -> dict[str, list[str]]:
    """The image paths of each class directory, sorted by name."""
    classes = {}
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir() and entry.name[0] != ".")
    for name in names:
        with os.scandir(directory / name) as entries:
            images = [
                entry.path for entry in entries if entry.name.lower().endswith(SUFFIXES) and entry.name[0] != "."
            ]
        if images:
            classes[_utf8(name, directory)] = sorted(images)
    return classes


def _utf8(name: str, directory: Path) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            f"{directory}: the class directory {os.fsencode(name)!r} has a name that is not UTF-8; rename it"
        ) from None
    return name


def _split(classes: dict[str, list[str]], seed: int) -> dict[str, dict[str, list[str]]]:
    """Draw every sixth image of a class for the test, at least one where there are two, by seed and class."""
    train, test = {}, {}
    for name, paths in classes.items():
        wanted = max(round(len(paths) / TEST_SHARE), 1) if len(paths) > 1 else 0
        drawn = set(random.Random(f"{seed}:{name}").sample(range(len(paths)), wanted))
        train[name] = [path for index, path in enumerate(paths) if index not in drawn]
        test[name] = [path for index, path in enumerate(paths) if index in drawn]
    return {"train": train, "test": test}


def _check_classes(directory: Path, names: list[str], items: list[Item]) -> None:
    trained = {item.label for item in items if item.split == "train"}
    for label, name in enumerate(names):
        if label not in trained:
            raise UsageError(f"{directory}: class {name!r} has no training image")
    if not any(item.split == "test" for item in items):
        raise UsageError(f"{directory}: no class has a test image: nothing could be evaluated")


def _digest_of_names(items: list[Item], directory: Path) -> str:
    names = hashlib.sha256()
    for item in items:
        names.update(os.fsencode(f"{item.name} {os.path.relpath(item.origin, directory)}\n"))
    return names.hexdigest()[:16]
