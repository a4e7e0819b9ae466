import math
from functools import reduce

from tfpt_tui import events
from tfpt_tui.events import EpochEnd, Stamped
from tfpt_tui.runs.record.fold import Record, epochs_table, fold, fold_all, time_left_s


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


def test_numbers_of_epochs_keep_their_precision():
    rows = epochs_table(fold_all(stream(epoch(1, loss=1.9313594970703125), epoch(2, loss=math.nan))))
    assert rows[0] == ["epoch", "train_loss", "train_accuracy", "seconds", "first_batch_s", "images_per_s"]
    assert rows[1][1] == "1.9313594970703125"
    assert rows[2][1] == "nan"
