import math

import pytest

from tests.waiting import wait_until
from tfpt_tui.backends import report as reporting
from tfpt_tui.backends import worker
from tfpt_tui.backends.report import Report
from tfpt_tui.runs.record.tail import EventTail


def told(path):
    return [stamped.event for stamped in EventTail(path).stream()]


def kinds(path):
    return [event.kind for event in told(path)]


def test_a_phase_is_told_at_both_ends(tmp_path):
    with Report(tmp_path / "events") as report, report.phase("import"):
        pass
    start, end = told(tmp_path / "events")
    assert (start.kind, start.phase) == ("phase_start", "import")
    assert (end.kind, end.phase) == ("phase_end", "import")
    assert end.seconds >= 0


def test_a_phase_that_fails_has_no_end(tmp_path):
    try:
        with Report(tmp_path / "events") as report, report.phase("training"):
            raise ValueError
    except ValueError:
        pass
    assert kinds(tmp_path / "events") == ["phase_start"]


def test_progress_is_told_by_a_thread_from_the_counter(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "PROGRESS_S", 0.01)
    with Report(tmp_path / "events") as report, report.phase("evaluation", total=100):
        report.done += 40
        wait_until(lambda: "progress" in kinds(tmp_path / "events"))
    progress = next(event for event in told(tmp_path / "events") if event.kind == "progress")
    assert (progress.phase, progress.total) == ("evaluation", 100)
    assert progress.done in (0, 40)


def test_a_counter_beyond_its_total_is_told_as_the_total(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "PROGRESS_S", 0.01)
    with Report(tmp_path / "events") as report, report.phase("evaluation", total=10):
        report.done = 32
        wait_until(lambda: any(getattr(event, "done", 0) == 10 for event in told(tmp_path / "events")))
    assert max(event.done for event in told(tmp_path / "events") if event.kind == "progress") == 10


def test_silence_is_broken_by_heartbeats(tmp_path, monkeypatch):
    monkeypatch.setattr(reporting, "PROGRESS_S", 0.01)
    monkeypatch.setattr(reporting, "HEARTBEAT_S", 0.02)
    with Report(tmp_path / "events"):
        wait_until(lambda: kinds(tmp_path / "events").count("heartbeat") >= 2)


def test_an_epoch_tells_its_rate(tmp_path):
    with Report(tmp_path / "events") as report:
        report.begin_epoch(2, 3, total=500)
        report.end_epoch(1.5, 0.25, seconds=2.0, first_batch_s=0.1)
    (epoch,) = told(tmp_path / "events")
    assert (epoch.epoch, epoch.epochs, epoch.images_per_s) == (2, 3, 250.0)


def test_a_training_that_diverges_is_warned_of_once(tmp_path):
    with Report(tmp_path / "events") as report:
        for number in (1, 2):
            report.begin_epoch(number, 2, total=10)
            report.end_epoch(math.nan, 0.0, seconds=1.0, first_batch_s=0.1)
    warnings = [event.message for event in told(tmp_path / "events") if event.kind == "warning"]
    assert warnings == ["the loss became nan in epoch 1: the training has diverged"]


def test_an_epoch_that_trained_nothing_has_no_loss_and_is_not_warned_of(tmp_path):
    with Report(tmp_path / "events") as report:
        report.begin_epoch(1, 1, total=10)
        report.end_epoch(None, None, seconds=1.0, first_batch_s=0.1)
    (epoch,) = told(tmp_path / "events")
    assert (epoch.loss, epoch.accuracy, epoch.images_per_s) == (None, None, 10.0)


def test_events_are_numbered_in_the_order_of_the_file(tmp_path):
    with Report(tmp_path / "events") as report:
        for _ in range(20):
            with report.phase("import"):
                pass
    numbers = [stamped.seq for stamped in EventTail(tmp_path / "events").stream()]
    assert numbers == list(range(40))


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("out of room\nwhile it did so", "out of room"),
        ("Graph execution error:\n\nDetected at node decode\nUnknown image file format.\n\t [[{{node x}}]]", None),
        ("", "ValueError"),
    ],
)
def test_an_error_is_told_by_its_reason(message, told):
    assert worker._explain(ValueError(message)).message == (told or "Unknown image file format.")


def test_the_clock_of_the_training_stands_still_while_others_have_their_turn(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(reporting, "clock", lambda: now[0])
    with Report(tmp_path / "events") as report, report.phase("training"):
        report.begin_epoch(1, 2, 80)
        started = report.clock()
        now[0] += 2
        assert report.stop_clock() - started == 2
        now[0] += 50
        assert report.clock() - started == 2
        assert report.start_clock() - started == 2
        now[0] += 1
        report.end_epoch(1.0, 0.5, report.clock() - started, 0.1)
    _, epoch, phase = told(tmp_path / "events")
    assert (epoch.seconds, phase.seconds) == (3, 3)


def test_an_endless_training_has_no_last_epoch(tmp_path):
    with Report(tmp_path / "events") as report:
        report.endless = True
        report.begin_epoch(1, 10_000, 80)
        report.end_epoch(1.0, 0.5, 1.0, 0.1)
    (epoch,) = told(tmp_path / "events")
    assert (epoch.epoch, epoch.epochs) == (1, 0)
