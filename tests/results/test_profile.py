from dataclasses import replace

import pytest

from tests.recordings import a_result
from tfpt_tui.events import StepProfile
from tfpt_tui.results.comparison.compare import compare
from tfpt_tui.results.presentation.charts import draw_charts
from tfpt_tui.results.presentation.run_report import report_run
from tfpt_tui.runs.record.result import ModelSize


def a_profile(run, framework, step_s, **shares):
    result = a_result(run, framework, measure="profile")
    training = replace(result.training, images_per_s=100.0, epochs=2, images=640, epoch_s_median=3.2)
    return replace(result, training=training, profile=StepProfile(step_s, 1.05 * step_s, shares, "trace.json"))


@pytest.fixture
def both():
    return (
        a_profile("a", "pytorch", 0.0335, convolution=0.7, host=0.2, other=0.1),
        a_profile("b", "tensorflow", 0.030, convolution=0.6, copies=0.4),
    )


def test_the_parts_of_a_step_stand_side_by_side_the_largest_first(both):
    notes = list(compare(both)[0].notes)
    start = notes.index(
        "a step took 33.5 ms in PyTorch, 30.0 ms in TensorFlow; under the profiler its time went to:"
    )
    assert notes[start + 1 : start + 5] == [
        "convolution: 70 % in PyTorch, 60 % in TensorFlow",
        "copies: 0 % in PyTorch, 40 % in TensorFlow",
        "host: 20 % in PyTorch, 0 % in TensorFlow",
        "other: 10 % in PyTorch, 0 % in TensorFlow",
    ]


def test_what_a_training_reaches_is_told_as_a_share_of_its_peaks(both):
    peaks = replace(both[0].profile, matmul_gflops=150.0, convolution_gflops=100.0)
    size = ModelSize(1, 1, 0, flops_per_image=75_000_000)
    notes = compare([replace(both[0], profile=peaks, model=size)])[0].notes
    told = "PyTorch: 72 GFLOP/s, 72 % of what its convolutions reach alone (100), 48 % of a matrix product (150)"
    assert told in notes


def test_a_run_that_was_not_profiled_says_nothing_of_it():
    assert not any("profiler" in note for note in compare([a_result("a", "pytorch")])[0].notes)


def test_a_profiled_run_tells_its_parts_and_where_its_trace_is(both):
    assert "33.5 ms: convolution 70%, host 20%, other 10%; trace.json" in report_run(both[0])


def test_the_chart_has_a_bar_for_each_row_whose_pieces_make_a_step(both):
    figure = draw_charts(both, [])["profile"]
    (axes,) = figure.axes
    ends = {}
    for bar in axes.patches:
        ends[bar.get_y()] = max(ends.get(bar.get_y(), 0.0), bar.get_x() + bar.get_width())
    assert sorted(ends.values()) == pytest.approx([30.0, 33.5])
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["host", "convolution", "copies", "other"]


def test_profiles_of_two_tracks_keep_their_figures_apart(both):
    first, second = both[0], replace(both[1], run="c", config=both[0].config.replace(track="parity"))
    notes = compare([first, second])[0].notes
    assert any("convolution: 70 % in default: PyTorch, 60 % in parity: PyTorch" in note for note in notes)
