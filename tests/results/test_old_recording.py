"""A sweep that the first version recorded (22 November 2026; paths and variables changed) is read as ever."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs, write_out
from tfpt_tui.results.store.index import read_results, read_summaries
from tfpt_tui.results.store.reader import read_epochs
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.processes import boot_id
from tfpt_tui.runs.record.sweep import read_sweep

OLD = Path(__file__).parents[1] / "old_recording"
SWEEP = "20261128-153556-quick-5e0c"


@pytest.fixture
def runs(paths):
    shutil.copytree(OLD / "runs", paths.runs)
    shutil.copytree(OLD / "sweeps", paths.sweeps)
    return list(read_sweep(SweepDirectory(paths.sweeps / SWEEP), paths).runs)


def test_what_it_did_not_record_yet_has_its_default(runs, paths):
    for _ in range(2):  # from the files, then from the index
        first, second = read_results(paths, runs)
        assert (first.status, first.run, first.preset, first.sweep) == ("completed", runs[0].id, "", "")
        assert (first.config.measure, first.config.environment, first.config.epochs_trained) == (
            "end_to_end",
            "default",
            2,
        )
        assert (first.counters, first.training.once_s, first.training.epochs_s) == ({}, None, None)
        assert first.environment.machine["allowed_cores"] == 2
        assert first.environment.fingerprint.machine == "unknown"
        assert [warning.code for warning in second.warnings] == ["void"]


def test_its_figures_are_those_of_its_files(runs, paths):
    first, _ = read_results(paths, runs)
    assert first.training.throughput == pytest.approx(160 / 0.3817662600049516)
    assert (first.test.accuracy, first.test.images, first.memory.peak_rss_bytes) == (0.25, 160, 788_246_528)
    assert [epoch.at_s for epoch in read_epochs(runs[0])] == pytest.approx([0.5949, 0.9766], abs=1e-4)
    assert {summary.run for summary in read_summaries(paths)} == {run.id for run in runs}


def test_it_is_compared_and_exported(runs, paths):
    found = compare_runs(ComparisonRequest(tuple(runs)), paths)
    assert [row["framework"] for row in found.table.rows] == ["PyTorch", "TensorFlow"]
    assert [row["flags"] for row in found.table.rows] == [None, "void"]
    document = json.loads(write_out(found, "json"))
    assert document["runs"][0]["training"]["images_per_s"] == 419.1046112821095


def test_its_plan_is_read(runs, paths):
    plan = read_sweep(SweepDirectory(paths.sweeps / SWEEP), paths).plan
    assert [(run.framework, run.state, run.burn_in) for run in plan.runs] == [
        ("pytorch", "completed", False),
        ("tensorflow", "completed", False),
    ]


def test_a_result_that_was_lost_follows_from_its_events(runs, paths):
    (before, _) = read_results(paths, runs)
    runs[0].result.unlink()
    # Of this boot, so that its supervisor can be seen to be gone, and need not be waited for.
    state = runs[0].state.read_text()
    runs[0].state.write_text(re.sub('boot_id = ".*"', f'boot_id = "{boot_id()}"', state))
    (after, _) = read_results(paths, runs)
    assert after.status == "crashed"  # its supervisor is gone
    assert after.training.images_per_s == pytest.approx(before.training.images_per_s)
    assert after.phases.keys() == before.phases.keys()
