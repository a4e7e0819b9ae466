import math
from functools import reduce

import pytest

from tfpt_tui import events
from tfpt_tui.events import EpochEnd, Stamped
from tfpt_tui.runs.record.fold import (
    FLAGGED,
    Record,
    doubts,
    epochs_table,
    fold,
    fold_all,
    judge_epochs,
    make_result,
    throughput,
    time_left_s,
    training_figures,
)


def stream(*told):
    return [Stamped(seq, 100.0 + seq, float(seq), event) for seq, event in enumerate(told)]


def epoch(number, loss=1.0, seconds=2.0, rate=50.0):
    return EpochEnd(number, 3, loss, 0.5, seconds, 0.1, rate)


def test_phases_come_and_go():
    record = fold_all(
        stream(events.PhaseStart("import"), events.PhaseEnd("import", 3.0), events.PhaseStart("training"))
    )
    assert record.phases == {"import": 3.0}
    assert record.phase == "training"
    assert record.phase_elapsed == 2.0


def test_progress_ends_with_its_epoch():
    told = [events.PhaseStart("training"), events.Progress("training", 1, 30, 100, 10.0)]
    assert fold_all(stream(*told)).epoch_progress == 0.3
    assert fold_all(stream(*told, epoch(1))).progress is None


def test_a_fold_in_two_parts_is_the_fold_of_the_whole():
    told = stream(events.RunStart("r"), epoch(1), events.RunWarning("hot"), epoch(2), events.RunEnd("completed"))
    assert fold_all(told[3:], fold_all(told[:3])) == fold_all(told)


def test_progress_that_is_told_often_is_folded_once(monkeypatch):
    progress = [events.Progress("training", 1, done, 100, 10.0) for done in range(50)]
    told = stream(events.PhaseStart("training"), *progress, epoch(1), *progress[:7])
    whole = reduce(fold, told, Record())
    folded = []
    monkeypatch.setattr("tfpt_tui.runs.record.fold.fold", lambda before, one: folded.append(one) or whole)
    fold_all(told)
    monkeypatch.undo()
    assert len(folded) == 4
    assert fold_all(told) == whole
    assert fold_all([]) == Record()


def test_the_time_left_counts_the_epochs_to_come():
    start = events.RunStart("r", "pytorch", "1", "0.2.0", {"epochs": 3}, 1)
    progress = events.Progress("training", 2, 50, 100, 25.0)
    assert time_left_s(fold_all(stream(start, epoch(1, seconds=4.0), progress))) == 2.0 + 4.0
    assert time_left_s(fold_all(stream(start))) is None


def test_steady_throughput_leaves_the_first_epoch_out():
    figures = training_figures((epoch(1, seconds=10.0, rate=10.0), epoch(2), epoch(3)))
    assert figures["images_per_s"] == 50.0
    assert figures["images"] == 300
    assert figures["first_epoch_s"] == 10.0
    assert figures["epoch_s_median"] == 2.0


def test_a_single_epoch_is_its_own_steady_state():
    assert training_figures((epoch(1, seconds=10.0, rate=10.0),))["images_per_s"] == 10.0


def test_numbers_of_epochs_keep_their_precision():
    rows = epochs_table(fold_all(stream(epoch(1, loss=1.9313594970703125), epoch(2, loss=math.nan))))
    assert rows[0] == ["epoch", "train_loss", "train_accuracy", "seconds", "first_batch_s", "images_per_s"]
    assert rows[1][1] == "1.9313594970703125"
    assert rows[2][1] == "nan"


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
    result = make_result("r", "completed", None, {"framework": framework, "track": track}, record, {}, ())
    assert result["article_clock"] == {"training_s": training_s, "evaluation_s": 1.0}


def test_what_was_not_reached_is_left_out():
    result = make_result("r", "crashed", None, {"framework": "pytorch"}, fold_all([]), {}, ())
    assert not {"training", "test", "model", "effective", "article_clock"} & result.keys()


def test_the_larger_account_of_the_memory_counts():
    record = fold_all(stream(events.RunEnd("completed", None, {"peak_rss_bytes": 5, "peak_gpu_bytes": 7})))
    result = make_result("r", "completed", None, {}, record, {"worker_rss_bytes_max": 9}, ())
    assert result["memory"] == {"peak_rss_bytes": 9, "peak_gpu_bytes": 7}


def test_the_throughput_is_that_of_the_median_epoch_which_a_disturbed_one_does_not_move():
    quiet = tuple(events.EpochEnd(number, 6, 1.0, 0.5, 4.0, 0.1, 250.0) for number in range(1, 7))
    disturbed = (*quiet[:4], events.EpochEnd(5, 6, 1.0, 0.5, 20.0, 0.1, 50.0), quiet[5])
    assert throughput(training_figures(quiet)) == throughput(training_figures(disturbed)) == 250.0
    assert training_figures(disturbed)["images_per_s"] < 150  # the mean, as ever


def test_a_disturbed_epoch_is_flagged_and_a_slow_first_one_is_not():
    seconds = [9.0, 4.0, 4.1, 3.9, 20.0, 4.05]
    epochs = tuple(events.EpochEnd(number, 6, 1.0, 0.5, s, 0.1, 1000 / s) for number, s in enumerate(seconds, 1))
    warning = judge_epochs(epochs)
    assert (warning.code, warning.taints) == ("disturbed_epochs", "epochs")
    assert warning.message.startswith("epoch 5 took up to 4.9 times as long as the others")
    assert judge_epochs(epochs[:4]) is None
    assert "disturbed_epochs" in doubts([warning], *FLAGGED)
    assert doubts([warning], "time") == []
