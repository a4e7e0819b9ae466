"""A contact sheet: sample pictures of a dataset as half blocks, two pixels a cell. No widget is known here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tfpt_tui.data.manifest import Manifest
from tfpt_tui.errors import printable

if TYPE_CHECKING:
    from PIL.Image import Image

SIDES = (32, 24, 16, 12)  # pixels of a picture, each way: two of them are as high as one is wide
ENOUGH = 8  # pictures; fewer are drawn larger only where there is no other way
TRIES = 5  # numbers that may be missing, as they were left out
HALF_BLOCK = "▀"


@dataclass(frozen=True)
class Grid:
    """So many pictures of ``side`` pixels ``across`` and ``down``; a caption stands below each."""

    side: int
    across: int
    down: int

    @property
    def pictures(self) -> int:
        return self.across * self.down


def fit(columns: int, rows: int) -> Grid | None:
    """The largest pictures of which there is room for enough, else for one; None where there is no room."""
    grids = [Grid(side, (columns + 1) // (side + 1), rows // (side // 2 + 1)) for side in SIDES]
    roomy = [grid for grid in grids if grid.pictures >= ENOUGH]
    some = [grid for grid in grids if grid.pictures and grid.side <= 16]
    return next(iter(roomy + some), None)


def draw_sheet(directory: Path, manifest: Manifest, grid: Grid) -> tuple[Strip, ...]:
    """Draw pictures of as many classes as there is room for; it reads files, so it belongs in a worker."""
    strips: list[Strip] = []
    chosen = choose(manifest.counts["train"], grid.pictures)
    for start in range(0, len(chosen), grid.across):
        row = chosen[start : start + grid.across]
        pictures = [_draw(directory / "train" / str(label), number, grid.side) for label, number in row]
        names = [printable(manifest.classes[label]) for label, _ in row]
        strips += [_beside(lines) for lines in zip(*pictures, strict=True)]
        strips.append(_beside([[Segment(set_cell_size(name, grid.side))] for name in names]))
    return tuple(strips)


def choose(counts: Sequence[int], pictures: int) -> list[tuple[int, int]]:
    """Label and number of the pictures: of labels spread over all, or of all labels in turn."""
    labels = len(counts)
    if labels >= pictures:
        return [(index * labels // pictures, 1) for index in range(pictures)]
    turns = -(-pictures // labels)
    spread = [
        (label, 1 + turn * count // turns)
        for turn in range(turns)
        for label, count in enumerate(counts)
        if turn < count
    ]
    return spread[:pictures]


def _draw(directory: Path, number: int, side: int) -> list[list[Segment]]:
    for path in (directory / f"{number + after}.jpg" for after in range(TRIES)):
        try:
            return half_blocks(_open(path, side))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, SyntaxError):
            return _words("cannot be read", side)
    return _words("is not there", side)


def _open(path: Path, side: int) -> Image:
    from PIL import Image

    try:
        with Image.open(path, formats=("JPEG",)) as image:
            image.draft("RGB", (side * 2, side * 2))
            return image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None


def half_blocks(image: Image) -> list[list[Segment]]:
    """Lines of cells: the foreground is the upper pixel of two, the background the lower one."""
    pixels = image.tobytes()
    row = image.width * 3
    return [
        [
            Segment(
                HALF_BLOCK,
                Style(color=_colour(pixels, upper + x * 3), bgcolor=_colour(pixels, upper + row + x * 3)),
            )
            for x in range(image.width)
        ]
        for upper in range(0, image.height // 2 * 2 * row, row * 2)
    ]


def _colour(pixels: bytes, at: int) -> str:
    return f"#{pixels[at : at + 3].hex()}"


def _words(text: str, side: int) -> list[list[Segment]]:
    """In the place of a picture."""
    lines = text.split() + [""] * side
    return [[Segment(set_cell_size(line, side))] for line in lines[: side // 2]]


def _beside(parts: Sequence[Sequence[Segment]]) -> Strip:
    segments: list[Segment] = []
    for part in parts:
        segments += [*part, Segment(" ")]
    return Strip(segments)
