"""The search for the fastest settings that the app starts: a process of its own, known by its log."""

from dataclasses import replace

import pytest

from tests.waiting import wait_until
from tfpt_tui.config.presets import PresetRow
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.files import append_to, lock
from tfpt_tui.runs.tasks.background import ADVISE, advise_arguments, latest, start


def test_a_search_runs_by_itself_and_what_it_said_last_stays(paths, tmp_path):
    start(ADVISE, ["--data", str(tmp_path / "none")], paths)
    wait_until(lambda: not latest(ADVISE, paths).running, 60)
    assert "no such dataset directory" in latest(ADVISE, paths).line


def test_before_the_first_search_there_is_none(paths):
    assert latest(ADVISE, paths) is None


def test_one_search_at_a_time(paths):
    paths.background.mkdir(parents=True)
    with append_to(paths.background / "advise.log") as log:
        log.write(b"PyTorch: race 1, 9 arms\n")
        assert lock(log.fileno())
        assert (latest(ADVISE, paths).line, latest(ADVISE, paths).running) == ("PyTorch: race 1, 9 arms", True)
        with pytest.raises(UsageError, match="tfpt-tui advise is under way"):
            start(ADVISE, [], paths)
    assert not latest(ADVISE, paths).running


def test_a_log_that_cannot_be_written_is_refused_with_the_reason(paths):
    paths.background.parent.mkdir(parents=True, exist_ok=True)
    paths.background.write_text("a file")
    with pytest.raises(MissingError, match="cannot start tfpt-tui advise"):
        start(ADVISE, [], paths)


def test_the_search_trains_as_the_draft_would_and_tries_switches_itself():
    settings = {"batch_size": 64, "cache": True, "compile": "on"}
    row = PresetRow({"framework": "pytorch", "track": "default", "data": "/d", **settings}, {})
    assert advise_arguments(row, {"pytorch"}, "5m", ["--precision=any"]) == [
        *("pytorch", "--data=/d", "--budget=5m", "--set=batch_size=64", "--precision=any")
    ]
    assert advise_arguments(row, {"pytorch", "tensorflow"}, "5m", [])[0] == "--data=/d"
    own = replace(row, settings={**row.settings, "environment": "nightly"})
    assert "--set=environment=nightly" in advise_arguments(own, {"pytorch"}, "5m", [])
    assert "--set=environment=nightly" not in advise_arguments(own, {"pytorch", "tensorflow"}, "5m", [])
