import pytest

from tests.runs.test_fold import epoch, stream
from tfpt_tui import events
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import DocumentError
from tfpt_tui.hardware.machine_snapshot import NO_SNAPSHOT
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.result import (
    FLAGGED,
    ArticleClock,
    Memory,
    doubts,
    judge_epochs,
    make_result,
    result_document,
    result_from,
    training_of,
)

CONFIG = RunConfig(framework="pytorch", data="/d")


def test_steady_throughput_leaves_the_first_epoch_out():
    training = training_of((epoch(1, seconds=10.0, rate=10.0), epoch(2), epoch(3)), CONFIG)
    assert training.images_per_s == 50.0
    assert training.images == 300
    assert training.first_epoch_s == 10.0
    assert training.epoch_s_median == 2.0


@pytest.mark.parametrize(
    ("table", "figures", "said"),
    [
        ("test", {"accuracy": 55.3}, "test.accuracy: cannot be 55.3"),
        ("test", {"recalibrated_accuracy": -0.1}, "test.recalibrated_accuracy: cannot be -0.1"),
        ("training", {"accuracy": 1.5}, "training.accuracy: cannot be 1.5"),
        ("test", {"seconds": -1.0, "images_per_s": 100.0}, "test: "),
    ],
)
def test_what_no_accuracy_can_be_is_refused_as_it_is_read(table, figures, said):
    document = {"run": "r", "status": "completed", "config": CONFIG.to_mapping(), "phases": {}, table: figures}
    with pytest.raises(DocumentError, match=said):
        result_from(document, NO_SNAPSHOT)


def test_a_single_epoch_is_its_own_steady_state():
    assert training_of((epoch(1, seconds=10.0, rate=10.0),), CONFIG).images_per_s == 10.0


@pytest.mark.parametrize(
    ("framework", "track", "training_s"),
    [
        ("pytorch", "default", 17.0),
        ("tensorflow", "default", 12.0),
        ("pytorch", "published", 10.0),
        ("tensorflow", "published", 10.0),
    ],
)
def test_the_articles_clock_covers_the_cache_of_pytorch_and_the_first_steps_compilation(
    framework, track, training_s
):
    """On the track published both are in the training already, as in the article's own code."""
    phases = {"cache_fill": 5.0, "compile": 2.0, "training": 10.0, "evaluation": 1.0}
    record = fold_all(stream(*(events.PhaseEnd(name, seconds) for name, seconds in phases.items())))
    config = RunConfig(framework=framework, track=track, data="/d")
    result = make_result("r", "completed", None, config, record, {})
    assert result.article_clock == ArticleClock(training_s, evaluation_s=1.0)


def test_what_was_not_reached_is_left_out():
    result = make_result("r", "crashed", None, CONFIG, fold_all([]), {})
    assert not {"training", "test", "model", "effective", "article_clock"} & result_document(result).keys()


def test_the_larger_account_of_the_memory_counts():
    record = fold_all(stream(events.RunEnd("completed", None, {"peak_rss_bytes": 5, "peak_gpu_bytes": 7})))
    result = make_result("r", "completed", None, CONFIG, record, {"worker_rss_bytes_max": 9})
    assert result.memory == Memory(peak_rss_bytes=9, peak_gpu_bytes=7)


def test_the_throughput_is_that_of_the_median_epoch_which_a_disturbed_one_does_not_move():
    quiet = tuple(events.EpochEnd(number, 6, 1.0, 0.5, 4.0, 0.1, 250.0) for number in range(1, 7))
    disturbed = (*quiet[:4], events.EpochEnd(5, 6, 1.0, 0.5, 20.0, 0.1, 50.0), quiet[5])
    assert training_of(quiet, CONFIG).throughput == training_of(disturbed, CONFIG).throughput == 250.0
    assert training_of(disturbed, CONFIG).images_per_s < 150  # the mean, as ever


def test_a_disturbed_epoch_is_flagged_and_a_slow_first_one_is_not():
    seconds = [9.0, 4.0, 4.1, 3.9, 20.0, 4.05]
    epochs = tuple(events.EpochEnd(number, 6, 1.0, 0.5, s, 0.1, 1000 / s) for number, s in enumerate(seconds, 1))
    warning = judge_epochs(epochs)
    assert (warning.code, warning.taints) == ("disturbed_epochs", "epochs")
    assert warning.message.startswith("epoch 5 took up to 4.9 times as long as the others")
    assert judge_epochs(epochs[:4]) is None
    assert "disturbed_epochs" in doubts([warning], *FLAGGED)
    assert doubts([warning], "time") == []
