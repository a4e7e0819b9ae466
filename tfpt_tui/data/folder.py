"""A folder of images by class: ``train/CLASS/*`` and ``test/CLASS/*``, or only ``CLASS/*``, split 5:1 by seed."""

from __future__ import annotations

import hashlib
import os
import random
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfpt_tui.data.manifest import SPLITS
from tfpt_tui.data.picture import SUFFIXES, is_picture, open_picture, suffix_of
from tfpt_tui.data.progress_log import Tell, tell_nobody
from tfpt_tui.data.source import DEFAULT_SEED, Group, Item, Source, as_text
from tfpt_tui.errors import MissingError, UsageError, cannot
from tfpt_tui.wording import first_few

if TYPE_CHECKING:
    from PIL.Image import Image

# Names of the two splits, in any case; of those of the test the first that is there. The others are left out.
TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "testing", "val", "valid", "validation", "eval", "dev")
# What macOS, Windows, storage boxes and editors leave; what begins with a dot is passed over without a word.
LITTER = frozenset(
    (
        *("__macosx", "icon\r"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("@eadir", "@recycle", "#recycle", "#snapshot", "lost+found", "@__thumb"),
        *("__pycache__", "node_modules"),
    )
)
DEEPEST, MOST_LOOKED_AT = 4, 2000  # levels and directories in which pictures are looked for that lie too deep
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
    splits = _find_splits(directory)
    if seed is not None and splits:
        raise UsageError(
            f"--seed: {directory} has a {splits['test']}/ of its own, so nothing is drawn; leave --seed out"
        )
    seed = DEFAULT_SEED if seed is None else seed
    left_out = LeftOut()
    listed = _by_class(directory, splits, seed, tell, left_out)
    names = sorted({name for split in SPLITS for name in listed[split]})
    if not names:
        raise MissingError(
            f"{directory}: no images in it: expected train/CLASS/* and test/CLASS/*, or CLASS/*"
            f" ({', '.join(suffix[1:] for suffix in SUFFIXES)}){left_out.found()}{_say_where_deeper(directory)}"
        )
    if len(names) < 2:
        raise UsageError(
            f"{directory}: only one class, {names[0]!r}: there is nothing to tell apart"
            f"{left_out.found()}{_say_where_deeper(directory)}"
        )
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
            "seed": 0 if splits else seed,
            "listing": _digest_of_names(groups, directory),
        },
        open_image=open_image,
        left_out=left_out.describe(),
        notes=(*_note_splits(splits), *_note_lookalikes(names)),
    )


def open_image(item: Item) -> Image:
    """The pixels of an item (:func:`open_picture`)."""
    return open_picture(item.origin)


class Listing(NamedTuple):
    """The names of the images in a class directory, sorted; ``prefix`` is its path with a slash."""

    prefix: str
    names: list[str]


@dataclass
class LeftOut:
    """What lies in the folder and becomes no image; hidden files are nobody's pictures."""

    other_kinds: Counter[str] = field(default_factory=Counter)
    litter: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    within_classes: int = 0
    without_images: list[str] = field(default_factory=list)
    beside_splits: list[str] = field(default_factory=list)

    def describe(self) -> tuple[str, ...]:
        """A line for each kind of it."""
        other, litter = self.other_kinds.total(), self.litter.total()
        lines = {
            f"files of other kinds ({first_few(sorted(self.other_kinds))}): {other:,}": other,
            f"litter of other programs ({first_few(sorted(self.litter))}): {litter:,}": litter,
            f"images outside of a class: {self.outside:,}": self.outside,
            f"directories within classes: {self.within_classes:,}": self.within_classes,
            f"directories without an image: {first_few(self.without_images)}": len(self.without_images),
            f"directories beside train/ and test/: {first_few(self.beside_splits)}": len(self.beside_splits),
        }
        return tuple(line for line, count in lines.items() if count)

    def found(self) -> str:
        """The same, to go on a refusal that it may be the reason of."""
        return "".join(f"; {line}" for line in self.describe())


def _find_splits(directory: Path) -> dict[str, str]:
    """The names of the directories of the two splits; none where the classes themselves lie in the folder.

    One that holds pictures and no directory is a class, whatever its name.

    Raises:
        UsageError: there is one of the two.
    """
    names, _ = _look_below(directory, LeftOut())
    found = {
        split: name
        for split, wanted in zip(SPLITS, (TRAIN_NAMES, TEST_NAMES), strict=True)
        if (name := _first_of(wanted, names, directory))
    }
    if len(found) == 1:
        (split, name) = next(iter(found.items()))
        other = "test" if split == "train" else "train"
        raise UsageError(
            f"{directory}: has no {other}/ with classes beside its other split, {name}/"
            f"{_say_what_is_beside(directory, names, name)}; give both, or have the split drawn:"
            f" name {directory / name} instead"
        )
    return found


def _first_of(wanted: Sequence[str], names: Sequence[str], directory: Path) -> str:
    """The directory that has the first of the wanted names, written so or otherwise, and is no class; or ""."""
    for name in wanted:
        for there in sorted((one for one in names if one.lower() == name), key=lambda one: one != name):
            below, images = _look_below(directory / there, LeftOut())
            if below or not images:
                return there
    return ""


def _say_what_is_beside(directory: Path, names: Sequence[str], split: str) -> str:
    others = [name for name in names if name != split]
    if not others:
        return ""
    flat = [f"{as_text(name)}/" for name in others if _look_below(directory / name, LeftOut())[1]]
    images = f", with images but without classes in {first_few(flat)}" if flat else ""
    return f" (there is {first_few([f'{as_text(name)}/' for name in others])}{images})"


def _note_splits(splits: Mapping[str, str]) -> list[str]:
    return [f"{name}/ was taken as {split}/" for split, name in splits.items() if name != split]


def _note_lookalikes(names: Sequence[str]) -> list[str]:
    """Classes whose names differ in what nobody sees: in capitals, or in how Unicode writes a letter."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_as_seen(name), []).append(name)
    return [
        f"classes whose names look alike: {' and '.join(map(ascii, group))}"
        for group in alike.values()
        if len(group) > 1
    ]


def _as_seen(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


def _by_class(
    directory: Path, splits: Mapping[str, str], seed: int, tell: Tell, left_out: LeftOut
) -> dict[str, dict[str, Listing]]:
    if not splits:
        return _split(_classes_in(directory, tell, left_out), seed)
    others, left_out.outside = _look_below(directory, left_out)
    left_out.beside_splits += [f"{as_text(name)}/" for name in others if name not in splits.values()]
    return {split: _classes_in(directory / splits[split], tell, left_out) for split in SPLITS}


def _classes_in(directory: Path, tell: Tell, left_out: LeftOut) -> dict[str, Listing]:
    """The images of each class directory that has some."""
    classes = {}
    listed = 0
    names, outside = _look_below(directory, left_out)
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


def _look_below(directory: Path, left_out: LeftOut) -> tuple[list[str], int]:
    """The directories in a directory, sorted, and the number of images that are in none of them."""
    names, images = [], 0
    with _shown(directory) as entries:
        for entry in entries:
            is_directory = entry.is_dir()
            if entry.name.lower() in LITTER:
                left_out.litter[as_text(entry.name) + "/" * is_directory] += 1
            elif is_directory:
                names.append(entry.name)
            else:
                images += is_picture(entry.name)
    return sorted(names), images


def _images_in(directory: Path, left_out: LeftOut) -> list[str]:
    images = []
    with _shown(directory) as entries:
        for entry in entries:
            # Unlike entry.is_dir, os.path.isdir has no error for a link that leads to itself.
            is_directory = os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()
            if entry.name.lower() in LITTER:
                left_out.litter[as_text(entry.name) + "/" * is_directory] += 1
            elif is_directory:
                left_out.within_classes += 1
            elif is_picture(entry.name):
                images.append(entry.name)
            else:
                left_out.other_kinds[suffix_of(as_text(entry.name))] += 1
    return images


def _say_where_deeper(directory: Path) -> str:
    """Where images are that lie deeper than those of a class, and what to name instead; "" without any."""
    place = _first_with_images(directory)
    if place is None:
        return ""
    classes = place.parent
    root = classes.parent if classes.name.lower() in (*TRAIN_NAMES, *TEST_NAMES) else classes
    return f"; images lie deeper, in {as_text(place)}: if that is a class, name {as_text(root)}"


def _first_with_images(directory: Path) -> Path | None:
    """The first directory more than one level below that has images, level by level."""
    level = [directory]
    looked_at = 0
    for depth in range(DEEPEST):
        below = []
        for place in level:
            names, images = _look_below(place, LeftOut())
            if images and depth > 1:
                return place
            below += [place / name for name in names]
            looked_at += 1
            if looked_at > MOST_LOOKED_AT:
                return None
        level = below
    return None


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
            alike = next((one for one in names if one != name and _as_seen(one) == _as_seen(name)), "")
            hint = f": {name!a} only looks like {alike!a}; rename one of them" if alike else ""
            raise UsageError(f"{directory}: class {name!r} has no training image{hint}")
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
