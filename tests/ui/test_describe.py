"""A run in words: what stands beside its figures."""

import dataclasses
from pathlib import Path

import pytest

from tests.recordings import a_result
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EpochEnd, Progress, RunStart, RunWarning
from tfpt_tui.hardware.sample import Sample
from tfpt_tui.runs.record.fold import Record
from tfpt_tui.ui.monitor.curves import Shown
from tfpt_tui.ui.monitor.reader import RunView, Turns
from tfpt_tui.ui.monitor.text import all_ended, headline, legend, outcome, progress, sparkline

EPOCH = EpochEnd(1, 2, 1.5, 0.5, 1.0, 0.1, 1234.0)


def view(epoch=EPOCH, warnings=(), **settings):
    config = RunConfig.from_mapping({"framework": "tensorflow", "data": "/d", **settings}, "here")
    return RunView("r-r-tensorflow-1", Path("/r"), "running", config, Record(epochs=(epoch,)), warnings=warnings)


def test_a_rate_that_is_doubtful_is_marked_with_the_reasons():
    doubts = (
        RunWarning("m", "busy", "a", "time"),
        RunWarning("m", "swap_in_use"),
        RunWarning("m", "busy", "", "time"),
    )
    assert outcome(view(warnings=doubts), 80).plain == "train loss 1.5000 acc 0.5000  1,234 img/s ! busy"
    assert outcome(view(), 80).plain.endswith("1,234 images/s")


def test_loading_alone_has_a_rate_and_no_loss():
    loaded = EpochEnd(1, 2, None, None, 1.0, 0.1, 1234.0)
    assert outcome(view(loaded), 80).plain == "loading only: nothing is trained  1,234 images/s"


def test_the_settings_name_the_track_and_what_is_timed():
    assert "track parity, loader only, batch 32" in headline(view(track="parity", measure="loader")).plain
    assert "track default, batch 32" in headline(view()).plain


def test_only_runs_of_one_kind_have_their_times_compared():
    def shown(name, label, **settings):
        return Shown(dataclasses.replace(view(**settings), id=name), "red", label)

    base, other = shown("r1", "A"), shown("r2", "B", cache=True)
    loading = shown("r3", "C", measure="loader")
    first, second, third = legend([other, loading, base], "r1").plain.split("\n")
    assert first.endswith("r1: baseline")
    assert second == "━ B TensorFlow, track default, batch 32, cached, r2: 1.00x its time per image"
    assert third == "━ C TensorFlow, track default, loader only, batch 32, r3"


def test_workers_are_shown_where_they_apply():
    assert "workers" not in headline(view(num_workers=2)).plain
    assert "2 workers" in headline(view(num_workers=2, track="parity")).plain


def test_the_rate_of_a_run_that_is_over_is_the_one_that_is_compared():
    epochs = tuple(
        EpochEnd(number, 4, 1.0, 0.5, 100 / rate, 0.1, rate)
        for number, rate in enumerate((10, 200.0, 2.0, 100.0), 1)
    )
    live = view()
    record = Record(epochs=epochs)
    assert outcome(dataclasses.replace(live, record=record), 80).plain.endswith(" 100 images/s")
    assert outcome(dataclasses.replace(live, record=record, status="completed"), 80).plain.endswith("100 images/s")


def test_the_bar_is_of_the_whole_training():
    start = RunStart("r", "pytorch", "2", "0.2.0", {"epochs": 4}, 1)
    record = Record(start=start, phase="training", progress=Progress("training", 3, 50, 100, 10.0))
    assert " 62% " in progress(dataclasses.replace(view(), record=record), 60).plain


def test_the_reading_of_a_run_that_is_over_is_the_last_with_its_worker():
    samples = (Sample(0, 1.0, worker_rss_bytes=700), Sample(1, 2.0, worker_rss_bytes=0))
    live = dataclasses.replace(view(), samples=samples)
    assert live.sample == samples[1]
    assert dataclasses.replace(live, status="completed").sample == samples[0]
    assert dataclasses.replace(live, status="completed", samples=samples[1:]).sample == samples[1]


def running(progress_=None, epochs=(EPOCH,), **changes):
    record = Record(
        start=RunStart("r", "tensorflow", "1", "0.2.0", {"epochs": 4}),
        phase="training",
        epochs=epochs,
        progress=progress_,
    )
    return dataclasses.replace(view(), record=record, **changes)


def test_between_two_epochs_the_last_one_tells_how_fast_it_goes():
    told = progress(running(), 100).plain
    assert told.startswith("epoch 1/4")
    assert "25% 1,234 img/s 3 s left" in told
    begun = progress(running(Progress("training", 2, 0, 1234, 0.0)), 100).plain
    assert begun.startswith("epoch 2/4")
    assert "25% 1,234 img/s" in begun
    assert progress(running(epochs=()), 100).plain.startswith("training: phase 7")


def test_where_there_is_little_room_the_gauge_goes_first_and_then_the_rate():
    told = {
        columns: progress(running(Progress("training", 3, 617, 1234, 617.0)), columns).plain
        for columns in (50, 36, 30)
    }
    assert told[50].endswith("  62% 617 img/s 2 s left")
    assert len(told[50]) > len(told[36])  # by the gauge
    assert (told[36], told[30]) == ("epoch 3/4  62% 617 img/s 2 s left", "epoch 3/4  62% 2 s left")


def test_a_run_that_is_to_end_says_so():
    assert progress(running(waiting="stopping on request"), 100).plain == "stopping on request"


def test_what_a_sweep_may_vary_stands_beside_what_is_always_told():
    text = headline(view(environment="other", learning_rate=0.1)).plain
    assert "seed 25, environment other, learning_rate 0.1" in text


def test_the_end_of_all_that_was_alive_is_said_once_with_how_it_ended():
    before = (a_result("a", status="running"), a_result("b", status="queued"), a_result("c", status="failed"))
    half = (a_result("a"), a_result("b", status="running"), before[2])
    over = (a_result("a"), a_result("b", status="out_of_memory"), before[2])
    assert all_ended(before, half) == ""
    assert all_ended(half, over) == "1 run out of memory"
    assert all_ended(before, over) == "1 run completed, 1 run out of memory"
    assert all_ended(over, over) == ""


def test_the_rates_of_arms_are_whole_on_narrow_screens():
    arms = (Turns("pytorch", ((1.0, 833.0),), 833.0, 0.982), Turns("tensorflow", ((1.0, 1141.0),), 1141.0, 0.979))
    duel = dataclasses.replace(view(), turns=arms)
    assert outcome(duel, 80).plain == "A PyTorch 833, B TensorFlow 1,141 images/s  test 0.982, 0.979"
    assert outcome(duel, 51).plain == "A 833, B 1,141 images/s  test 0.982, 0.979"


def test_the_end_of_a_plan_counts_all_of_its_runs():
    first, last = dataclasses.replace(a_result("a"), sweep="s"), dataclasses.replace(a_result("b"), sweep="s")
    before = (a_result("c"), first, dataclasses.replace(last, status="running"))
    assert all_ended(before, (a_result("c"), first, last)) == "2 runs completed"


@pytest.mark.parametrize(
    ("ys", "width", "y_range", "bars"),
    [
        ((0.0, 50.0, 100.0), 5, (0.0, 100.0), "▁▅█  "),
        ((0.0, 100.0, 50.0, 50.0), 2, (0.0, 100.0), "▅▅"),  # two values a bar: their mean
        ((1.0, 2.0), 2, None, "▅█"),
        ((0.0, 0.0), 2, None, "▁▁"),
        ((150.0, -1.0), 2, (0.0, 100.0), "█▁"),
    ],
)
def test_small_bars_have_the_mean_of_what_has_no_room_of_its_own(ys, width, y_range, bars):
    assert sparkline(ys, width, y_range) == bars
