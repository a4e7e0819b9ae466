"""Preparations in processes of their own: they outlive whoever asked, and tell how far they are."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.data.progress_log import Ending, ProgressLog, Step
from tfpt_tui.errors import MissingError
from tfpt_tui.runs.record.heartbeat import SILENT_S
from tfpt_tui.runs.record.processes import boot_id, identify
from tfpt_tui.runs.tasks import preparation
from tfpt_tui.runs.tasks.preparation import (
    Preparation,
    RecordedRequest,
    forget,
    known_rate,
    list_preparations,
    sign_on,
    start,
    stop,
)


def synthetic(out, *options):
    return RecordedRequest("synthetic", out, 8, ("synthetic", "--out", str(out), "--size", "8", *options))


def only(paths):
    (one,) = list_preparations(paths)
    return one


@pytest.fixture
def record(paths):
    """Write a preparation as its process would have left it."""

    def write(name="20261122-000000-synthetic-0000", pid=None, out="/d"):
        path = paths.preparations / name
        path.mkdir(parents=True)
        asked = {"kind": "synthetic", "out": out, "size": 64, "arguments": ["synthetic", "--out", out]}
        write_toml(path / "request.toml", asked)
        if pid:
            process = identify(pid)
            owner = {"pid": process.pid, "start_time": process.start_time}
            write_toml(path / "state.toml", {"boot_id": process.boot_id, "preparation": owner})
        return path

    return write


def test_a_preparation_runs_by_itself_and_tells_how_it_ended(paths, tmp_path):
    start(synthetic(tmp_path / "out", "--limit", "2", "--classes", "2"), paths)
    wait_until(lambda: only(paths).status != "running", 60)
    one = only(paths)
    assert one.status == "completed"
    assert "prepared: 2 classes, 4 training and 4 test images" in one.ending.message
    assert one.ending.images == 8
    assert read_manifest(tmp_path / "out").total("train") == 4


def test_it_is_stopped_as_by_ctrl_c_and_the_next_one_continues_and_replaces_it(paths, tmp_path):
    start(synthetic(tmp_path / "out", "--jobs", "1"), paths)
    wait_until(lambda: isinstance(only(paths).step, Step) and only(paths).step.done, 60)
    assert stop(only(paths))
    wait_until(lambda: only(paths).status != "running", 60)
    assert only(paths).status == "stopped"
    assert not stop(only(paths))
    first = only(paths).id
    start(only(paths).request, paths)
    assert only(paths).id != first
    wait_until(lambda: only(paths).step or only(paths).ending, 60)
    stop(only(paths))
    wait_until(lambda: only(paths).status != "running", 60)


def test_a_failure_keeps_the_commands_line(paths, tmp_path):
    asked = RecordedRequest(
        "folder", tmp_path / "out", 64, (str(tmp_path / "none"), "--out", str(tmp_path / "out"))
    )
    start(asked, paths)
    wait_until(lambda: only(paths).status != "running", 60)
    assert (only(paths).status, only(paths).ending.code) == ("failed", 3)
    assert only(paths).problem == f"{tmp_path}/none: no such directory of images"


def test_arguments_that_are_refused_are_told(paths, tmp_path):
    start(RecordedRequest("synthetic", tmp_path / "out", 4, ("synthetic", "--out", "x", "--size", "4")), paths)
    wait_until(lambda: only(paths).status != "running", 60)
    assert (only(paths).status, only(paths).ending.code) == ("failed", 2)
    assert only(paths).problem == "--size: must be a whole number from 8 to 4096, not 4"


def test_one_that_was_killed_reads_as_crashed_and_says_what_to_do(paths, record):
    path = record(pid=2**22 + 1)
    ProgressLog(path / "progress.jsonl").tell("writing", 5, 10)
    assert only(paths).status == "crashed"
    assert "start it again, it continues" in only(paths).problem


def test_one_that_is_alive_is_found_by_a_later_viewer(paths, record):
    path = record(pid=os.getpid())
    assert only(paths).status == "running"
    ProgressLog(path / "progress.jsonl").tell("writing", 5, 10)
    assert only(paths).step == Step("writing", 5, 10, None)


def test_one_that_has_no_process_yet_is_starting_not_crashed(paths, record, later):
    record()
    assert only(paths).status == "running"
    later(SILENT_S)
    assert only(paths).status == "crashed"


def test_a_broken_record_is_passed_over(paths, record):
    (paths.preparations / "20261122-000001-cifar10-0000").mkdir(parents=True)
    record("20261122-000002-cifar10-0000")
    (paths.preparations / "20261122-000003-cifar10-0000").mkdir()
    (paths.preparations / "20261122-000003-cifar10-0000" / "request.toml").write_text("kind =")
    assert only(paths).id == "20261122-000002-cifar10-0000"


def test_forgetting_removes_the_record_only(paths, record):
    path = record()
    forget(only(paths))
    assert not path.exists()
    assert list_preparations(paths) == []


def test_a_record_that_cannot_be_written_starts_nothing(paths, tmp_path, monkeypatch):
    launched = []
    monkeypatch.setattr(preparation, "_launch", lambda *_: launched.append(1))
    paths.preparations.parent.mkdir(parents=True)
    paths.preparations.write_text("a file in the way")
    with pytest.raises(MissingError, match="cannot record a preparation"):
        start(synthetic(tmp_path / "out"), paths)
    assert launched == []


def test_a_preparation_that_cannot_be_recorded_any_more_is_ended(paths, tmp_path, monkeypatch):
    launched = []

    def launch(path, _):
        launched.append(subprocess.Popen(["sleep", "600"], start_new_session=True))
        (path / "state.toml").mkdir()  # in the way of the record
        return identify(launched[0].pid)

    monkeypatch.setattr(preparation, "_launch", launch)
    with pytest.raises(MissingError, match="cannot record a preparation"):
        start(synthetic(tmp_path / "out"), paths)
    assert launched[0].wait(30) == -signal.SIGKILL
    assert list(paths.preparations.iterdir()) == []


def test_a_preparation_of_another_machine_goes_on_while_its_journal_does(paths, record, later):
    path = record(pid=2**22 + 1)
    ProgressLog(path / "progress.jsonl").tell("writing", 5, 10)
    state = path / "state.toml"
    state.write_text(state.read_text().replace(boot_id(), "another-machine"))
    assert only(paths).status == "running"
    later(SILENT_S - 1)
    os.utime(path / "progress.jsonl", (0, 0))  # its clock may say anything
    assert only(paths).status == "running"
    later(SILENT_S)
    assert only(paths).status == "crashed"


def test_only_the_newest_are_kept(paths, tmp_path, record, monkeypatch):
    monkeypatch.setattr(preparation, "LISTED", 3)
    for number in range(4):
        record(f"20261122-00000{number}-synthetic-0000", pid=2**22 + 1, out=f"/d{number}")
    sign_on(synthetic(tmp_path / "out"), paths)
    assert [one.request.out for one in list_preparations(paths)] == [tmp_path / "out", Path("/d3"), Path("/d2")]
    assert len(list(paths.preparations.iterdir())) == 3


def test_the_rate_is_that_of_the_newest_of_the_same_kind_and_size(tmp_path):
    def ended(kind, size, images, seconds):
        asked = RecordedRequest(kind, tmp_path, size, ())
        return Preparation(tmp_path, asked, "completed", ending=Ending(0, "", images, seconds))

    newest_first = [
        ended("folder", 64, 100, 1.0),
        ended("synthetic", 64, 0, 0.1),  # all of it was there: it says nothing
        ended("synthetic", 64, 300, 2.0),
        ended("synthetic", 64, 900, 1.0),
    ]
    assert known_rate(newest_first, "synthetic", 64) == 150
    assert known_rate(newest_first, "synthetic", 32) is None


def test_one_that_hears_no_signal_is_stopped_by_a_file(paths, tmp_path, record):
    """As one that inherited an ignored SIGINT, or one of another machine."""
    path = record(pid=os.getpid())
    journal = ProgressLog(path / "progress.jsonl")
    journal.tell("writing", 5, 10)
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        assert stop(only(paths))
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard
    with pytest.raises(KeyboardInterrupt):
        journal.tell("next")


def test_a_preparation_asked_to_stop_in_its_first_moment_stops_also_under_nohup(paths, tmp_path):
    """What starts it ignores SIGINT, as a shell does for what runs in its background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start(synthetic(tmp_path / "out"), paths)
        assert stop(only(paths))
        wait_until(lambda: only(paths).status != "running", 60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert only(paths).status == "stopped"
