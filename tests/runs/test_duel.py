"""Duels on a scripted worker: who runs when, what is recorded, how a duel ends. The supervisor is this process."""

import csv
import itertools
import os
import signal
import sys
import time

import psutil
import pytest

from tests.runs.conftest import TURN_S
from tests.waiting import wait_until
from tfpt_tui.backends.gate import DuelOver
from tfpt_tui.backends.gate import Gate as WorkersGate
from tfpt_tui.backends.report import Report
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.settings import load_settings
from tfpt_tui.config.toml import read_toml
from tfpt_tui.documents import DocumentError
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.events import ONLY_TURNS, Slice
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.plan.duel import Duel, fits_into_trainings
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.duel_ratio import ASSUMED, Spread
from tfpt_tui.runs.record.state import read_state, request_stop
from tfpt_tui.runs.record.sweep import read_sweep
from tfpt_tui.runs.record.tail import EventTail
from tfpt_tui.runs.supervision import arms, worker_run
from tfpt_tui.runs.supervision import duel as duelling
from tfpt_tui.runs.supervision import supervisor as supervision
from tfpt_tui.runs.supervision.gate import Gate
from tfpt_tui.runs.supervision.resume import rest_of
from tfpt_tui.runs.supervision.submit import submit


def results_of(sweep):
    return [read_toml(run.result) for run in sweep.runs if run.path.is_dir()]


def slices_of(run):
    with run.slices.open() as file:
        return list(csv.DictReader(file))


def test_the_arms_take_turns_and_each_leaves_a_record_of_its_own(fight, paths):
    sweep = fight("takes_turns")
    assert [result["status"] for result in results_of(sweep)] == ["completed", "completed"]
    own, other = map(slices_of, sweep.runs)
    assert [turn["round"] for turn in own] == [turn["round"] for turn in other] == list(map(str, range(1, 13)))
    assert [turn["position"] for turn in own] == ["1", "2"] * 6
    assert [turn["position"] for turn in other] == ["2", "1"] * 6
    assert len({turn["images"] for turn in own + other}) == 1  # the same work in every turn
    duel = read_toml(sweep.runs[0].environment)["duel"]
    assert duel["arms"] == [run.id for run in sweep.runs]
    answer = compare_runs(ComparisonRequest(sweep.runs), paths, list(map(read_result, sweep.runs))).table
    (row,) = [row for row in answer.rows if row["verdict"] != "baseline"]
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert "12 rounds in 1 restart, starts assumed 1 % apart)" in answer.answer[0]


def test_whoever_has_no_turn_is_stopped_by_the_kernel(fight, monkeypatch):
    seen = []
    take_turn = duelling.take_turn

    def look(supervisor, arm, *rest):
        statuses = {
            run.id: psutil.Process(read_state(run.state).worker.pid).status() for run in supervisor.sweep.runs
        }
        seen.append([status for run, status in statuses.items() if run != arm.run.id])
        return take_turn(supervisor, arm, *rest)

    monkeypatch.setattr(duelling, "take_turn", look)
    fight("takes_turns", rounds=3)
    assert set(itertools.chain(*seen)) == {psutil.STATUS_STOPPED}


def test_whose_turn_it_is_and_how_much_is_left_is_told(fight, monkeypatch):
    said = []
    tell = duelling.tell
    monkeypatch.setattr(duelling, "tell", lambda *told: said.append(told[2]) or tell(*told))
    fight("takes_turns", repeats=2, rounds=12)
    turns = [line for line in said if "turn" in line and "round" in line]
    assert len(turns) == 2 * 2 * 12
    assert turns[0] == "duel: restart 1 of 2, round 1 of 12, PyTorch's turn"
    assert turns[1] == "duel: restart 1 of 2, round 1 of 12, TensorFlow's turn"
    assert turns[2].startswith("duel: restart 1 of 2, round 2 of 12, TensorFlow's turn, about ")
    assert turns[-1].startswith(
        "duel: restart 2 of 2, round 12 of 12, PyTorch's turn, about 0 s left; TensorFlow takes "
    )


def test_arms_of_one_framework_are_told_apart_by_their_settings(fight, monkeypatch, paths, tmp_path):
    said = []
    monkeypatch.setattr(duelling, "tell", lambda supervisor, status, message: said.append(message))
    paths.user_presets.mkdir(parents=True)
    (paths.user_presets / "demo.toml").write_text(
        '[grid]\nbatch_size = [8, 16]\n[defaults]\nframework = "pytorch"\n', encoding="utf-8"
    )
    fight("takes_turns", rounds=1)
    turns = [line.partition("round 1 of 1, ")[2] for line in said if "round 1 of 1" in line]
    assert turns == ["PyTorch (batch_size 8)'s turn", "PyTorch (batch_size 16)'s turn"]


def test_accuracy_is_measured_in_the_last_restart_alone(fight):
    sweep = fight("takes_turns", repeats=2, duel=Duel(turn_s=TURN_S, accuracy=True))
    tested = ["test" in result for result in results_of(sweep)]
    assert tested == [False, False, True, True]
    assert [result["config"]["seed"] for result in results_of(sweep)] == [25, 25, 26, 26]
    assert results_of(sweep)[-1]["training"]["epochs"] == 3


def test_where_trainings_are_too_short_for_turns_these_come_first_in_one_of_their_own(fight):
    sweep = fight("takes_turns", duel=Duel(turn_s=TURN_S, accuracy=True), fits=False, repeats=2)
    assert ["test" in result for result in results_of(sweep)] == [False, False, True, True]
    assert all(len(slices_of(run)) == 12 for run in sweep.runs)
    assert [result["training"]["epochs"] for result in results_of(sweep)[2:]] == [3, 3]
    # More than the 240 images of the training that is recorded.
    assert all(sum(int(turn["images"]) for turn in slices_of(run)) > 240 for run in sweep.runs)


def test_turns_of_ten_steps_fit_into_trainings_of_three_hundred():
    config = RunConfig(framework="pytorch", data="/d", batch_size=32, epochs=2)
    assert not fits_into_trainings([config, config], 4799)
    assert fits_into_trainings([config, config], 4800)


@pytest.mark.parametrize(
    ("story", "status", "said"),
    [("dies_in_its_turn", "crashed", "exit code 3"), ("hangs_in_its_turn", "timeout", "s of its turn")],
)
def test_an_arm_without_an_answer_ends_the_duel_and_both_records_say_why(fight, monkeypatch, story, status, said):
    monkeypatch.setattr(duelling, "PATIENCE_S", 0.5)
    sweep = fight("takes_turns", story)
    other, culprit = results_of(sweep)
    assert culprit["status"] == status
    assert said in culprit["error"]["message"]
    assert other["status"] == "stopped"
    assert other["error"]["message"].startswith(f"the duel ended with its other arm, {sweep.runs[1].id}: {status}")
    assert slices_of(sweep.runs[0])  # what it did is kept


def test_a_stop_in_the_middle_of_a_turn_ends_both(fight, monkeypatch):
    take_turn = duelling.take_turn

    def stop_then_turn(supervisor, arm, images, number, position, limit_s):
        if (number, position) == (3, 2):
            request_stop(supervisor.sweep.directory)
            images = 10**9
        return take_turn(supervisor, arm, images, number, position, limit_s)

    monkeypatch.setattr(duelling, "take_turn", stop_then_turn)
    sweep = fight("takes_turns", repeats=2)
    assert {result["status"] for result in results_of(sweep)} == {"stopped"}
    assert not any("error" in result for result in results_of(sweep))


def test_turns_stay_short_where_one_arm_is_far_slower(fight):
    sweep = fight("takes_turns", "is_ten_thousand_times_slower", rounds=2)
    fast, slow = (slices_of(run)[0] for run in sweep.runs)
    assert slow["steps"] == "1"
    assert int(fast["images"]) < 1000


def test_a_duel_ends_with_its_answer_and_what_was_planned_beyond_is_gone(fight, paths, monkeypatch):
    monkeypatch.setattr(duelling, "is_answer", lambda interval, until: True)
    monkeypatch.setattr(arms, "shown_spread", lambda *_: Spread(0.02, 6.0))
    sweep = fight("takes_turns", repeats=3, duel=Duel(turn_s=TURN_S, until=0.02))
    assert [run.path.is_dir() for run in sweep.runs] == [True, True, False, False, False, False]
    assert len(slices_of(sweep.runs[0])) == 10  # as few as tell their spread
    assert [run.state for run in read_sweep(sweep.directory, paths).plan.runs[2:]] == ["deleted"] * 4


def test_where_no_duel_has_shown_how_processes_differ_other_processes_have_to_say_the_same(fight, monkeypatch):
    monkeypatch.setattr(duelling, "is_answer", lambda interval, until: True)
    sweep = fight("takes_turns", repeats=3, duel=Duel(turn_s=TURN_S, until=0.02))
    assert [run.path.is_dir() for run in sweep.runs] == [True, True, True, True, False, False]
    assert len(slices_of(sweep.runs[0])) == 10


@pytest.mark.parametrize(("wanted", "rounds"), [(0.0, 10), (31.0, 32), (1000.0, 60)])
def test_a_restart_of_a_duel_that_ends_with_its_answer_has_the_rounds_that_make_it_known_soonest(
    fight, monkeypatch, wanted, rounds
):
    monkeypatch.setattr(duelling, "is_answer", lambda interval, until: False)
    monkeypatch.setattr(duelling, "enough_rounds", lambda *_: wanted)
    sweep = fight("takes_turns", duel=Duel(turn_s=TURN_S, until=0.02))
    assert len(slices_of(sweep.runs[0])) == rounds


def test_a_budget_that_is_spent_ends_it_without_an_answer(fight, monkeypatch):
    monkeypatch.setattr(duelling, "is_answer", lambda interval, until: False)
    sweep = fight("takes_turns", repeats=3, duel=Duel(turn_s=TURN_S, budget_s=0.01))
    assert len(slices_of(sweep.runs[0])) == 1
    assert not sweep.runs[2].path.exists()


def test_a_budget_that_restarts_without_an_answer_have_spent_ends_it_too(fight):
    sweep = fight("takes_turns", "dies_in_its_turn", repeats=3, duel=Duel(turn_s=TURN_S, budget_s=0.01))
    assert [run.path.is_dir() for run in sweep.runs] == [True, True, False, False, False, False]


def test_a_restart_that_lacks_an_arm_is_not_begun(fight, monkeypatch):
    run_restart = supervision.run_restart

    def stop_one_later(supervisor, runs, deadline, *, last):
        request_stop(supervisor.sweep.runs[3])
        return run_restart(supervisor, runs, deadline, last=last)

    monkeypatch.setattr(supervision, "run_restart", stop_one_later)
    sweep = fight("takes_turns", repeats=3)
    assert [one["status"] for one in results_of(sweep)] == ["completed"] * 2 + ["stopped"] * 2 + ["completed"] * 2
    said = results_of(sweep)[2]["error"]["message"]
    assert said == f"the duel ended with its other arm, {sweep.runs[3].id}: stopped"


def test_where_the_disk_has_no_room_to_say_how_it_stands_a_plan_goes_on(fight, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfpt_tui.runs.supervision.worker_run.write_state", full)
    monkeypatch.setattr("tfpt_tui.runs.supervision.worker_run.claim_run", lambda *_, burn_in: None)
    sweep = fight("takes_turns")
    assert {result["status"] for result in results_of(sweep)} == {"completed"}
    assert "cannot write how the plan stands: no space left on device; free some room" in capsys.readouterr().err

    class FullLog:
        def write(self, text):
            full()

    monkeypatch.setattr(sys, "stderr", FullLog())  # its log is on the same disk
    assert {result["status"] for result in results_of(fight("takes_turns"))} == {"completed"}


def test_an_arm_that_is_done_has_its_result_before_the_next_one_trains_to_its_end(fight, monkeypatch):
    settled = []
    finish = duelling.finish

    def look(supervisor, arm, *, whole):
        settled.append([run.result.exists() for run in supervisor.sweep.runs])
        finish(supervisor, arm, whole=whole)

    monkeypatch.setattr(duelling, "finish", look)
    fight("takes_turns")
    assert settled == [[False, False], [True, False]]


def test_the_budget_of_a_duel_begins_with_its_first_restart_not_with_what_warms_the_machine_up(
    fight, monkeypatch, paths, dataset, supervise
):
    monkeypatch.setenv("FAKE_STORY", "takes_turns")
    seen = []

    def note(supervisor, runs, deadline, *, last):
        seen.append(deadline - time.monotonic())
        return True

    monkeypatch.setattr(supervision, "run_restart", note)
    monkeypatch.setattr(supervision, "run_one", lambda supervisor, run: time.sleep(0.5))
    duel = Duel(turn_s=TURN_S, budget_s=60.0)
    supervise(make_plan(find_preset("demo", paths), data=str(dataset), duel=duel, burn_in=True))
    assert seen[0] > 59.8


def test_whole_trainings_in_place_of_a_duel_that_ends_early_are_three_at_the_most(fight, monkeypatch):
    def refuse(configs, manifests, gpu):
        raise MissingError("all 2 arms together need 99.0 GB of memory, 1.0 GB are available")

    monkeypatch.setattr(duelling, "check_room_together", refuse)
    until = fight("completes", repeats=5, duel=Duel(turn_s=TURN_S, until=0.02))
    assert [run.path.is_dir() for run in until.runs] == [True] * 6 + [False] * 4
    budget = fight("completes", repeats=5, duel=Duel(turn_s=TURN_S, budget_s=0.01))
    assert [run.path.is_dir() for run in budget.runs] == [True] * 2 + [False] * 8


def test_arms_without_room_beside_each_other_run_one_after_another(fight, monkeypatch):
    def refuse(configs, manifests, gpu):
        raise MissingError("all 2 arms together need 99.0 GB of memory, 1.0 GB are available")

    monkeypatch.setattr(duelling, "check_room_together", refuse)
    said = []
    tell = worker_run.tell
    monkeypatch.setattr(worker_run, "tell", lambda *told: (said.append(told[-1]), tell(*told)))
    sweep = fight("completes")
    assert [result["status"] for result in results_of(sweep)] == ["completed", "completed"]
    assert any(one.startswith("no duel: all 2 arms together need 99.0 GB") for one in said)
    assert not sweep.runs[0].slices.exists()


def test_an_arm_that_cannot_be_started_ends_the_other(fight, fake_python, monkeypatch):
    start = arms.start_run

    def refuse(supervisor, prepared, gate):
        if prepared.config.framework == "tensorflow":
            raise MissingError("no such interpreter")
        return start(supervisor, prepared, gate)

    monkeypatch.setattr(arms, "start_run", refuse)
    waiting, missing = results_of(fight("takes_turns"))
    assert (missing["status"], missing["error"]["message"]) == ("failed", "no such interpreter")
    assert waiting["status"] == "stopped"
    assert "no such interpreter" in waiting["error"]["message"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rows": [0]}, "two rows"),
        ({"overrides": {"track": "published"}}, "in one go"),
        ({"overrides": {"measure": "loader"}}, "measure=loader"),
    ],
)
def test_what_cannot_take_turns_is_refused_with_the_reason(paths, dataset, settings, said):
    with pytest.raises(UsageError, match=said):
        make_plan(find_preset("demo", paths), data=str(dataset), duel=Duel(), **settings)


def test_a_turn_in_which_the_machine_slept_is_none(tmp_path, monkeypatch):
    gate = Gate(ONLY_TURNS)
    asleep = iter([0.0, 0.0, 0.0, 5.0, 5.0])
    monkeypatch.setattr("tfpt_tui.backends.gate._suspended_s", lambda: next(asleep))
    with Report(tmp_path / "events") as report:
        workers = WorkersGate(report, os.dup(gate.descriptors[0]), lambda: None)
        for number in (1, 2):
            gate.order(images=8, round=number, position=1)
        gate.order(over=True)
        workers.arrive()
        workers.passed(8, 1)
        with pytest.raises(DuelOver):
            workers.passed(8, 1)
    answers = [gate.answer(1) for _ in range(3)]
    assert [answer.get("seconds") is not None for answer in answers] == [False, True, False]
    told = [one.event for one in EventTail(tmp_path / "events").stream() if isinstance(one.event, Slice)]
    assert [turn.round for turn in told] == [1]
    gate.close()


def test_a_round_that_others_disturbed_is_recorded_and_one_more_is_run(fight, paths, monkeypatch):
    said = []
    tell = duelling.tell
    monkeypatch.setattr(duelling, "tell", lambda *told: said.append(told[2]) or tell(*told))
    sweep = fight("takes_turns", "is_disturbed_in_some_turns")
    turns = slices_of(sweep.runs[1])
    quiet = [turn["position"] for turn in turns if float(turn["other_load"]) < 0.1]
    assert len(turns) > len(quiet) >= 12
    assert min(map(quiet.count, ("1", "2"))) == 6
    assert any("round 12 of 12 (" in line and " disturbed and run again), " in line for line in said)
    table = compare_runs(ComparisonRequest(sweep.runs), paths, list(map(read_result, sweep.runs))).table
    assert "12 rounds in 1 restart, starts assumed 1 % apart)" in table.answer[0]
    (note,) = [note for note in table.notes if note.startswith("duel: ")]
    assert f"In {len(turns) - len(quiet)} of {len(turns)} rounds others used " in note


def test_where_others_never_leave_the_machine_alone_no_more_rounds_are_run_and_nothing_is_concluded(fight, paths):
    sweep = fight("takes_turns", "is_disturbed_in_all_turns")
    turns = slices_of(sweep.runs[1])
    assert [turn["position"] for turn in turns] == ["2", "1"] * 6
    results = list(map(read_result, sweep.runs))
    table = compare_runs(ComparisonRequest(sweep.runs), paths, results).table
    assert table.rows[1]["verdict"] == "inconclusive"
    assert "while others used the cores, which proves nothing (12 rounds, disturbed ones among" in table.answer[0]
    assert " of 2 runs disturbed" in "\n".join(table.answer)


def test_arms_that_wait_end_with_a_supervisor_that_is_killed(paths, dataset, fake_python, monkeypatch):
    """Stopped ones too: nobody could let them go on."""
    monkeypatch.setenv("FAKE_STORY", "takes_turns")
    settings = load_settings(paths.settings)
    sweep = submit(make_plan(find_preset("demo", paths), data=str(dataset), duel=Duel()), settings, paths)
    wait_until(lambda: sweep.runs[1].events.exists() and b"slice" in sweep.runs[1].events.read_bytes())
    states = [read_state(run.state) for run in sweep.runs[:2]]
    os.kill(states[0].supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not any(state.process(state.worker).is_alive() for state in states), 10)


def test_a_restart_in_which_one_arm_did_not_complete_is_fought_again_by_all(fight, paths, monkeypatch):
    sweep = fight("takes_turns", "takes_turns", "takes_turns", "dies_in_its_turn", repeats=2)
    monkeypatch.setattr(
        "tfpt_tui.runs.supervision.resume._check_idle", lambda sweep: None
    )  # we are its supervisor
    rest = rest_of(read_sweep(sweep.directory, paths))
    assert rest.completed == sweep.runs[:2]
    assert rest.pending == sweep.runs[2:]


def test_arms_are_in_the_order_of_their_rows_in_every_restart(paths, dataset):
    plan = make_plan(find_preset("parity", paths), data=str(dataset), duel=Duel())
    assert [(run.row, run.repeat) for run in plan.runs] == [(1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3)]
    assert [run.config.seed for run in plan.runs] == [25, 25, 26, 26, 27, 27]


def test_a_later_restart_is_added_to_the_earlier_ones(fight, monkeypatch):
    seen = []
    estimate = duelling.estimate
    monkeypatch.setattr(
        duelling, "estimate", lambda restarts, *spread: seen.append(restarts) or estimate(restarts, *spread)
    )
    monkeypatch.setattr(duelling, "is_answer", lambda interval, until: False)
    fight("takes_turns", repeats=2, duel=Duel(turn_s=TURN_S, until=0.01))
    alone = [restarts for restarts in seen if len(restarts) == 1][-1]
    together = seen[-1]
    assert len(together) == 2
    assert together[0] == alone[0]


def test_what_a_machines_duels_showed_of_its_processes_goes_into_the_next(fight):
    first, second = (fight("takes_turns", repeats=repeats) for repeats in (2, 1))
    before, after = ([read_toml(run.environment)["duel"] for run in sweep.runs] for sweep in (first, second))
    assert {(duel["spread_sd"], duel["spread_freedom"]) for duel in before} == {(ASSUMED.sd, ASSUMED.freedom)}
    assert all(duel["spread_freedom"] > ASSUMED.freedom for duel in after)


def test_a_record_that_cannot_be_read_costs_what_it_showed_and_not_the_plan(fight, paths, monkeypatch):
    def refuse(document):
        raise DocumentError("must be a table", "machine")

    monkeypatch.setattr(duelling, "snapshot_from", refuse)
    assert [result["status"] for result in results_of(fight("takes_turns"))] == ["completed", "completed"]
    assert not paths.duels.exists()


def test_what_the_only_different_setting_brought_is_kept(fight, paths):
    sweep = fight("takes_turns", repeats=2)
    (file,) = paths.duels.glob("*.toml")
    (pair,) = read_toml(file)["pairs"]
    assert (pair["sweep"], pair["frameworks"]) == (sweep.id, ["pytorch", "tensorflow"])
    assert (pair["setting"], pair["value"], pair["baseline"]) == ("framework", "tensorflow", "pytorch")
    assert pair["low"] < pair["ratio"] < pair["high"]
    assert len(pair["restarts"]) == 2


def test_what_a_duel_of_some_rows_showed_is_kept_too(fight, paths):
    paths.user_presets.mkdir(parents=True)
    grid = '[grid]\nbatch_size = [8, 9, 10]\n[defaults]\nframework = "pytorch"\n'
    (paths.user_presets / "demo.toml").write_text(grid)
    sweep = fight("takes_turns", repeats=2, rows=(1, 2))
    (file,) = paths.duels.glob("*.toml")
    (pair,) = read_toml(file)["pairs"]
    assert (pair["sweep"], pair["value"], pair["baseline"]) == (sweep.id, 10, 9)


def test_trainings_that_are_over_before_a_turn_can_be_sized_are_runs_like_any_other(fight, monkeypatch):
    monkeypatch.setattr(arms, "SIZING_S", 60.0)
    monkeypatch.setattr(arms, "longest_turn", lambda *_: 10**9)
    sweep = fight("takes_turns", duel=Duel(turn_s=TURN_S, accuracy=True))
    assert [result["status"] for result in results_of(sweep)] == ["completed", "completed"]
    assert all("test" in result for result in results_of(sweep))
    assert not sweep.runs[0].slices.exists()


def test_a_disk_that_fills_up_at_the_end_costs_an_arm_and_not_the_restarts_that_follow(fight, monkeypatch):
    ending_of, refused = arms.ending_of, []

    def full(supervisor, started, cause):
        if not refused:
            refused.append(started.run)
            raise OSError(28, "No space left on device")
        return ending_of(supervisor, started, cause)

    monkeypatch.setattr(arms, "ending_of", full)
    statuses = [result["status"] for result in results_of(fight("takes_turns", repeats=2, rounds=2))]
    assert statuses == ["failed", "completed", "completed", "completed"]


def test_what_refuses_the_record_of_an_arm_is_that_arms_error(fight, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(duelling, "await_arm", full)
    first, second = results_of(fight("takes_turns", rounds=2))
    assert (first["status"], second["status"]) == ("failed", "stopped")
    assert "no space left on device; free some room" in first["error"]["message"]
