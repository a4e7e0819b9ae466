import os

import pytest

from tfpt_tui.config.toml import read_toml, write_toml


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "a.toml"
    document = {"name": 'quote " and \\ and é', "table": {"number": 1.5, "list": [1, 2]}}
    write_toml(path, document)
    assert read_toml(path) == document


def test_values_that_are_unknown_are_left_out(tmp_path):
    path = tmp_path / "a.toml"
    write_toml(path, {"known": 1, "unknown": None, "table": {"unknown": None}})
    assert read_toml(path) == {"known": 1, "table": {}}


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.toml"
    write_toml(path, {"old": 1})

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        write_toml(path, {"new": 2})
    assert caught.value.filename == str(path)  # not the temporary name
    assert read_toml(path) == {"old": 1}
    assert list(tmp_path.iterdir()) == [path]
