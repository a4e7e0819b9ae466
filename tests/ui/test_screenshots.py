"""The script that makes the pictures: it is run on recorded runs, and fails when a screen breaks."""

import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image
from rich.segment import Segment
from textual.strip import Strip

from tfpt_tui.hardware.sample import Sample, columns, to_row

SCRIPT = Path(__file__).parents[2] / "screenshots" / "make.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_screenshots", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(run):
    """Give the run some seconds of load: a scripted one is over before the second sample."""
    header = columns(range(2), 0)
    samples = [
        Sample(1.0 + second, second, 50.0, 1.0, 4e9, 16e9, worker_rss_bytes=8e8, cores_percent=(20.0, 80.0))
        for second in (0.0, 1.0, 2.0)
    ]
    lines = [header, *(to_row(sample, header) for sample in samples)]
    run.hardware.write_text("".join(",".join(cells) + "\n" for cells in lines))


async def test_every_screen_is_pictured_in_dark_and_light(script, recorded, paths, tmp_path, dataset):
    for run in recorded.runs:
        load(run)
    await script.make(script.PICTURES[0], "tfpt-light", paths, tmp_path)
    for picture in script.PICTURES[1:]:
        await script.make(picture, "tfpt-dark", paths, tmp_path)
    assert len(list(tmp_path.glob("*.svg"))) == len(script.PICTURES)
    for picture in script.PICTURES[1:]:
        with Image.open(tmp_path / f"{picture.name}-dark.png") as image:
            assert image.size == (picture.size[0] * script.CELL_WIDTH, picture.size[1] * script.CELL_HEIGHT)
            assert len(image.getcolors(1 << 20)) > 10
    with Image.open(tmp_path / "monitor-light.png") as image:
        assert image.getpixel((image.width // 2, image.height // 2))[0] > 200


async def test_a_screen_that_does_not_show_what_it_must_is_an_error(script, app, monkeypatch):
    monkeypatch.setattr(script, "PATIENCE_S", 0.1)
    async with app.run_test() as pilot:
        with pytest.raises(SystemExit, match=r"not all of .*nowhere"):
            await script._settled(pilot, ("nowhere",))


def test_a_line_that_is_too_short_or_too_long_is_an_error(script):
    script.check_cells([Strip([Segment("ab│")])], 3)
    with pytest.raises(SystemExit, match="line 0 has 4 cells"):
        script.check_cells([Strip([Segment("a日b")])], 3)
