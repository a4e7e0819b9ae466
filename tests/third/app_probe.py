"""Run in a copy of the package with a third framework: drives the app over recorded runs of all three."""

import asyncio

from textual.widgets import Input

from tests.ui.driving import shows
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import load_settings
from tfpt_tui.ui.app import TfptApp


class BuildApp(TfptApp):
    DEFAULT_MODE = "build"


async def main():
    paths = find_paths()
    settings = load_settings(paths.settings)
    async with BuildApp(paths, settings).run_test(size=(200, 60)) as pilot:
        await shows(pilot, "three", "batch_size")
        field = pilot.app.screen.query_one("#field-framework", Input)
        field.focus()
        field.value = "numpy, tensorflow"
        await shows(pilot, "NumPy", "TensorFlow")
        field.value = "nunpy"
        await shows(pilot, "one of numpy, pytorch, tensorflow")
        await pilot.press("escape", "3")
        await shows(pilot, "NumPy", "PyTorch", "TensorFlow", "train loss")
        await pilot.press("4")
        await shows(pilot, "NumPy", "PyTorch", "TensorFlow", "images/s", "3 runs 3 frameworks")
    print("all was seen")


asyncio.run(main())
