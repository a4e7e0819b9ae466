"""The Compare screen's text."""

from datetime import datetime

import pytest

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import write_toml
from tfpt_tui.runs.directory import RunDirectory, make_directory
from tfpt_tui.ui.screens.compare import NOTHING, CompareScreen


@pytest.fixture
def record(paths):
    """Write a finished run of a framework on a machine."""

    def write(framework, machine):
        run = RunDirectory(make_directory(paths.runs, framework, datetime(2026, 11, 22)))
        config = RunConfig.from_mapping({"framework": framework, "data": "/d"}, "here").to_mapping()
        write_toml(run.config, {"rows": [config]})
        figures = {"status": "completed", "training": {"images_per_s": 100.0}, "phases": {}}
        write_toml(run.result, {"run": run.id, **figures, "config": config})
        write_toml(run.environment, {"fingerprint": {"machine": machine}})
        return run

    return write


def plan(paths, *entries):
    directory = paths.sweeps / "20261122-000000-demo-0000"
    directory.mkdir(parents=True)
    write_toml(directory / "plan.toml", {"sweep": directory.name, "runs": list(entries)})


def test_without_runs_it_says_how_to_make_some(paths):
    assert CompareScreen(paths)._compare().plain == NOTHING


def test_runs_that_may_not_be_compared_are_a_message(paths, record):
    runs = record("pytorch", "a1"), record("tensorflow", "b2")
    plan(paths, *({"run": run.id} for run in runs))
    assert "come from different machines (fingerprint a1 and b2)" in CompareScreen(paths)._compare().plain


def test_the_burn_in_is_left_out(paths, record):
    burn_in, measured = record("pytorch", "a1"), record("tensorflow", "a1")
    plan(paths, {"run": burn_in.id, "burn_in": True}, {"run": measured.id})
    text = CompareScreen(paths)._compare().plain
    assert measured.id in text
    assert burn_in.id not in text
