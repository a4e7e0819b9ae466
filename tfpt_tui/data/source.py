"""What every source of images offers to the preparation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tfpt_tui.documents import Value

if TYPE_CHECKING:
    from PIL.Image import Image

# The article's seed, and its directories of 500 training and 100 test images a class.
DEFAULT_SEED = 25


def as_text(path: str | os.PathLike[str]) -> str:
    """The path as text that can be written and read again: bytes that are not UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class Item(NamedTuple):
    """One image to make: ``DIR/split/label/number.jpg``; ``origin`` is what its source opens."""

    split: str
    label: int
    number: int
    origin: str

    @property
    def name(self) -> str:
        return f"{self.split}/{self.label}/{self.number}.jpg"


class Group(NamedTuple):
    """The images of one class and split, in order: the origin of each is ``prefix`` and its name.

    They are kept as names, and made items one by one: a folder may hold millions.
    """

    split: str
    label: int
    prefix: str
    names: Sequence[str]


@dataclass(frozen=True)
class Source:
    """Images by split and class, and how to open one; iterating yields their items.

    ``open_image`` gives the pixels in RGB. It runs in processes forked from ours, so it may hold them all itself.
    It raises OSError or ValueError when an item is no image. ``request`` is all that decides the result; the same
    request gives the same images. ``left_out`` says what lies in the source and becomes no image, ``notes`` how it
    was understood.
    """

    classes: tuple[str, ...]
    groups: tuple[Group, ...]
    request: Mapping[str, Value]
    open_image: Callable[[Item], Image]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(group.names) for group in self.groups)

    def __iter__(self) -> Iterator[Item]:
        for group in self.groups:
            for number, name in enumerate(group.names, start=1):
                yield Item(group.split, group.label, number, group.prefix + name)
