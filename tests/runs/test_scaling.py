import dataclasses

import pytest

from tfpt_tui import events
from tfpt_tui.config.schema import RunConfig, describe_epochs
from tfpt_tui.events import EpochEnd, Stamped
from tfpt_tui.results.presentation.run_report import report_run
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.result import make_result, result_document
from tfpt_tui.runs.record.scaling import Scaled, compile_s, scaled_s


def epochs(*seconds):
    return tuple(
        EpochEnd(number, len(seconds), 1.0, 0.5, s, 0.1, 50.0) for number, s in enumerate(seconds, start=1)
    )


def config(**settings):
    return RunConfig.from_mapping({"framework": "pytorch", "data": "/d", **settings}, "test")


def result_of(trained, training_s, **settings):
    told = [*epochs(*trained), events.PhaseEnd("training", training_s), events.PhaseEnd("evaluation", 3.0)]
    record = fold_all(Stamped(number, 1.0, 1.0, event) for number, event in enumerate(told))
    return make_result("r", "completed", None, config(**settings), record, {})


def test_the_first_epoch_counts_once_and_the_median_of_the_others_for_the_rest():
    assert scaled_s(epochs(10.0, 4.0, 5.0, 6.0), 20, 1.0) == 10.0 + 19 * 5.0
    assert scaled_s(epochs(10.0), 20, 0.0) == 200.0
    assert scaled_s(epochs(10.0, 4.0), 1, 0.0) == 10.0


def test_what_a_single_epoch_compiled_is_not_compiled_in_all_of_them():
    assert scaled_s(epochs(10.0), 20, 2.0) == 10.0 + 19 * 8.0
    # 500 images in 16 batches: 15 of them in the 8 s after the first one.
    (only,) = (dataclasses.replace(one, first_batch_s=2.0) for one in epochs(10.0))
    tensorflow = config(framework="tensorflow", batch_size=32)
    assert compile_s(tensorflow, [only]) == pytest.approx(2.0 - 8.0 / 15)
    assert compile_s(tensorflow.replace(framework="pytorch"), [only]) == 0.0
    assert compile_s(RunConfig(framework="tensorflow", data=""), [only]) == 0.0  # its config.toml cannot be read
    first, second = (
        dataclasses.replace(one, first_batch_s=s) for one, s in zip(epochs(10.0, 8.0), (2.0, 0.5), strict=True)
    )
    assert compile_s(config(framework="pytorch", batch_size=32), [first, second]) == 1.5
    assert compile_s(tensorflow, [dataclasses.replace(only, images_per_s=2.0)]) == 0.0  # a single batch


def test_what_the_training_takes_beside_its_epochs_is_not_multiplied():
    result = result_of((10.0, 4.0), training_s=16.0, epochs=20, epochs_measured=2, track="published")
    assert result.scaled == Scaled(
        from_epochs=2,
        to_epochs=20,
        training_s=2.0 + 10.0 + 19 * 4.0,
        epochs_s=10.0 + 19 * 4.0,
        article_training_s=2.0 + 10.0 + 19 * 4.0,
    )
    assert result.phases["training"] == 16.0
    assert result.article_clock.training_s == 16.0


@pytest.mark.parametrize(
    "settings", [{"epochs": 2}, {"epochs": 2, "epochs_measured": 2}, {"epochs": 2, "epochs_measured": 9}]
)
def test_a_run_of_all_epochs_is_not_scaled(settings):
    result = result_of((10.0, 4.0), 16.0, **settings)
    assert result.scaled is None
    assert "scaled" not in result_document(result)


def test_a_scaled_time_says_so_wherever_it_is_shown():
    result = result_of((10.0,), 10.0, epochs=20, epochs_measured=1)
    assert result.scaled.note == "scaled from 1 epoch"
    assert "200.0 s for 20 epochs, scaled from 1 epoch" in report_run(result)
    assert result_of((10.0, 4.0), 14.0, epochs=20, epochs_measured=2).scaled.note == "scaled from 2 epochs"


def test_the_epochs_are_told_as_part_of_the_whole():
    assert describe_epochs(config(epochs=20, epochs_measured=1)) == "1 of 20 epochs"
    assert describe_epochs(config(epochs=1)) == "1 epoch"
    assert config(epochs=3, epochs_measured=7).epochs_trained == 3
