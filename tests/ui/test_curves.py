"""From records to curves: axes, smoothing, and what stays where while a run grows."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EpochEnd
from tfpt_tui.hardware.sample import GpuSample, Sample
from tfpt_tui.runs.record.fold import Record
from tfpt_tui.ui.monitor.curves import (
    EPOCH,
    SECONDS,
    STEP,
    Axes,
    Shown,
    epochs_range,
    of_cores,
    of_epochs,
    of_gpus,
    of_rates,
    of_samples,
    smooth,
)
from tfpt_tui.ui.monitor.reader import RunView


def shown(losses=(2.0, 1.0, 0.5), samples=(), label="A", **settings):
    settings = {"framework": "pytorch", "data": "/d", "epochs": 20, "batch_size": 50, **settings}
    config = RunConfig.from_mapping(settings, "here")
    epochs = tuple(
        EpochEnd(number, 20, loss, 0.5, 10.0, 0.1, 100.0) for number, loss in enumerate(losses, start=1)
    )
    view = RunView(
        "d-t-pytorch-0001", Path("/r"), "running", config, Record(epochs=epochs), samples=tuple(samples)
    )
    return Shown(view, "#ff8700", label)


@pytest.mark.parametrize(
    ("x", "xs", "x_range"),
    [
        (EPOCH, (1, 2, 3), (1, 20)),
        (STEP, (20, 40, 60), (1, 400)),  # 1,000 images an epoch, 50 a step
        (SECONDS, (10, 20, 30), (0, 30)),
    ],
)
def test_a_curve_goes_by_epochs_steps_or_seconds_in_a_range_known_beforehand(x, xs, x_range):
    axes = Axes(x=x)
    (series,) = of_epochs([shown()], "train loss", axes)
    assert series.xs == xs
    assert series.ys == (2.0, 1.0, 0.5)
    assert epochs_range([shown()], axes) == x_range


def test_the_range_holds_the_longest_of_the_runs():
    assert epochs_range([shown(epochs=5), shown(epochs=30)], Axes()) == (1, 30)


def test_the_x_axis_goes_round():
    axes = Axes()
    assert [axes.x, axes.next_x().x, axes.next_x().next_x().x, axes.next_x().next_x().next_x().x] == [
        EPOCH,
        STEP,
        SECONDS,
        EPOCH,
    ]


def test_a_smoothed_curve_lies_over_its_raw_points():
    raw, smoothed = of_epochs([shown((1.0, 3.0, 1.0, 3.0))], "train loss", Axes(smoothing=0.6))
    assert raw.raw
    assert raw.ys == (1.0, 3.0, 1.0, 3.0)
    assert (smoothed.label, smoothed.colour) == ("A", "#ff8700")
    assert max(smoothed.ys) < 3.0


def test_smoothing_is_unbiased_at_its_start_and_leaves_a_constant_alone():
    assert smooth((2.0,) * 6, 0.9) == pytest.approx((2.0,) * 6)
    assert smooth((1.0, 3.0, 1.0, 3.0), 0.6)[:2] == pytest.approx((1.0, (0.6 * 0.4 + 0.4 * 3) / (0.6 * 0.4 + 0.4)))


def test_few_points_are_no_noise_and_are_not_smoothed():
    assert smooth((1.0, 9.0, 1.0), 0.9) == (1.0, 9.0, 1.0)
    assert len(of_epochs([shown()], "train loss", Axes(smoothing=0.9))) == 1


def test_values_that_are_no_numbers_stay_and_spoil_no_average():
    smoothed = smooth((1.0, math.nan, 1.0, math.inf, 1.0, 1.0), 0.6)
    assert math.isnan(smoothed[1])
    assert smoothed[3] == math.inf
    assert [smoothed[place] for place in (0, 2, 4, 5)] == pytest.approx([1.0] * 4)


def test_smoothing_is_switched_and_its_weight_has_ends():
    axes = Axes().toggle_smoothing()
    assert axes.smoothing == 0.6
    assert axes.smoother(1).smoother(1).smoothing == 0.9
    assert axes.smoother(-1).smoother(-1).smoothing == 0.3
    assert axes.toggle_smoothing().smoothing == 0
    assert Axes().smoother(1).smoothing == 0.3


def test_a_run_that_only_loads_has_no_loss():
    (series,) = of_epochs([shown((None, None))], "train loss", Axes())
    assert series.xs == ()


def test_readings_have_a_course_where_they_were_read():
    samples = [Sample(0, 1.0, cpu_percent=50.0), Sample(1, 2.0), Sample(2, 3.0, cpu_percent=70.0)]
    (series,) = of_samples(shown(samples=samples).view, "CPU %", "#ff8700")
    assert (series.xs, series.ys) == ((1.0, 3.0), (50.0, 70.0))
    assert of_samples(shown(samples=samples).view, "disk reads MB/s", "#ff8700") == ()


def test_every_gpu_has_a_curve_of_its_own():
    gpus = (GpuSample(utilization_percent=10.0), GpuSample(utilization_percent=90.0, power_w=300.0))
    view = shown(samples=[Sample(0, 1.0, gpus=gpus)]).view
    assert [(series.label, series.ys) for series in of_gpus(view, "GPU %")] == [
        ("GPU0", (10.0,)),
        ("GPU1", (90.0,)),
    ]
    assert [series.label for series in of_gpus(view, "GPU power W")] == ["GPU1"]
    assert of_gpus(shown().view, "GPU %") == ()


def test_a_gpu_was_throttled_or_not_where_it_was_told():
    told = [GpuSample(throttle=throttle) for throttle in ("", "thermal + power", None)]
    view = shown(samples=[Sample(n, float(n), gpus=(gpu,)) for n, gpu in enumerate(told)]).view
    (series,) = of_gpus(view, "GPU throttled")
    assert (series.xs, series.ys) == ((0.0, 1.0), (0.0, 1.0))


def test_every_core_has_a_course_and_of_many_the_busiest_the_median_and_the_idlest():
    few = shown(samples=[Sample(n, float(n), cores_percent=(10.0, 90.0 + n)) for n in range(2)]).view
    assert [(series.label, series.ys) for series in of_cores(few)] == [
        ("core 0", (10.0, 10.0)),
        ("core 1", (90.0, 91.0)),
    ]
    many = shown(samples=[Sample(0, 0.0, cores_percent=(*range(9), 100.0))]).view
    assert [(series.label, series.ys) for series in of_cores(many)] == [
        ("busiest core", (100.0,)),
        ("median core", (4.5,)),
        ("idlest core", (0.0,)),
    ]
    assert of_cores(shown().view) == ()


def test_the_rate_of_a_live_run_waits_until_its_column_of_dots_is_full():
    rates = tuple((float(second), 100.0) for second in range(12))
    view = replace(shown().view, rates=rates, record=Record(elapsed=11.9))
    assert of_rates(view, 100.0, 10, "#ff8700").xs == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)  # dots of 5 s
    assert of_rates(replace(view, status="completed"), 100.0, 10, "#ff8700").xs[-1] == 11
    first = replace(view, rates=rates[:2], record=Record(elapsed=1.5))
    assert of_rates(first, 100.0, 10, "#ff8700").xs == (0,)
