"""What Prepare shows, and what it stays with while things change."""

import shutil
from pathlib import Path

import pytest

from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.data.progress_log import ProgressLog
from tfpt_tui.results.store.datasets import Dataset
from tfpt_tui.runs.tasks.preparation import Preparation, RecordedRequest
from tfpt_tui.ui.prepare import datasets_snapshot as module
from tfpt_tui.ui.prepare.datasets_snapshot import NEW, DatasetsPoller, DatasetsSnapshot, entry_of, follow


@pytest.fixture
def made(dataset):
    return Dataset(Path("/d/one"), read_manifest(dataset))


def preparing(status="running", out="/d/one"):
    return Preparation(Path("/p/1"), RecordedRequest("synthetic", Path(out), 64, ()), status)


def test_it_begins_with_what_is_under_way_else_a_dataset_else_a_new_one(made):
    assert DatasetsSnapshot().foremost() == NEW
    assert DatasetsSnapshot((made,), (preparing("failed", "/d/two"),)).foremost() == "dataset /d/one"
    assert DatasetsSnapshot((made,), (preparing("failed"),)).foremost() == NEW
    assert DatasetsSnapshot((made,), (preparing(),)).foremost() == "preparation 1"


def test_the_chosen_entry_stays_chosen(made):
    now = DatasetsSnapshot((made,), (preparing(out="/d/two"),))
    for entry in (NEW, entry_of(made), "preparation 1"):
        assert follow(entry, DatasetsSnapshot(), now, None).entry == entry


def test_a_preparation_becomes_its_dataset(made):
    followed = follow("preparation 1", DatasetsSnapshot((), (preparing(),)), DatasetsSnapshot((made,)), None)
    assert followed.entry == "dataset /d/one"
    assert "one is ready" in followed.note


def test_one_that_was_over_before_it_was_seen_becomes_its_dataset_too(made):
    assert (
        follow("preparation 1", DatasetsSnapshot(), DatasetsSnapshot((made,)), Path("/d/one")).entry
        == "dataset /d/one"
    )
    assert follow("preparation 1", DatasetsSnapshot(), DatasetsSnapshot(), Path("/d/one")).entry == "preparation 1"


def test_a_dataset_that_is_gone_is_told(made):
    followed = follow("dataset /d/one", DatasetsSnapshot((made,)), DatasetsSnapshot(), None)
    assert (followed.entry, followed.lost) == (NEW, True)
    assert "one is gone" in followed.note


def test_datasets_are_read_again_only_when_something_has_changed(paths, dataset, monkeypatch):
    shutil.copytree(dataset, paths.datasets / "one")
    read = []
    real = module.list_datasets
    monkeypatch.setattr(module, "list_datasets", lambda paths: read.append(1) or real(paths))
    poller = DatasetsPoller(paths)
    assert len(poller.poll().datasets) == 1
    poller.poll()
    assert len(read) == 1
    poller.poll(again=True)
    assert len(read) == 2
    shutil.copytree(dataset, paths.datasets / "two")
    assert len(poller.poll().datasets) == 2
    (paths.datasets / "two" / "manifest.toml").unlink()
    assert len(poller.poll().datasets) == 1


def test_a_failure_is_shown_until_its_dataset_is_there(paths, dataset):
    out = paths.datasets / "one"
    record = paths.preparations / "20261122-000000-synthetic-0000"
    record.mkdir(parents=True)
    write_toml(record / "request.toml", {"kind": "synthetic", "out": str(out), "size": 64, "arguments": []})
    ProgressLog(record / "progress.jsonl").end(3, "no room")
    poller = DatasetsPoller(paths)
    assert [one.status for one in poller.poll().preparations] == ["failed"]
    shutil.copytree(dataset, out)
    assert poller.poll().preparations == ()


def test_a_dataset_that_is_prepared_anew_is_shown_as_its_preparation(made):
    now = DatasetsSnapshot((made,), (preparing("failed"),))
    assert list(now.entries) == ["preparation 1"]
    assert follow(entry_of(made), DatasetsSnapshot((made,)), now, None).entry == "preparation 1"
