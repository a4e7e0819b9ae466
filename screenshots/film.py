"""Film a newcomer's first session, live: ``python screenshots/film.py`` writes session.gif, in some minutes.

In an empty home one key starts the demo; the Monitor shows it, and at its end another key the answer. Nothing is
played: the frameworks train meanwhile. What is on the screen is taken once a second, and shown five times as fast.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from make import draw
from PIL import Image
from textual.pilot import Pilot
from textual.strip import Strip

from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.ui.app import TfptApp

HERE = Path(__file__).parent
SIZE = (100, 30)
EVERY_S, SHOWN_MS, READ_MS = 1.0, 200, 2500
LONGEST_S = 600.0
COLOURS = 48


@dataclass
class Film:
    """What was on the screen, for how many milliseconds each; drawn last, so that no run is disturbed."""

    screens: list[list[Strip]] = field(default_factory=list)
    shown_ms: list[int] = field(default_factory=list)
    _before: str = ""

    def take(self, strips: Sequence[Strip], shown_ms: int = SHOWN_MS) -> None:
        """Add a frame; one like that before it is shown for longer instead."""
        text = "\n".join(strip.text for strip in strips)
        if text == self._before:
            self.shown_ms[-1] = max(self.shown_ms[-1], shown_ms)
            return
        self._before = text
        self.screens.append(list(strips))
        self.shown_ms.append(shown_ms)

    def save(self, path: Path) -> None:
        # One palette for all: what is the same in two frames is stored once.
        frames = [draw(screen, SIZE) for screen in self.screens]
        palette = frames[-1].quantize(COLOURS)
        first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
        first.save(path, save_all=True, append_images=others, duration=self.shown_ms, loop=0, optimize=True)


async def film() -> Film:
    taken = Film()
    app = TfptApp(find_paths(), UserSettings())
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await _until(pilot, taken, "Try it")
        taken.take(_screen(pilot), READ_MS)
        await pilot.press("t")
        await _until(pilot, taken, "press 4")
        taken.take(_screen(pilot), READ_MS)
        await pilot.press("4")
        await _until(pilot, taken, "as fast as")
        taken.take(_screen(pilot), 3 * READ_MS)
    return taken


def _screen(pilot: Pilot[None]) -> list[Strip]:
    return pilot.app.screen._compositor.render_strips()


async def _until(pilot: Pilot[None], taken: Film, words: str) -> None:
    """Take a frame a second until the screen shows the words."""
    deadline = time.monotonic() + LONGEST_S
    while True:
        await pilot.pause(EVERY_S)
        strips = _screen(pilot)
        if words in "\n".join(strip.text for strip in strips):
            return
        taken.take(strips)
        if time.monotonic() > deadline:
            raise SystemExit(f"{words!r} does not come:\n" + "\n".join(strip.text for strip in strips))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {name: f"{home}/{name}" for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
        asyncio.run(film()).save(HERE / "session.gif")
