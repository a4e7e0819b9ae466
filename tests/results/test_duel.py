"""Rows that took turns are compared by their rounds, and what is said about it."""

import re
from dataclasses import replace

import pytest

from tests.recordings import a_result
from tfpt_tui.events import Slice
from tfpt_tui.hardware.machine_snapshot import DuelPart, MachineSnapshot
from tfpt_tui.results.comparison.compare import compare
from tfpt_tui.results.comparison.gate import UNKNOWN, judge_gate, parse_gate
from tfpt_tui.results.comparison.groups import group
from tfpt_tui.results.comparison.verdicts import compare_to_baseline
from tfpt_tui.runs.record.result import training_of


def duel(*paces_by_arm, seed=25, **part):
    """The results of one restart: an arm for each list of seconds an image, by round."""
    frameworks = ("pytorch", "tensorflow")
    names = tuple(f"20261128-1000{seed}-{frameworks[place]}-0001" for place in range(len(paces_by_arm)))
    results = []
    for place, paces in enumerate(paces_by_arm):
        slices = tuple(
            Slice(number, 1 + (place + number) % 2, 10, 100, 100 * pace)
            for number, pace in enumerate(paces, start=1)
        )
        run = a_result(names[place], frameworks[place], seed=seed, slices=slices, started=0.0, ended=120.0)
        snapshot = MachineSnapshot(duel=DuelPart(names, spread_sd=0.01, spread_freedom=0.5, **part))
        results.append(replace(run, training=training_of((), run.config, slices), environment=snapshot))
    return results


QUIET = ([0.010] * 20, [0.0119, 0.0121] * 10)
NOISY = ([0.010] * 20, [0.009, 0.0095, 0.012, 0.0112] * 5)


def row_of(*results):
    table, _ = compare(results)
    (row,) = [row for row in table.rows if row["verdict"] != "baseline"]
    return row, (*table.answer, *table.notes)


def test_one_restart_gives_a_verdict_from_its_rounds():
    row, notes = row_of(*duel(*QUIET))
    assert (row["verdict"], row["n"]) == ("slower", 1)
    assert row["ratio"] == pytest.approx(1.2, abs=0.001)
    assert any("20 rounds in 1 restart, starts assumed 1 % apart)" in note for note in notes)
    assert any("processes differ by 1.0 % each time they are started (assumed" in note for note in notes)
    assert not any("single run" in note for note in notes)


def test_of_disturbed_rounds_alone_there_are_figures_and_no_verdict_and_no_gate():
    """A duel beside a busy core said 0.08 [0.07, 0.10], where quiet ones said 0.86."""
    busy = [
        replace(one, slices=tuple(replace(turn, other_load=0.5) for turn in one.slices)) for one in duel(*QUIET)
    ]
    row, notes = row_of(*busy)
    assert (row["verdict"], row["p_value"]) == ("inconclusive", None)
    assert row["ratio_low"] > 1
    assert any(
        "1.20x as fast as TensorFlow while others used the cores, which proves nothing" in one for one in notes
    )
    assert not any("would settle it" in one for one in notes)
    verdicts = compare_to_baseline(group(busy), None)
    assert judge_gate(parse_gate("tensorflow slower than 5%"), verdicts).outcome == UNKNOWN


def test_the_throughput_is_that_of_the_median_turn():
    row, _ = row_of(*duel(*QUIET))
    assert row["images_per_s"] == pytest.approx(1 / 0.012, rel=0.01)


def test_more_restarts_make_the_interval_narrower():
    one, _ = row_of(*duel(*NOISY))
    three, notes = row_of(*(result for seed in (25, 26, 27) for result in duel(*NOISY, seed=seed)))
    assert three["ratio_high"] - three["ratio_low"] < one["ratio_high"] - one["ratio_low"]
    assert any("60 rounds in 3 restarts" in note for note in notes)


def test_a_duel_that_may_end_early_has_an_interval_that_allows_for_it():
    planned, _ = row_of(*duel(*QUIET))
    early, notes = row_of(*duel(*QUIET, until=0.02))
    assert early["ratio_high"] > planned["ratio_high"]
    assert any("though it was looked at after every round" in note for note in notes)


def beside(*results, track="best", **effective):
    """The first arm on the track default, the second, of the same framework, on another."""
    first, second = results
    config = replace(first.config, track=track)
    return first, replace(second, config=config, effective=effective)


def test_the_track_best_stands_beside_another_that_it_took_turns_with_and_is_not_ranked():
    table, verdicts = compare(beside(*duel(*QUIET)))
    assert [verdict.time for verdict in verdicts] == [None, None]
    assert [row["verdict"] for row in table.rows] == ["baseline", "baseline"]
    (line,) = [line for line in table.answer if "not ranked" in line]
    assert line.startswith("PyTorch on default is 1.20x as fast as PyTorch on best (95 %: 1.1")


def test_the_track_best_does_not_stand_beside_a_training_of_another_batch_size():
    first, second = beside(*duel(*QUIET))
    other = replace(second, config=replace(second.config, batch_size=64))
    table, _ = compare((first, other))
    assert not any("another track" in line for line in table.answer)


def test_a_damaged_turn_is_left_out():
    first, second = duel(*QUIET)
    damaged = replace(second, slices=(replace(second.slices[0], images=0), *second.slices[1:]))
    row, _ = row_of(first, replace(damaged, training=training_of((), damaged.config, damaged.slices)))
    assert row["ratio"] == pytest.approx(1.2, abs=0.005)


def test_other_tracks_do_not_stand_beside_each_other():
    table, _ = compare(beside(*duel(*QUIET), track="parity"))
    assert not any("as fast as" in line for line in table.answer)


def test_runs_of_the_track_best_stand_beside_another_on_request_alone():
    apart = [
        replace(result, environment=MachineSnapshot(), slices=())
        for seed in (25, 26, 27)
        for result in beside(*duel(*QUIET, seed=seed))
    ]
    assert not any("as fast as" in line for line in compare(apart)[0].answer)
    (line,) = [line for line in compare(apart, across=True)[0].answer if "as fast as" in line]
    assert "as fast as PyTorch on best" in line
    assert line.endswith("; another track, so not ranked")


def test_what_the_pack_took_stands_beside_it_and_when_it_pays():
    first, second = beside(*duel(*QUIET), pack_build_s=12.25, pack_reused=True)
    first = replace(first, effective={**first.effective, "cache": False})
    first = replace(first, training=replace(first.training, epoch_s_median=10.0))
    second = replace(second, training=replace(second.training, epoch_s_median=8.0))
    table, _ = compare([first, second])
    (note,) = [note for note in table.notes if "decoded once" in note]
    assert note.startswith("best: PyTorch: images were decoded once, in 12.2 s, before these runs")
    assert note.endswith("beside PyTorch on default that pays after 7 epochs")


def test_runs_that_did_not_take_turns_with_each_other_are_no_duel():
    first, second = duel(*QUIET), duel(*QUIET, seed=26)
    row, _ = row_of(first[0], second[1])
    assert row["verdict"] == "single run"


def test_without_an_answer_it_says_how_long_a_duel_would_take_that_ends_with_one():
    _, notes = row_of(*duel(*NOISY))
    (note,) = [one for one in notes if "would settle it" in one]
    planned = int(re.fullmatch(r"TensorFlow: a duel of about (\d+) minutes would settle it: .*", note)[1])
    _, notes = row_of(*duel(*NOISY, until=0.02))
    (note,) = [one for one in notes if "would settle it" in one]
    assert planned > 2  # more than was spent
    assert note != f"TensorFlow: a duel of about {planned} minutes would settle it: run it with --until 2%"
    _, notes = row_of(*duel(*QUIET))
    assert not any("would settle it" in note for note in notes)


@pytest.mark.parametrize(("accuracy", "said"), [(True, False), (False, True)])
def test_where_accuracy_was_not_measured_it_says_so(accuracy, said):
    _, notes = row_of(*duel(*QUIET, accuracy=accuracy))
    assert any("Accuracy was not measured" in note for note in notes) is said


def test_what_lies_beside_the_epochs_of_an_arm_is_no_finding():
    results = [replace(result, phases={"training": 90.0}) for result in duel(*QUIET)]
    _, notes = row_of(*results)
    assert not any("before, between or after its epochs" in note or "first epoch" in note for note in notes)
