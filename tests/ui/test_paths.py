"""Paths that complete while they are typed."""

import os

import pytest

from tfpt_tui.ui.widgets.paths import complete


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("data/cifar10", "data/cifar100", "docs", ".cache"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data.txt").write_text("a file")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_directory_that_begins_so_completes(home):
    assert complete(f"{home}/d") == f"{home}/data"
    assert complete(f"{home}/data/ci") == f"{home}/data/cifar10"
    assert complete(f"{home}/data/cifar100") == f"{home}/data/cifar100"
    assert complete("do") == "docs"
    assert complete("~/do") == "~/docs"


@pytest.mark.parametrize("text", ["", "/", "nothing", "data.t", "data/x", "/no/such/place/a", "data.txt/a"])
def test_where_nothing_begins_so_nothing_is_suggested(home, text):
    assert complete(text) is None


def test_hidden_directories_are_meant_by_their_dot_alone(home):
    os.rmdir(home / "docs")
    assert complete(".c") == ".cache"
    assert complete("~/") is None
