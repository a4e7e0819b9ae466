"""What a preparation would make, need and take; what the command refuses is refused here in its words."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from tfpt_tui.cli.main import run as run_cli
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.progress_log import ProgressLog
from tfpt_tui.ui.prepare.preview import Form, read_preview


@pytest.fixture
def folder(tmp_path, dataset):
    return Path(shutil.copytree(dataset / "train", tmp_path / "my pictures"))


def test_cifar_is_known_without_network_and_must_be_fetched(paths):
    found = read_preview(Form(), UserSettings(), paths)
    assert found.startable
    assert (found.preview.classes, found.preview.images) == (100, 60_000)
    assert found.preview.to_fetch == 169_001_437
    assert found.preview.needed == 60_000 * 4096
    assert found.preview.free > 0
    assert found.request.out == paths.datasets / "cifar100"
    assert not paths.datasets.exists()


def test_an_archive_that_was_fetched_is_not_fetched_again(paths):
    paths.downloads.mkdir(parents=True)
    with (paths.downloads / "cifar-10-python.tar.gz").open("wb") as file:
        file.truncate(170_498_071)
    found = read_preview(Form("cifar10", limit="30", classes="3"), UserSettings(), paths)
    assert found.preview.to_fetch == 0
    assert found.preview.images == 180
    assert found.request.out.name == "cifar10-30each-3classes"


def test_a_folder_is_listed(paths, folder):
    found = read_preview(Form("folder", folder=str(folder), size="32"), UserSettings(), paths)
    assert found.startable
    assert (found.preview.classes, found.preview.images) == (2, 32)
    assert found.command.startswith(f"tfpt-tui prepare '{folder}' --out")
    assert found.request.out.name == "my pictures-32px"


def test_a_listing_ends_at_the_next_class_when_it_is_cancelled(paths, folder, monkeypatch):
    listed, scandir = [], os.scandir

    def list_one(directory):
        listed.append(Path(directory))
        return scandir(directory)

    monkeypatch.setattr(os, "scandir", list_one)
    first, *_ = classes = sorted(folder.iterdir())
    listed.clear()
    found = read_preview(Form("folder", folder=str(folder)), UserSettings(), paths, lambda: first in listed)
    assert len(classes) > 1
    assert set(listed) == {folder, first}
    assert found.preview.images == 0


@pytest.mark.parametrize(
    "form",
    [
        Form("synthetic", out="{tmp}/out", size="4"),
        Form("synthetic", out="{tmp}/out", limit="0"),
        Form("synthetic", out="{tmp}/out", classes="1"),
        Form("synthetic", out="{tmp}/out", classes="101"),
        Form("synthetic", out="{tmp}"),
        Form("cifar100", out="{tmp}/out", archive="{tmp}/none.tar.gz"),
        Form("cifar10", out="{tmp}/out", classes="11"),
        Form("folder", out="{tmp}/out", folder="{tmp}/none"),
        Form("folder", out="{tmp}/out", folder="{tmp}/empty"),
        Form("folder", out="{folder}/inside", folder="{folder}"),
        Form("folder", out="{folder}", folder="{folder}"),
    ],
)
def test_what_the_command_refuses_is_refused_in_its_words(paths, tmp_path, folder, form, capfd):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    places = {"tmp": tmp_path, "folder": folder}
    form = Form(*(value.format(**places) if isinstance(value, str) else value for value in vars(form).values()))
    found = read_preview(form, UserSettings(), paths)
    before = sorted(tmp_path.rglob("*"))
    assert run_cli(["prepare", *found.request.arguments]) in (2, 3)
    assert found.preview.problem
    assert not found.startable
    assert found.preview.problem in capfd.readouterr().err
    assert [path for path in before if not path.exists()] == []


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_in_the_way_is_refused_beforehand(paths, tmp_path, name):
    (tmp_path / "file").write_text("")
    found = read_preview(Form("synthetic", out=str(tmp_path / name)), UserSettings(), paths)
    assert (
        found.preview.problem
        == f"{tmp_path}/file: cannot make the dataset: not a directory; choose another directory"
    )


def test_without_a_folder_it_asks_for_one(paths):
    found = read_preview(Form("folder"), UserSettings(), paths)
    assert "type the path of your images" in found.missing
    assert not found.startable


def test_what_is_there_and_what_would_go_on_is_told(paths, tmp_path):
    form = Form("synthetic", out=str(tmp_path / "out"), size="8", limit="1", classes="2")
    assert run_cli(["prepare", *form.request(paths).arguments]) == 0
    assert read_preview(form, UserSettings(), paths).preview.there
    (tmp_path / "out" / "manifest.toml").rename(tmp_path / "out" / ".preparing.toml")
    request = {"source": "synthetic", "limit": 1, "classes": 2, "seed": 25, "size": 8, "quality": 75}
    write_toml(tmp_path / "out" / ".preparing.toml", request)
    found = read_preview(form, UserSettings(), paths)
    assert (found.preview.there, found.preview.continues, found.startable) == (False, True, True)


def test_the_time_is_that_of_the_last_preparation_of_this_kind_and_size(paths):
    path = paths.preparations / "20261122-000000-synthetic-0000"
    path.mkdir(parents=True)
    write_toml(path / "request.toml", {"kind": "synthetic", "out": "/d", "size": 64, "arguments": []})
    clock = iter([0.0, 0.0, 2.0])
    journal = ProgressLog(path / "progress.jsonl", lambda: next(clock))
    journal.tell("writing")
    journal.end(0, "", 200)
    assert read_preview(
        Form("synthetic", limit="5", classes="2"), UserSettings(), paths
    ).preview.seconds == pytest.approx(20 / 100)
    assert read_preview(Form("synthetic", size="32"), UserSettings(), paths).preview.seconds is None


def test_a_run_that_trains_now_is_named(paths):
    lock = Path(os.environ["TFPT_TUI_LOCK"])
    lock.write_text("sweep 20261122-000000-demo-0000, process 7")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert read_preview(Form("synthetic"), UserSettings(), paths).preview.training.startswith("sweep 20261122")
    assert read_preview(Form("synthetic"), UserSettings(), paths).preview.training == ""
