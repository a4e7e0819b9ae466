"""What is run once more, and with whom."""

import pytest

from tests.recordings import record_run
from tests.waiting import wait_until
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.settings import load_settings
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.plan.duel import MOST_RESTARTS, Duel
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import read_config, record_plan
from tfpt_tui.runs.supervision.rerun import reruns_of
from tfpt_tui.runs.supervision.submit import submit


@pytest.fixture
def duel(paths, dataset, fake_python):
    """A recorded duel of two arms and three restarts, with a pause."""
    plan = make_plan(
        find_preset("demo", paths), data=str(dataset), repeats=3, duel=Duel(turn_s=0.01), cooldown_s=0.01
    )
    sweep = submit(plan, load_settings(paths.settings), paths)
    wait_until(lambda: all(status_of(run) not in ALIVE for run in sweep.runs), 60)
    return sweep


def test_an_arm_brings_the_other_arms_of_its_restart(duel, paths):
    (again,) = reruns_of([duel.runs[2], duel.runs[5]], paths)
    assert again.runs == duel.runs[2:]
    assert again.plan.duel == duel.plan.duel
    assert again.plan.cooldown_s == 0.01
    assert [planned.config for planned in again.plan.runs] == [read_config(run) for run in duel.runs[2:]]
    assert [(planned.row, planned.repeat) for planned in again.plan.runs] == [(1, 1), (2, 1), (1, 2), (2, 2)]


def test_a_duel_that_ends_with_its_answer_may_take_as_many_restarts_again(paths, dataset):
    plan = make_plan(find_preset("demo", paths), data=str(dataset), repeats=2, duel=Duel(until=0.02))
    sweep = record_plan(plan, dict.fromkeys([run.place for run in plan.runs], "python"), paths)
    (again,) = reruns_of([sweep.runs[1]], paths)
    assert again.plan.duel == plan.duel
    assert again.runs == sweep.runs[:2] * MOST_RESTARTS
    assert [planned.repeat for planned in again.plan.runs[::2]] == list(range(1, MOST_RESTARTS + 1))


def test_an_arm_whose_opponent_was_deleted_runs_alone(duel, paths):
    duel.runs[0].config.unlink()
    (again,) = reruns_of([duel.runs[1]], paths)
    assert (again.runs, again.plan.duel) == ((duel.runs[1],), None)


def test_plain_runs_make_one_plan_beside_a_duel(duel, paths, dataset):
    plain = [
        record_run(paths, f"20261121-10000{number}-000{number}", "pytorch", data=str(dataset)) for number in "12"
    ]
    turns, rows = reruns_of([plain[0], duel.runs[0], plain[1]], paths)
    assert turns.runs == duel.runs[:2]
    assert (rows.runs, rows.plan.duel) == (tuple(plain), None)
    assert [planned.config for planned in rows.plan.runs] == [read_config(run) for run in plain]


def test_what_only_warmed_the_machine_up_is_not_measured_again_and_pauses_stay(paths, dataset):
    plan = make_plan(find_preset("demo", paths), data=str(dataset), repeats=2, burn_in=True, cooldown_s=0.5)
    sweep = record_plan(plan, dict.fromkeys([run.place for run in plan.runs], "python"), paths)
    (again,) = reruns_of(sweep.runs, paths)
    assert again.runs == sweep.runs[1:]
    assert again.plan.cooldown_s == 0.5
    (only,) = reruns_of(sweep.runs[:1], paths)
    assert only.runs == sweep.runs[:1]
