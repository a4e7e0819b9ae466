"""What explains a ratio: a line for each fact, with both values."""

from dataclasses import replace

from tests.recordings import a_result
from tfpt_tui.results.comparison.compare import compare
from tfpt_tui.results.comparison.groups import group
from tfpt_tui.results.comparison.reasons import reasons
from tfpt_tui.results.comparison.verdicts import compare_to_baseline
from tfpt_tui.runs.record.result import Training

EAGER = {"device": "cpu", "onednn": True, "threads": 2, "execution": "eager", "memory_format": "channels_first"}
GRAPH = EAGER | {"onednn": False, "execution": "traced graph"}


def two(track="default", starts=(3.0, 9.0), own=GRAPH, **settings):
    return [
        a_result(
            framework,
            framework,
            track=track,
            training=Training(images_per_s=rate),
            effective=effective,
            phases={"import": start, "training": 30.0, "evaluation": 50.0},
            **settings,
        )
        for framework, rate, effective, start in (
            ("pytorch", 100.0, EAGER, starts[0]),
            ("tensorflow", 80.0, own, starts[1]),
        )
    ]


def reasons_of(*results):
    groups = group(results)
    return reasons(compare_to_baseline(groups, None), groups)


def test_each_difference_is_a_line_with_both_values_the_most_important_first():
    library, execution, start = reasons_of(*two())
    assert library.startswith("reason: kernel library: no oneDNN in TensorFlow, oneDNN in PyTorch; oneDNN trained")
    assert execution == "reason: execution: traced graph in TensorFlow, eager in PyTorch"
    assert start == "start: 9.0 s before the first step in TensorFlow, 3.0 s in PyTorch; in no ratio"


def test_what_a_track_makes_equal_and_is_not_is_an_exception():
    library, *_ = reasons_of(*two("parity"))
    assert library.startswith("exception to the track parity: kernel library: ")


def test_starts_that_are_about_as_long_are_no_news():
    assert not any("start:" in line for line in reasons_of(*two(starts=(3.0, 4.0))))


def test_rows_that_differ_alike_share_their_reasons():
    results = [*two(batch_size=16), *two(batch_size=32)]
    results = [replace(result, run=f"{result.run}-{number}") for number, result in enumerate(results)]
    lines = reasons_of(*results)
    assert len(lines) == len(set(lines))
    assert sum("execution" in line for line in lines) == 1


def test_the_reasons_follow_the_answer():
    _, *notes = compare(two())[0].notes
    assert notes[0].startswith("reason: kernel library")
