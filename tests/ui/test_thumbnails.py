"""Pictures as half blocks."""

import shutil

import pytest
from PIL import Image

from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.ui.prepare.thumbnails import Grid, choose, draw_sheet, fit, half_blocks


@pytest.mark.parametrize(
    ("columns", "rows", "grid"),
    [
        (50, 9, Grid(16, 3, 1)),  # 80x24
        (86, 18, Grid(16, 5, 2)),  # 120x36
        (158, 26, Grid(24, 6, 2)),  # 200x60
        (20, 7, Grid(12, 1, 1)),
        (11, 9, None),
        (50, 6, None),
        (0, 0, None),
    ],
)
def test_pictures_are_as_large_as_leaves_room_for_enough(columns, rows, grid):
    assert fit(columns, rows) == grid


def test_every_picture_fits_into_its_grid():
    for columns in range(0, 200, 7):
        for rows in range(0, 60, 3):
            grid = fit(columns, rows)
            assert grid is None or grid.across * (grid.side + 1) - 1 <= columns
            assert grid is None or grid.down * (grid.side // 2 + 1) <= rows


def test_many_classes_are_spread_and_few_are_shown_in_turn():
    assert choose([5] * 100, 4) == [(0, 1), (25, 1), (50, 1), (75, 1)]
    assert choose([10, 10], 5) == [(0, 1), (1, 1), (0, 4), (1, 4), (0, 7)]


def test_a_picture_is_not_shown_twice():
    assert choose([1, 9], 6) == [(0, 1), (1, 1), (1, 4), (1, 7)]


def test_a_cell_holds_two_pixels_above_each_other():
    image = Image.new("RGB", (1, 4))
    for y, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)]):
        image.putpixel((0, y), colour)
    upper, lower = half_blocks(image)
    assert (upper[0].text, upper[0].style.color.name, upper[0].style.bgcolor.name) == ("▀", "#ff0000", "#00ff00")
    assert (lower[0].style.color.name, lower[0].style.bgcolor.name) == ("#0000ff", "#090909")


def test_a_sheet_has_the_names_of_the_classes_below_the_pictures(dataset):
    strips = draw_sheet(dataset, read_manifest(dataset), Grid(16, 2, 1))
    assert [strip.cell_length for strip in strips] == [34] * 9
    assert "hue0-coarse-rows" in strips[-1].text
    assert set(strips[0].text) == {"▀", " "}


def test_a_picture_that_is_gone_or_broken_is_told_in_its_place(dataset, tmp_path):
    manifest = read_manifest(dataset)
    (tmp_path / "train" / "1").mkdir(parents=True)
    (tmp_path / "train" / "1" / "1.jpg").write_text("no picture")
    text = "\n".join(strip.text for strip in draw_sheet(tmp_path, manifest, Grid(16, 2, 1)))
    assert "there" in text
    assert "cannot" in text


def test_a_picture_of_another_format_or_beyond_reason_is_not_decoded(dataset, tmp_path, monkeypatch):
    (tmp_path / "train" / "0").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "train" / "0" / "1.jpg", "PNG")
    (tmp_path / "train" / "1").mkdir()
    shutil.copy(dataset / "train" / "1" / "1.jpg", tmp_path / "train" / "1")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    text = "\n".join(strip.text for strip in draw_sheet(tmp_path, read_manifest(dataset), Grid(16, 2, 1)))
    assert text.count("cannot") == 2


def test_pictures_may_have_any_number_but_not_any_name(dataset, tmp_path):
    """Files that were left out leave holes among the numbers."""
    (tmp_path / "train" / "0").mkdir(parents=True)
    (tmp_path / "train" / "0" / "3.jpg").write_bytes((dataset / "train" / "0" / "1.jpg").read_bytes())
    strips = draw_sheet(tmp_path, read_manifest(dataset), Grid(12, 1, 1))
    assert strips[0].text == "▀" * 12 + " "
