"""What the terminal shows: only what differs from it is written.

Textual paints a screen anew when the layout changes, and again for what asked to be refreshed meanwhile: the same
8 kB two or three times for one key, which a slow link has to carry.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip

# Where it goes, as row and column, and what.
Piece = tuple[int, int, Strip]
UNKNOWN = "\ufffd"  # nothing of ours has no style


class Pieces(CompositorUpdate):
    """Parts of rows, each at its place."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces

    def render_segments(self, console: Console) -> str:
        return "".join(Control.move_to(x, y).segment.text + strip.render(console) for y, x, strip in self.pieces)


class Painted:
    """The rows that were written last."""

    def __init__(self) -> None:
        self._rows: dict[int, Strip] = {}
        self._unknown = Strip([])
        self._whose: tuple[Screen[object], Size] | None = None

    def forget(self) -> None:
        """What the terminal shows is not known."""
        self._whose = None

    def differences(self, update: LayoutUpdate | ChopsUpdate, screen: Screen[object], size: Size) -> Pieces | None:
        """The parts of an update that are not shown yet, if any; all of it on another screen than the last.

        That way a screen that something else has written into is whole again after any key that changes screens.
        """
        if self._whose != (screen, size):
            self._rows, self._unknown = {}, Strip([Segment(UNKNOWN * size.width)])
            self._whose = (screen, size)
        pieces = [piece for one in _pieces(update) for piece in self._keep(*one)]
        return Pieces(pieces) if pieces else None

    def _keep(self, y: int, x: int, strip: Strip) -> Iterator[Piece]:
        """Keep what is shown from now on at a place, and give the part of it that was not."""
        row, end = self._rows.get(y, self._unknown), x + strip.cell_length
        shown = row.crop(x, end).simplify()
        strip = strip.simplify()
        if shown != strip:
            self._rows[y] = Strip.join([row.crop(0, x), strip, row.crop(end)])
            yield y, *_trim(shown, strip, x)


def _trim(shown: Strip, strip: Strip, x: int) -> tuple[int, Strip]:
    """Where a strip differs from what is shown at its place, and what of it, in whole segments."""
    old, new = list(shown), list(strip)
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        x += new[first].cell_length
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    return x, Strip(new[first : len(new) - last])


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[Piece]:
    """An update as Textual would write it."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, Strip.join(strips)
        return
    for y, first, end in update.spans:
        for chop_end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= end and chop_end > first:
                yield y, x, strip.crop(0, min(chop_end, end) - x)
