"""What planned runs take; the command line's words for it are tested in tests/cli/test_forecast.py."""

from dataclasses import replace

import pytest

from tests.recordings import a_result
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import MissingError
from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.machine_snapshot import Fingerprint, MachineSnapshot
from tfpt_tui.results.requests.duration import (
    SIZING_ROUNDS,
    SUPERVISED_S,
    Pace,
    corrected_s,
    duel_s,
    estimate_s,
    expect_elsewhere_s,
    expect_s,
    pace_of,
    paces_here,
    paces_of,
)
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.runs.plan.duel import ROUNDS
from tfpt_tui.runs.record.result import Evaluation, Training


def config(framework="pytorch", **settings):
    return RunConfig.from_mapping({"framework": framework, "data": "/d", **settings}, "test")


def summary(rate=1000.0, machine="m1", tested=2000.0, **known):
    one = a_result(
        phases={"import": 8.0, "compile": 2.0, "training": 50.0, "evaluation": 5.0},
        training=Training(images_per_s=rate),
        test=Evaluation(images_per_s=tested),
        **known,
    )
    return replace(one, environment=MachineSnapshot(fingerprint=Fingerprint(machine)))


def estimate(config_, *summaries, train=10_000, test=2_000):
    """The seconds of the run's own phases."""
    seconds = estimate_s(config_, train, test, paces_of(summaries, "m1"))
    return None if seconds is None else seconds - SUPERVISED_S


def test_no_run_takes_longer_than_it_may():
    paces = paces_of([summary()], "m1")
    assert estimate_s(config(epochs=3, timeout_s=14), 10_000, 2_000, paces) == 14
    assert estimate_s(config(epochs=3, timeout_s=99), 10_000, 2_000, paces) == SUPERVISED_S + 41


def test_a_run_takes_its_images_at_the_recorded_rates_and_what_passes_beside():
    assert estimate(config(epochs=3), summary()) == 10 + 3 * 10_000 / 1000 + 2_000 / 2000


def test_short_forms_and_short_epochs_take_less():
    assert estimate(config(epochs=20, epochs_measured=1), summary()) == 10 + 10 + 1
    assert estimate(config(epochs=1, max_steps=10, batch_size=100), summary()) == 10 + 1 + 1


def test_a_larger_input_takes_longer_by_its_area():
    assert estimate(config(epochs=1, image_size=64), summary()) == 10 + 4 * (10 + 1)


@pytest.mark.parametrize(
    "other",
    [
        {"framework": "tensorflow"},
        {"track": "parity"},
        {"measure": "loader"},
        {"device": "cpu"},
        {"status": "failed"},
        {"machine": "m2"},
    ],
)
def test_other_kinds_of_runs_and_other_machines_tell_nothing(other):
    assert estimate(config(), summary(**other)) is None


def test_the_nearest_recordings_count_the_latest_by_their_median():
    near = [summary(rate, batch_size=64) for rate in (100.0, 300.0, 200.0)]
    found = estimate(config(epochs=1, batch_size=64), summary(9.0, batch_size=32), *near)
    assert found == 10 + 10_000 / 200 + 1
    # A cache matters more than the size of a batch.
    found = estimate(
        config(epochs=1, batch_size=64, cache=True), summary(9.0, batch_size=64), summary(500.0, cache=True)
    )
    assert found == 10 + 10_000 / 500 + 1


@pytest.mark.parametrize("rate", [0.0, float("nan")])
def test_a_rate_that_is_none_is_no_pace(rate):
    assert pace_of(summary(rate)) is None


def test_what_is_left_is_corrected_by_what_has_passed():
    assert corrected_s([10.0, 20.0], []) == 30.0
    assert corrected_s([10.0, 20.0], [(10.0, 20.0), (10.0, 30.0), (10.0, 20.0)]) == 60.0


def test_runs_that_were_disturbed_count_only_where_there_are_no_others():
    slow = summary(rate=50.0, warnings=(RunWarning("m", "busy", taints="time"),))
    harmless = summary(warnings=(RunWarning("m", "x", taints="memory"),))
    assert estimate(config(epochs=1), slow, slow, harmless) == 10 + 10 + 1
    assert estimate(config(epochs=1), slow) == 10 + 200 + 1


def test_a_run_is_expected_from_the_images_of_its_dataset(dataset):
    data = str(dataset)
    pace = Pace(config(data=data), 3.0, 16.0, 32.0)
    # 32 images in training and 32 in the test
    assert expect_s([config(data=data, epochs=2), config(data=data, track="parity")], [pace]) == [
        SUPERVISED_S + 3.0 + 4.0 + 1.0,
        None,
    ]


def test_a_run_elsewhere_is_expected_from_what_its_machine_has_completed_there():
    def done(machine, data="/there", rate=100.0):
        trained = Training(epochs=2, images=2000, images_per_s=rate)
        tested = Evaluation(images_per_s=1000.0, seconds=0.5)
        phases = {"import": 3.0, "training": 20.0, "evaluation": 0.5}
        return a_result(machine=machine, data=data, phases=phases, training=trained, test=tested)

    waiting = a_result(status="queued", machine="box", data="/there", epochs=4)
    others = [done("", rate=1.0), done("cluster", rate=1.0), done("box")]
    assert expect_elsewhere_s(waiting, others) == SUPERVISED_S + 3.0 + 4 * 1000 / 100 + 500 / 1000
    assert expect_elsewhere_s(waiting, [done("box", data="/other"), done("cluster")]) is None


def test_a_dataset_that_is_not_there_is_told(tmp_path):
    for missing in (tmp_path / "none", tmp_path / ("x" * 300)):
        with pytest.raises(MissingError, match=r"no such dataset|cannot read the dataset"):
            expect_s([config(data=str(missing))], [])


def test_a_machine_without_recordings_has_no_paces(paths):
    assert paces_here(read_summaries(paths)) == []


def paces(pytorch=1000.0, tensorflow=500.0):
    return [
        Pace(config(one), 10.0, rate, 2000.0) for one, rate in (("pytorch", pytorch), ("tensorflow", tensorflow))
    ]


ARMS = [config("pytorch"), config("tensorflow")]
STARTING_S = 2 * (SUPERVISED_S + 10)
SIZED_ROUNDS = SIZING_ROUNDS + ROUNDS


def test_a_duel_takes_its_starts_and_rounds_of_as_many_images_for_each_arm():
    images = (1000 * 500) ** 0.5
    assert duel_s(ARMS, 3, False, paces()) == pytest.approx(
        3 * (STARTING_S + SIZED_ROUNDS * (images / 1000 + images / 500))
    )


def test_an_arm_that_is_far_slower_takes_turns_as_long_as_the_others():
    assert duel_s(ARMS, 1, False, paces(1000, 100)) == pytest.approx(STARTING_S + SIZED_ROUNDS * 2.0)


def test_a_duel_with_accuracy_fits_into_its_trainings_and_ends_with_them(dataset):
    """32 training and 32 test images: an epoch is over before a turn would be."""
    arms = [config(one.framework, data=str(dataset), epochs=300) for one in ARMS]
    round_s = 32 * 300 // 30 * (1 / 1000 + 1 / 500)
    restart_s = STARTING_S + SIZED_ROUNDS * round_s
    whole_s = STARTING_S + 32 * 300 * (1 / 1000 + 1 / 500) + 2 * 32 / 2000
    assert duel_s(arms, 2, True, paces()) == pytest.approx(restart_s + whole_s)


def test_a_duel_of_what_was_never_recorded_has_no_length():
    assert duel_s(ARMS, 3, False, paces()[:1]) is None
