"""Did they learn the same? The figures are those of a real pair: 375 steps, momentum 0.99 in Keras."""

import math
from dataclasses import replace

import pytest

from tests.results.test_comparison import compare, result
from tfpt_tui.results.comparison.groups import group
from tfpt_tui.results.comparison.learning import judge_learning, remaining_share
from tfpt_tui.runs.record.result import Evaluation


def run(name, framework, plain, recalibrated, trained=0.98, images=500, momentum=0.9):
    effective = {"device": "cpu", "batch_norm_momentum": momentum, "steps_per_epoch": 125}
    found = result(name, framework, effective=effective)
    test = Evaluation(
        accuracy=plain, loss=1.0, seconds=1.0, images_per_s=float(images), recalibrated_accuracy=recalibrated
    )
    return replace(found, test=test, training=replace(found.training, accuracy=trained, epochs=3))


def judged(own, baseline):
    entries = group([baseline, own])
    return judge_learning(entries[1], entries[0])


def test_running_averages_that_lag_are_named_and_are_no_difference_of_work():
    keras = run("t", "tensorflow", plain=0.611, recalibrated=0.976, momentum=0.99)
    found = judged(keras, run("p", "pytorch", plain=0.978, recalibrated=0.977))
    assert found.same is True
    assert found.why == (
        "learned the same; the running averages of TensorFlow still hold 2.3% of their start after 375 steps"
    )


def test_the_share_that_remains_is_a_power_of_the_momentum():
    assert remaining_share(0.99, 375) == pytest.approx(0.0231, abs=1e-4)


def test_another_recalibrated_accuracy_is_another_training():
    own = run("t", "tensorflow", plain=0.60, recalibrated=0.70)
    found = judged(own, run("p", "pytorch", plain=0.978, recalibrated=0.977))
    assert found.same is False
    assert "test accuracy with recomputed statistics 0.7000 is outside 0.9770" in found.why


def test_another_training_accuracy_is_another_training():
    own = run("t", "tensorflow", plain=0.97, recalibrated=0.97, trained=0.80)
    assert judged(own, run("p", "pytorch", plain=0.978, recalibrated=0.977)).same is False


def test_recordings_without_recalibration_are_judged_by_what_they_have():
    own = run("t", "tensorflow", plain=0.60, recalibrated=None, trained=0.80)
    assert judged(own, run("p", "pytorch", plain=0.978, recalibrated=None)).same is False
    same = run("t", "tensorflow", plain=0.97, recalibrated=None, trained=0.80)
    assert judged(same, run("p", "pytorch", plain=0.978, recalibrated=None)).same is True


def test_three_test_images_tell_nothing():
    own = run("t", "tensorflow", plain=0.0, recalibrated=0.3333, images=3)
    found = judged(own, run("p", "pytorch", plain=0.3333, recalibrated=0.0, images=3))
    assert found.same is None
    assert found.why == "3 test images are too few to compare accuracies"


def test_the_answer_has_the_accuracies_that_decided():
    keras = run("t", "tensorflow", plain=0.611, recalibrated=0.976, momentum=0.99)
    table = compare([run("p", "pytorch", plain=0.978, recalibrated=0.977), keras])
    line = "same learning: test accuracy with recomputed statistics 97.7 % in PyTorch and 97.6 % in TensorFlow"
    assert line in table.answer


def test_of_a_duel_the_restart_that_was_tested_is_judged_alone():
    """Those before it were ended, after as many epochs as there was time for."""

    def three(name, framework, plain, epochs):
        tested = run(name, framework, plain=plain, recalibrated=None)
        cut = replace(tested, test=Evaluation(), training=replace(tested.training, accuracy=0.1, epochs=epochs))
        return [replace(cut, run=f"{name}1"), replace(cut, run=f"{name}2"), tested]

    entries = group([*three("p", "pytorch", 0.5, 1), *three("t", "tensorflow", 0.555, 2)])
    assert judge_learning(entries[1], entries[0]).same is True  # chance alone moves 500 images by so much


def test_one_of_several_trainings_that_diverged_is_another_learning():
    own = run("t", "tensorflow", plain=0.978, recalibrated=0.977)
    lost = replace(own, run="u", test=replace(own.test, loss=math.nan))
    baseline = run("p", "pytorch", plain=0.978, recalibrated=0.977)
    entries = group([baseline, own, lost])
    assert judge_learning(entries[1], entries[0]).why == "1 of 2 trainings diverged"
    found = judge_learning(entries[0], entries[1])
    assert (found.same, found.why) == (None, "1 of 2 trainings of TensorFlow diverged")
