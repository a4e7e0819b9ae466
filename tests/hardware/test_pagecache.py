"""Residence in memory on real files. What has never been read or written, such as a hole, is resident nowhere."""

import os

import pytest

from tfpt_tui.hardware import pagecache
from tfpt_tui.hardware.pagecache import PageCache, list_files, read_all, resident_share
from tfpt_tui.hardware.storage import describe_directory

SIZE = 1 << 20


@pytest.fixture
def hole(tmp_path):
    path = tmp_path / "hole"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return str(path)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "written"
    path.write_bytes(b"x" * SIZE)
    return str(path)


def keep_going():
    return False


def test_what_was_just_written_is_resident_and_a_hole_is_not(written, hole):
    assert resident_share([written]) == 1.0
    assert resident_share([hole]) == 0.0
    assert resident_share([written, hole]) == 0.5


def test_files_that_do_not_tell_are_left_out(written, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    assert resident_share([written, str(empty), str(tmp_path / "none")]) == 1.0
    assert resident_share([str(empty)]) is None
    assert resident_share([]) is None


def test_a_file_that_linux_hides_from_us_is_unknown(written, monkeypatch):
    """mincore(2) calls every page of it resident."""
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert resident_share([written]) is None


def test_reading_brings_files_into_memory(hole, tmp_path):
    if describe_directory(tmp_path).get("filesystem") == "tmpfs":
        pytest.skip("tmpfs never allocates the pages of a hole that is read")
    read_all([hole], keep_going)
    assert resident_share([hole]) == 1.0


@pytest.mark.parametrize(("free", "share"), [(2 * SIZE - 2, 0.0), (None, 0.0)])
def test_files_that_would_take_more_than_half_of_the_free_memory_are_not_read(hole, monkeypatch, free, share):
    monkeypatch.setattr(pagecache, "available_bytes", lambda: free)
    read_all([hole], keep_going)
    assert resident_share([hole]) == share


def test_reading_stops_when_it_is_asked_to(hole):
    read_all([hole], lambda: True)
    assert resident_share([hole]) == 0.0


def test_files_that_vanish_while_they_are_read_do_no_harm(tmp_path):
    read_all([str(tmp_path / "none")], keep_going)


def test_the_sample_is_spread_over_all_files(monkeypatch):
    asked = []
    monkeypatch.setattr(pagecache, "_resident_pages", asked.append)
    resident_share([str(number) for number in range(1024)])
    assert asked == [str(number) for number in range(0, 1024, 4)]


def test_files_are_listed_in_the_order_of_their_paths(tmp_path):
    for name in ("train/1/b.jpg", "train/0/a.jpg", "manifest.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [os.path.relpath(file, tmp_path) for file in list_files(tmp_path)]
    assert names == ["manifest.toml", "train/0/a.jpg", "train/1/b.jpg"]
    assert list_files(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [(1.0, 1.0, "warm"), (0.95, 0.95, "warm"), (0.1, 0.99, "warmed"), (0.1, 0.5, "cold"), (None, None, "")],
)
def test_the_state_says_how_a_run_began(before, after, state):
    assert PageCache(before, after).state == state
