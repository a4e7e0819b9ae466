"""Make the pictures of the app, SVG and PNG, from recorded runs: ``python screenshots/make.py [RUNS_DIRECTORY]``.

Nothing is drawn by hand. The pictures show where the dataset lies: record with XDG_DATA_HOME=/data/share. A
picture whose screen does not show what it must is an error.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.segment import Segment
from textual.pilot import Pilot
from textual.strip import Strip

from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.ui.app import TfptApp

HERE = Path(__file__).parent
THEMES = ("tfpt-dark", "tfpt-light")
PATIENCE_S = 30.0
FIRST = ("CPU",)  # of the Monitor, before any key
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE = 9, 18, 15
# Of a braille letter's eight dots: column and row, in the order of its bits.
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


@dataclass(frozen=True)
class Picture:
    """``keys`` lead from the Monitor to the screen; it is there once it shows all of ``words``."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...]
    words: tuple[str, ...]


PICTURES = (
    Picture("monitor", (120, 36), ("k",), ("train loss by epoch", "CPU", "training")),
    Picture("monitor-80x24", (80, 24), ("k",), (" by ", "CPU")),
    Picture("hardware", (120, 36), ("k", "v"), ("CPU % by seconds", "worker memory GB")),
    Picture("prepare", (120, 36), ("1",), ("new dataset", "images", "class")),
    Picture("build", (120, 36), ("2",), ("presets", "most used", "[preset]")),
    Picture("compare", (120, 36), ("4",), ("time ratio", "verdict", "baseline")),
    Picture("compare-80x24", (80, 24), ("4",), ("as fast as", "images/s", "baseline")),
)


async def make(picture: Picture, theme: str, paths: Paths, directory: Path) -> None:
    """Write one picture in one theme as SVG and PNG."""
    app = TfptApp(paths, UserSettings(theme=theme))
    async with app.run_test(size=picture.size) as pilot:
        await _settled(pilot, FIRST)
        await pilot.press(*picture.keys)
        strips = await _settled(pilot, picture.words)
        name = f"{picture.name}-{theme.removeprefix('tfpt-')}"
        (directory / f"{name}.svg").write_text(app.export_screenshot(title="tfpt-tui"), encoding="utf-8")
        draw(strips, picture.size).save(directory / f"{name}.png", optimize=True)


async def _settled(pilot: Pilot[None], words: tuple[str, ...]) -> list[Strip]:
    """The lines of the screen once it shows all words and has not changed for a while."""
    deadline, before = time.monotonic() + PATIENCE_S, ""
    while True:
        await pilot.pause(1.0)
        strips = pilot.app.screen._compositor.render_strips()
        text = "\n".join(strip.text for strip in strips)
        if text == before and all(word in text for word in words):
            check_cells(strips, pilot.app.size.width)
            return strips
        if time.monotonic() > deadline:
            raise SystemExit(f"not all of {words} are on the screen:\n{text}")
        before = text


def check_cells(strips: list[Strip], columns: int) -> None:
    """Every line fills its columns, and every letter the cells that terminals give it."""
    for number, strip in enumerate(strips):
        if strip.cell_length != columns or cell_len(strip.text) != columns:
            raise SystemExit(f"line {number} has {cell_len(strip.text)} cells, not {columns}: {strip.text!r}")


def draw(strips: list[Strip], size: tuple[int, int]) -> Image.Image:
    """The cells on a grid, whatever a font thinks of their widths; braille as dots."""
    columns, rows = size
    image = Image.new("RGB", (columns * CELL_WIDTH, rows * CELL_HEIGHT))
    canvas = ImageDraw.Draw(image)
    fonts = {
        bold: ImageFont.truetype(FONTS / f"DejaVuSansMono{'-Bold' * bold}.ttf", FONT_SIZE)
        for bold in (False, True)
    }
    for row, strip in enumerate(strips):
        column = 0
        for segment in strip:
            ink, paper = _colours(segment)
            font = fonts[bool(segment.style and segment.style.bold)]
            for letter in segment.text:
                x, y = column * CELL_WIDTH, row * CELL_HEIGHT
                canvas.rectangle((x, y, x + CELL_WIDTH - 1, y + CELL_HEIGHT - 1), fill=paper)
                _draw_letter(canvas, letter, x, y, ink, font)
                column += cell_len(letter)
    return image


def _draw_letter(
    canvas: ImageDraw.ImageDraw,
    letter: str,
    x: int,
    y: int,
    ink: tuple[int, int, int],
    font: ImageFont.FreeTypeFont,
) -> None:
    if 0x2800 <= ord(letter) < 0x2900:
        for bit, (across, down) in enumerate(DOTS):
            if (ord(letter) - 0x2800) >> bit & 1:
                left, top = x + 1 + 4 * across, y + 2 + 4 * down
                canvas.rectangle((left, top, left + 2, top + 2), fill=ink)
    elif letter == "▀":
        canvas.rectangle((x, y, x + CELL_WIDTH - 1, y + CELL_HEIGHT // 2 - 1), fill=ink)
    elif letter != " ":
        canvas.text((x, y), letter, font=font, fill=ink)


def _colours(segment: Segment) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Of the letter and of its background."""
    style = segment.style
    ink = tuple(style.color.get_truecolor()) if style and style.color else (208, 208, 208)
    paper = tuple(style.bgcolor.get_truecolor()) if style and style.bgcolor else (0, 0, 0)
    if style and style.reverse:
        ink, paper = paper, ink
    return ink, paper  # type: ignore[return-value]


async def make_all(paths: Paths, directory: Path) -> None:
    for theme in THEMES:
        for picture in PICTURES:
            await make(picture, theme, paths, directory)


if __name__ == "__main__":
    asyncio.run(make_all(find_paths(sys.argv[1] if len(sys.argv) > 1 else None), HERE))
