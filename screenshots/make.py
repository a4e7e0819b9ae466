"""Make the pictures of the README from recorded runs: ``python screenshots/make.py [RUNS_DIRECTORY]``."""

import asyncio
import sys
from pathlib import Path

from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.ui.app import TfptApp

HERE = Path(__file__).parent
# Screen by key, size in cells, and the file.
PICTURES = (
    ("3", (120, 36), "monitor.svg"),
    ("3", (80, 24), "monitor-80x24.svg"),
    ("4", (160, 24), "compare.svg"),
)
SETTLE_S = 3.0  # enough for the files to be read and painted


async def make(runs: str | None, key: str, size: tuple[int, int], name: str) -> None:
    app = TfptApp(find_paths(runs), UserSettings())
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await pilot.pause(SETTLE_S)
        (HERE / name).write_text(app.export_screenshot(title="tfpt-tui"), encoding="utf-8")


if __name__ == "__main__":
    for picture in PICTURES:
        asyncio.run(make(sys.argv[1] if len(sys.argv) > 1 else None, *picture))
