"""What every source of images offers to the preparation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

# The article's seed, and its directories of 500 training and 100 test images a class.
DEFAULT_SEED = 25


class Item(NamedTuple):
    """One image to make: ``DIR/split/label/number.jpg``; ``origin`` is what its source opens."""

    split: str
    label: int
    number: int
    origin: str

    @property
    def name(self) -> str:
        return f"{self.split}/{self.label}/{self.number}.jpg"


@dataclass(frozen=True)
class Source:
    """A list of images by split and class, and how to open one.

    ``open_image`` runs in other processes: it is a function of a module. It raises OSError or ValueError when
    an item is no image. ``request`` is all that decides the result; the same request gives the same images.
    """

    classes: tuple[str, ...]
    items: tuple[Item, ...]
    request: Mapping[str, Any]
    open_image: Callable[[Item], Image]
    notes: tuple[str, ...] = ()
