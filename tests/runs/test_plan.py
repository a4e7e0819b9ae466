import os

import pytest

from tfpt_tui.errors import UsageError
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.plan.timeout import timeout_s
from tfpt_tui.runs.record.sweep import measured_runs, record_plan


def test_repeats_are_interleaved_and_seeds_pair_between_the_frameworks(preset, dataset):
    plan = make_plan(preset, data=str(dataset), repeats=3)
    order = [(run.config.framework[0], run.config.seed) for run in plan.runs]
    assert order == [("p", 25), ("t", 25), ("t", 26), ("p", 26), ("p", 27), ("t", 27)]


def test_repeated_runs_cool_down_in_between_and_single_ones_do_not(preset, dataset):
    assert make_plan(preset, data=str(dataset)).cooldown_s == 0
    assert make_plan(preset, data=str(dataset), repeats=2).cooldown_s == 5
    assert make_plan(preset, data=str(dataset), repeats=2, cooldown_s=0.5).cooldown_s == 0.5


def test_a_burn_in_repeats_the_first_run_in_front_and_is_marked_on_disk(preset, dataset, paths):
    plan = make_plan(preset, data=str(dataset), repeats=2, burn_in=True)
    assert [(run.config.framework[0], run.repeat) for run in plan.runs] == [
        ("p", 0),
        ("p", 1),
        ("t", 1),
        ("t", 2),
        ("p", 2),
    ]
    assert plan.runs[0].config == plan.runs[1].config
    sweep = record_plan(plan, dict.fromkeys((run.place for run in plan.runs), "python"), paths)
    assert [run.burn_in for run in sweep.plan.runs] == [True, False, False, False, False]
    assert sweep.plan.cooldown_s == 5
    assert measured_runs(sweep) == sweep.runs[1:]


def test_overrides_and_rows_choose_what_runs(preset, dataset):
    plan = make_plan(preset, data=str(dataset), rows=[1], overrides={"epochs": 2})
    assert [(run.row, run.config.framework, run.config.epochs) for run in plan.runs] == [(2, "tensorflow", 2)]
    assert dict(plan.runs[0].published) == {"training_s": 94}


def test_a_relative_dataset_is_recorded_in_full(preset, dataset, monkeypatch):
    monkeypatch.chdir(dataset.parent)
    assert make_plan(preset, data="tiny").runs[0].config.data == str(dataset)


def test_a_plan_without_dataset_says_how_to_name_one(preset):
    with pytest.raises(UsageError, match=r"mine\.toml: row 1: no dataset: name one with --data"):
        make_plan(preset)


def test_a_plan_is_refused_as_a_whole(preset, dataset):
    with pytest.raises(UsageError, match="batch_size must be a whole number from 1 to 65536"):
        make_plan(preset, data=str(dataset), overrides={"batch_size": 0})


def test_more_runs_than_anybody_waits_for_are_refused(preset, dataset):
    with pytest.raises(UsageError, match=r"20,000 runs: more than 10,000; repeat them less often"):
        make_plan(preset, data=str(dataset), repeats=10_000)


def test_a_dataset_path_that_is_not_utf8_is_refused(preset, dataset):
    with pytest.raises(UsageError, match=r"caf\\udce9: a dataset's path must be UTF-8"):
        make_plan(preset, data=os.fsdecode(b"/caf\xe9"))


def test_the_timeout_is_as_configured_or_four_times_the_estimate_and_never_short(preset, dataset):
    config = make_plan(preset, data=str(dataset)).runs[0].config
    assert timeout_s(config.replace(timeout_s=7), 50_000, 10_000) == 7
    assert timeout_s(config.replace(epochs=1), 100, 100) == 600
    assert timeout_s(config.replace(epochs=20), 50_000, 10_000) > 4 * 20 * 50_000 / 1000
