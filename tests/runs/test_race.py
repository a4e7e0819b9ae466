"""Races on a scripted worker: who is sent home, who has lost, and what advice is made of them."""

import itertools
from dataclasses import replace

import pytest

from tests.runs.conftest import TURN_S
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.settings import load_settings
from tfpt_tui.documents import DocumentError
from tfpt_tui.errors import MissingError, TfptError, UsageError
from tfpt_tui.results.presentation.ladder import ladder_text
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.plan.candidates import (
    Gain,
    choices_of,
    difference,
    first_candidate,
    next_race,
    rungs,
)
from tfpt_tui.runs.plan.duel import Duel
from tfpt_tui.runs.supervision import race as racing
from tfpt_tui.runs.tasks import advise as advising
from tfpt_tui.runs.tasks.advise import advise, check_budget, compare_learning

RACE = Duel(race=True, turn_s=TURN_S)


@pytest.fixture
def race(fight, paths):
    """Run a race of as many arms as there are stories; the results are in their order."""

    def run(*stories, **more):
        paths.user_presets.mkdir(parents=True)
        sizes = list(range(8, 8 + len(stories)))
        (paths.user_presets / "demo.toml").write_text(
            f'[grid]\nbatch_size = {sizes}\n[defaults]\nframework = "pytorch"\n', encoding="utf-8"
        )
        sweep = fight(*stories, duel=RACE, **more)
        return [read_result(run) for run in sweep.runs]

    return run


def test_turns_that_others_disturbed_are_made_up_for(race):
    _, disturbed = race("takes_turns", "is_disturbed_in_some_turns", rounds=12)
    loads = [turn.other_load for turn in disturbed.slices]
    assert 12 <= len([load for load in loads if load < 0.1]) < len(loads)


def test_an_arm_that_is_far_behind_is_sent_home_after_a_few_rounds(race):
    first, behind, level = race("takes_turns", "is_far_behind", "takes_turns")
    assert [result.status for result in (first, behind, level)] == ["completed"] * 3
    assert len(behind.slices) == racing.FEW_ROUNDS
    assert len(first.slices) > racing.FEW_ROUNDS


@pytest.mark.parametrize(
    ("story", "status"),
    [
        ("dies_in_its_turn", "crashed"),
        ("dies_in_its_first_turn", "crashed"),
        ("never_comes_to_its_gate", "crashed"),
    ],
)
def test_an_arm_that_fails_has_lost_and_the_others_race_on(race, story, status):
    first, failed, other = race("takes_turns", story, "takes_turns", rounds=6)
    assert (first.status, failed.status, other.status) == ("completed", status, "completed")
    assert len(first.slices) == len(other.slices) == 6
    assert failed.error.message


def test_an_arm_that_hangs_in_its_turn_has_lost_for_that_reason(race, monkeypatch):
    monkeypatch.setattr(racing, "PATIENCE_S", 0.5)
    first, hung = race("takes_turns", "hangs_in_its_turn", rounds=6)
    assert (first.status, hung.status) == ("completed", "timeout")
    assert "no answer within" in hung.error.message


@pytest.mark.parametrize(("story", "status"), [("dies_in_its_turn", "crashed"), ("hangs_in_its_turn", "timeout")])
def test_without_its_first_arm_there_is_no_race(race, monkeypatch, story, status):
    monkeypatch.setattr(racing, "PATIENCE_S", 0.5)
    first, other = race(story, "takes_turns")
    assert (first.status, other.status) == (status, "stopped")
    assert other.error.message.startswith(f"the duel ended with its other arm, {first.run}: {status}")


def test_arms_without_room_beside_each_other_do_not_race_and_say_why(race, monkeypatch):
    def refuse(*_):
        raise MissingError("all 2 arms together need too much")

    monkeypatch.setattr(racing, "check_room_together", refuse)
    results = race("takes_turns", "takes_turns")
    assert "all 2 arms together need too much" in results[0].error.message


def test_a_race_ends_when_its_time_is_over(race, monkeypatch):
    monkeypatch.setattr("tests.runs.test_race.RACE", Duel(race=True, turn_s=TURN_S, budget_s=0.01))
    first, other = race("takes_turns", "takes_turns", rounds=40)
    assert len(first.slices) == len(other.slices) == racing.FEW_ROUNDS


def config(framework="tensorflow", **settings):
    row = {"framework": framework, "track": "best", "data": "/data", **settings}
    return RunConfig.from_mapping(row, "here")


def choices(one, **more):
    asked = {"thread_counts": [], "precisions": [], "vary": [], "onednn": None, "on_gpu": False}
    return choices_of(one, **asked | more)


def test_the_search_begins_with_every_switch_on_and_tries_each_other_value():
    first = first_candidate(config(), choices(config()))
    assert (first.onednn, first.steps_per_call, first.compile) == ("on", 16, "off")
    changed = [difference(one, first) for one in choices(config()).alternatives(first)]
    assert {"onednn": "off"} in changed
    assert {"steps_per_call": 4} in changed
    assert {"compile": "on"} in changed
    assert all(len(one) == 1 for one in changed)
    assert not any("precision" in one or "batch_size" in one for one in changed)


def test_what_changes_the_training_is_tried_on_request_alone():
    found = choices(config(), precisions=["float32", "bfloat16"], vary=("batch_size", "num_workers"))
    assert found.values["precision"] == ("float32", "bfloat16")
    assert found.values["batch_size"][0] == 32
    assert "num_workers" not in found.values  # it does not apply


def test_on_a_gpu_the_compiler_is_on_at_first():
    assert first_candidate(config(), choices(config(), on_gpu=True)).compile == "on"


def gain(first, ratio, width=0.01, **changes):
    return Gain(first.replace(**changes), ratio, ratio - width, ratio + width)


def test_what_tensorflow_compiles_on_a_gpu_by_itself_is_no_gain_of_the_ladder():
    assert choices(config(), on_gpu=True).plain(config()).compile == "on"
    torch = config("pytorch")
    assert choices(torch, on_gpu=True).plain(torch).compile == "off"


def test_the_next_race_tries_all_gains_together_on_top_of_the_fastest():
    first = first_candidate(config(), choices(config()))
    gains = [
        gain(first, 0.8, fused_adam="off"),
        gain(first, 0.9, pool_first="off"),
        gain(first, 1.01, keep_memory="off"),
        gain(first, 1.4, onednn="off"),
    ]
    arms = next_race(first, gains, [first, *(one.config for one in gains)])
    assert [difference(arm, first) for arm in arms] == [
        {"fused_adam": "off"},
        {"fused_adam": "off", "pool_first": "off"},
        {"fused_adam": "off", "keep_memory": "off"},
    ]


def test_without_a_proven_gain_there_is_no_other_race():
    first = first_candidate(config(), choices(config()))
    assert next_race(first, [gain(first, 0.99, width=0.02, pool_first="off")], [first]) == []


def test_the_ladder_leads_from_what_the_framework_does_by_itself_to_what_is_advised_the_largest_effect_first():
    advised = first_candidate(config(), choices(config()))
    ladder = rungs(
        choices(config()).plain(config()), advised.replace(batch_size=64), {"onednn": 1.4, "pool_first": 1.1}
    )
    assert ladder[0] == choices(config()).plain(config())
    assert ladder[-1] == advised.replace(batch_size=64)
    assert difference(ladder[1], ladder[0]) == {"onednn": "on"}
    assert difference(ladder[2], ladder[1]) == {"pool_first": "on"}


@pytest.mark.parametrize(("onednn", "rung"), [(True, []), (False, ["onednn"]), (None, ["onednn"])])
def test_what_the_framework_does_by_itself_on_this_processor_is_no_gain_of_the_ladder(onednn, rung):
    plain = choices(config(), onednn=onednn).plain(config())
    ladder = rungs(plain, first_candidate(config(), choices(config())), {})
    steps = [difference(one, below) for below, one in itertools.pairwise(ladder)]
    assert [key for step in steps for key in step if key == "onednn"] == rung


@pytest.fixture
def find_fastest(supervise, paths, dataset, monkeypatch):
    """Advise on TensorFlow within so many seconds, on a worker that is as fast as its switches."""
    monkeypatch.setattr(advising, "submit", lambda plan, settings, paths: supervise(plan))

    def find(budget_s, story="is_as_fast_as_its_switches", follow=lambda sweep: False, vary=(), turn_s=TURN_S):
        monkeypatch.setattr(advising, "TURN_S", turn_s)
        monkeypatch.setenv("FAKE_STORY", story)
        one = config(data=str(dataset), batch_size=8)
        started = load_settings(paths.settings), paths, follow, said.append
        advice = advise(one, choices(one, vary=vary), budget_s, *started)
        return replace(advice, learning=compare_learning(one, advice, *started))

    said = find.said = []
    return find


def test_advice_is_the_fastest_configuration_and_says_what_each_setting_brings_and_what_failed(find_fastest):
    advice = find_fastest(600.0, turn_s=2 * TURN_S)
    assert (advice.config.onednn, advice.config.fused_adam, advice.config.compile) == ("on", "off", "off")
    text = ladder_text(advice)
    assert advice.ladder[1].added == "onednn=on"
    assert advice.ladder[1].factor == pytest.approx(1.5, rel=0.25)
    assert advice.whole.low <= advice.whole.factor <= advice.whole.high
    assert "failed: compile=on: " in text
    assert "advised against plain" in text


def test_advice_that_changes_what_is_learned_says_what_it_costs(find_fastest):
    advice = find_fastest(600.0, story="is_as_fast_as_its_batch", vary=("batch_size",))
    assert advice.config.batch_size == 16
    assert "batch_size=16" in [rung.added for rung in advice.ladder]
    assert "  test accuracy 0.600 as asked, 0.600 with batch_size=16\n" in ladder_text(advice) + "\n"


def test_a_budget_that_is_too_short_for_a_race_is_refused():
    with pytest.raises(UsageError, match="--budget: 20 s for TensorFlow are too short"):
        check_budget(config(), choices(config()), 20.0)


def test_what_has_no_room_in_a_race_is_tried_in_the_next_or_said(find_fastest, monkeypatch):
    monkeypatch.setattr(advising, "_arms_that_fit", lambda arms, *_, least: min(3, len(arms)))
    monkeypatch.setattr(advising, "MOST_RACES", 2)
    advice = find_fastest(600.0)
    assert len(advice.raced) + len(advice.losers) > 2
    assert any("not tried (too little time or memory): " in line for line in find_fastest.said)


def test_a_budget_that_is_spent_leaves_no_arm():
    arms = [config(batch_size=size) for size in (8, 16, 32, 64)]
    assert advising._arms_that_fit(arms, -20.0, 8.0, least=0) == 0


def test_the_least_budget_has_room_for_a_race_of_two_whatever_was_spent_before_it(find_fastest):
    find_fastest(1.0)  # it is raised to the least
    assert any("race 1, 2 arms" in line for line in find_fastest.said)


def test_waiting_for_other_plans_is_no_part_of_the_search(find_fastest, monkeypatch):
    whole = advising._result
    monkeypatch.setattr(
        advising, "_result", lambda run: replace(one := whole(run), started=one.started + 10_000.0)
    )
    advice = find_fastest(600.0)
    assert advice.seconds < 0  # of what was waited for, 20,000 s never were
    assert len(advice.raced) > 2


def test_where_everything_together_is_slower_plain_is_advised(find_fastest):
    advice = find_fastest(600.0)
    slower = replace(advice, whole=replace(advice.whole, factor=0.8, low=0.75, high=0.85))
    assert slower.config == advice.ladder[0].config
    assert "  nothing is gained here: plain is advised" in ladder_text(slower)
    assert "advised against plain" not in ladder_text(slower)


def test_without_a_result_a_search_says_what_became_of_the_run(find_fastest, monkeypatch):
    def lose(sweep):
        for run in sweep.runs:
            run.result.unlink()
        return False

    with pytest.raises(TfptError, match="its supervisor exited unexpectedly"):
        find_fastest(600.0, follow=lose)

    def damaged(*_):
        raise DocumentError("is missing", "training")

    monkeypatch.setattr(advising, "result_from", damaged)
    with pytest.raises(TfptError, match=r"result\.toml: training: is missing"):
        find_fastest(600.0)


def test_a_ladder_that_has_no_room_has_fewer_rungs(find_fastest, monkeypatch):
    def refuse_three(configs, *_):
        if len(configs) > 2:
            raise MissingError("too much")

    monkeypatch.setattr(advising, "check_room_together", refuse_three)
    advice = find_fastest(600.0)
    _, last = advice.ladder
    assert last.added.count("=") > 1
    assert last.factor == advice.whole.factor

    def refuse(*_):
        raise MissingError("all 2 arms together need too much")

    monkeypatch.setattr(advising, "check_room_together", refuse)
    with pytest.raises(MissingError, match="need too much"):
        find_fastest(600.0)


def test_what_was_measured_half_is_no_ladder(find_fastest, monkeypatch):
    whole = advising._result

    def stopped(run):
        result = whole(run)
        return (
            replace(result, status="stopped")
            if len(find_fastest.said) and "ladder" in find_fastest.said[-1]
            else result
        )

    monkeypatch.setattr(advising, "_result", stopped)
    with pytest.raises(TfptError, match="no ladder: stopped"):
        find_fastest(600.0)


def test_what_somebody_has_set_is_neither_tried_otherwise_nor_taken_back():
    given = config(compile="on", steps_per_call=4)
    found = choices(given)
    assert first_candidate(given, found).value("steps_per_call") == 4
    assert all(arm.compile == "on" for arm in found.alternatives(first_candidate(given, found)))
    assert (found.plain(given).compile, found.plain(given).value("steps_per_call")) == ("on", 4)
    usual = config()
    named = choices(usual, given={"steps_per_call"})
    assert {arm.value("steps_per_call") for arm in named.alternatives(first_candidate(usual, named))} == {
        usual.value("steps_per_call")
    }


def test_a_first_configuration_that_fails_ends_the_search_with_its_reason(find_fastest):
    with pytest.raises(TfptError, match="-tensorflow-"):
        find_fastest(600.0, story="never_comes_to_its_gate")


def test_a_search_that_is_stopped_says_where_it_was(find_fastest):
    with pytest.raises(TfptError, match="stopped; what was measured is in ") as caught:
        find_fastest(600.0, follow=lambda sweep: True)
    assert caught.value.exit_code == 130


def test_a_search_is_over_when_its_race_is_stopped_from_elsewhere(find_fastest):
    with pytest.raises(TfptError, match="stopped; what was measured is in "):
        find_fastest(600.0, follow=lambda sweep: sweep.directory.stop.touch())
