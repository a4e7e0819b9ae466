"""A folder of images by class: ``train/CLASS/*`` and ``test/CLASS/*``, or only ``CLASS/*``, split 5:1 by seed."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfpt_tui.data.manifest import SPLITS
from tfpt_tui.data.progress_log import Tell, tell_nobody
from tfpt_tui.data.source import DEFAULT_SEED, Group, Item, Source, as_text
from tfpt_tui.errors import MissingError, UsageError, cannot
from tfpt_tui.wording import first_few

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
# What such files hold, whatever their names say. Not all that Pillow knows: for EPS it would run Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
# EXIF's orientations, and what makes a picture upright again.
ORIENTATION = 0x0112
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
TEST_SHARE = 6  # 5:1, as CIFAR's 50,000 to 10,000


def read_folder(
    directory: Path, *, limit: int = 0, classes: int = 0, seed: int | None = None, tell: Tell = tell_nobody
) -> Source:
    """List the images of a folder; class names sorted give labels 0 to n-1.

    ``limit`` keeps the first so many images of each class and split, ``classes`` the first so many classes;
    0 keeps all. ``seed`` is of the split, where the folder has none. ``tell`` is told before each class how many
    images are listed; what it raises ends the reading.

    Raises:
        MissingError: no such directory, one that cannot be read, or no image in it.
        UsageError: a layout, a class or a class name that cannot be used, or a seed for nothing.
    """
    try:
        return _read_folder(directory, limit, classes, seed, tell)
    except OSError as error:
        raise cannot("read the images", error.filename or directory, error) from None


def _read_folder(directory: Path, limit: int, classes: int, seed: int | None, tell: Tell) -> Source:
    if not directory.is_dir():
        raise MissingError(f"{directory}: no such directory of images")
    split_by_us = not any((directory / split).is_dir() for split in SPLITS)
    if seed is not None and not split_by_us:
        raise UsageError(f"--seed: {directory} has a test/ of its own, so nothing is drawn; leave --seed out")
    seed = DEFAULT_SEED if seed is None else seed
    left_out = LeftOut()
    listed = _by_class(directory, split_by_us, seed, tell, left_out)
    names = sorted({name for split in SPLITS for name in listed[split]})
    if not names:
        raise MissingError(
            f"{directory}: no images in it: expected train/CLASS/* and test/CLASS/*, or CLASS/*"
            f" ({', '.join(suffix[1:] for suffix in SUFFIXES)})"
        )
    if len(names) < 2:
        raise UsageError(f"{directory}: only one class, {names[0]!r}: there is nothing to tell apart")
    names = names[: classes or None]
    groups = tuple(
        Group(split, label, found.prefix, found.names[: limit or None])
        for split in SPLITS
        for label, name in enumerate(names)
        if (found := listed[split].get(name))
    )
    _check_classes(directory, names, groups)
    return Source(
        classes=tuple(names),
        groups=groups,
        request={
            "source": f"folder {as_text(directory.absolute())}",
            "limit": limit,
            "classes": classes,
            "seed": seed if split_by_us else 0,
            "listing": _digest_of_names(groups, directory),
        },
        open_image=open_image,
        left_out=left_out.describe(),
    )


def open_image(item: Item) -> Image:
    """Open and decode the image of an item, upright, in RGB. Raises OSError or ValueError when it is no image."""
    from PIL import Image, UnidentifiedImageError

    # A pipe would be waited for.
    if not stat.S_ISREG(os.stat(item.origin).st_mode):
        raise ValueError("not a file")
    try:
        with Image.open(item.origin, formats=FORMATS) as image:
            image.load()
            # Not ImageOps.exif_transpose: it writes EXIF data anew, and fails over tags that are none of ours.
            method = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
            return _as_rgb(image.transpose(Image.Transpose[method]) if method else image)
    except UnidentifiedImageError:
        raise ValueError("not an image") from None
    except Image.DecompressionBombError:
        raise ValueError("far too many pixels") from None
    except (SyntaxError, RuntimeError, AssertionError, struct.error) as error:
        # What Pillow raises for broken chunks and palettes of PNG files, and for broken EXIF data.
        raise ValueError(str(error) or "its data is broken") from None


def _as_rgb(image: Image) -> Image:
    if image.mode.startswith("I"):  # 16 bits: converted at once, all above 255 would be white
        image = image.convert("I").point(lambda level: level * (255 / 65535)).convert("L")
    return image.convert("RGB")


class Listing(NamedTuple):
    """The names of the images in a class directory, sorted; ``prefix`` is its path with a slash."""

    prefix: str
    names: list[str]


@dataclass
class LeftOut:
    """What lies in the folder and becomes no image; hidden files are nobody's pictures."""

    other_kinds: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    within_classes: int = 0
    without_images: list[str] = field(default_factory=list)
    beside_splits: list[str] = field(default_factory=list)

    def describe(self) -> tuple[str, ...]:
        """A line for each kind of it."""
        other = self.other_kinds.total()
        lines = {
            f"files of other kinds ({first_few(sorted(self.other_kinds))}): {other:,}": other,
            f"images outside of a class: {self.outside:,}": self.outside,
            f"directories within classes: {self.within_classes:,}": self.within_classes,
            f"directories without an image: {first_few(self.without_images)}": len(self.without_images),
            f"directories beside train/ and test/: {first_few(self.beside_splits)}": len(self.beside_splits),
        }
        return tuple(line for line, count in lines.items() if count)


def _by_class(
    directory: Path, split_by_us: bool, seed: int, tell: Tell, left_out: LeftOut
) -> dict[str, dict[str, Listing]]:
    if split_by_us:
        return _split(_classes_in(directory, tell, left_out), seed)
    for split in SPLITS:
        if not (directory / split).is_dir():
            raise UsageError(f"{directory}: has no {split}/ beside its other split; give both or neither")
    others, left_out.outside = _look_below(directory)
    left_out.beside_splits += [f"{as_text(name)}/" for name in others if name not in SPLITS]
    return {split: _classes_in(directory / split, tell, left_out) for split in SPLITS}


def _classes_in(directory: Path, tell: Tell, left_out: LeftOut) -> dict[str, Listing]:
    """The images of each class directory that has some."""
    classes = {}
    listed = 0
    names, outside = _look_below(directory)
    left_out.outside += outside
    for name in names:
        tell("reading", listed, 0)
        images = _images_in(directory / name, left_out)
        listed += len(images)
        if images:
            classes[_utf8(name, directory)] = Listing(f"{directory}/{name}/", sorted(images))
        else:
            left_out.without_images.append(f"{as_text(name)}/")
    return classes


def _look_below(directory: Path) -> tuple[list[str], int]:
    """The directories in a directory, sorted, and the number of images that are in none of them."""
    names, images = [], 0
    with _shown(directory) as entries:
        for entry in entries:
            if entry.is_dir():
                names.append(entry.name)
            else:
                images += entry.name.lower().endswith(SUFFIXES)
    return sorted(names), images


def _images_in(directory: Path, left_out: LeftOut) -> list[str]:
    images = []
    with _shown(directory) as entries:
        for entry in entries:
            if entry.name.lower().endswith(SUFFIXES):
                images.append(entry.name)
            elif os.path.isdir(entry.path):  # unlike entry.is_dir, no error for a link that leads to itself
                left_out.within_classes += 1
            else:
                left_out.other_kinds[as_text(os.path.splitext(entry.name)[1].lower()) or "no suffix"] += 1
    return images


@contextmanager
def _shown(directory: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """The entries of a directory that are not hidden."""
    with os.scandir(directory) as entries:
        yield (entry for entry in entries if entry.name[0] != ".")


def _utf8(name: str, directory: Path) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            f"{directory}: the class directory {os.fsencode(name)!r} has a name that is not UTF-8; rename it"
        ) from None
    return name


def _split(classes: dict[str, Listing], seed: int) -> dict[str, dict[str, Listing]]:
    """Draw every sixth image of a class for the test, at least one where there are two, by seed and class."""
    train, test = {}, {}
    for name, (prefix, images) in classes.items():
        wanted = max(round(len(images) / TEST_SHARE), 1) if len(images) > 1 else 0
        drawn = set(random.Random(f"{seed}:{name}").sample(range(len(images)), wanted))
        train[name] = Listing(prefix, [image for index, image in enumerate(images) if index not in drawn])
        test[name] = Listing(prefix, [image for index, image in enumerate(images) if index in drawn])
    return {"train": train, "test": test}


def _check_classes(directory: Path, names: list[str], groups: Sequence[Group]) -> None:
    trained = {group.label for group in groups if group.split == "train" and group.names}
    for label, name in enumerate(names):
        if label not in trained:
            raise UsageError(f"{directory}: class {name!r} has no training image")
    if not any(group.split == "test" and group.names for group in groups):
        raise UsageError(f"{directory}: no class has a test image: nothing could be evaluated")


def _digest_of_names(groups: Sequence[Group], directory: Path) -> str:
    digest = hashlib.sha256()
    for group in groups:
        folder = os.path.relpath(group.prefix, directory)
        for number, name in enumerate(group.names, start=1):
            item = Item(group.split, group.label, number, "")
            digest.update(os.fsencode(f"{item.name} {folder}/{name}\n"))
    return digest.hexdigest()[:16]
