"""What explains a ratio: a line for each fact, with both values."""

from dataclasses import replace

from tests.recordings import a_result
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.results.comparison.compare import compare
from tfpt_tui.results.comparison.groups import group
from tfpt_tui.results.comparison.reasons import reasons
from tfpt_tui.results.comparison.verdicts import compare_to_baseline
from tfpt_tui.runs.record.result import Training
from tfpt_tui.runs.record.shown_by_duels import Pair

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
    assert execution == "reason: execution: traced graph in TensorFlow, eager in PyTorch; try --set compile=on"
    assert start == "start: 9.0 s before the first step in TensorFlow, 3.0 s in PyTorch; in no ratio"


def test_a_switch_has_a_figure_only_where_a_duel_on_the_machine_showed_it():
    shown = Pair("20261129-1", ("pytorch",), (), "compile", "on", "off", 0.8, 0.75, 0.85)
    groups = group(two())
    verdicts = compare_to_baseline(groups, None)
    asked = []

    def brought(machine, config, key):
        asked.append((machine, config.framework, key))
        return shown if config.framework == "pytorch" else None

    _, execution, _ = reasons(verdicts, groups, brought)
    assert execution.endswith(
        "; in PyTorch compile=on took 0.80x [0.75, 0.85] the time of compile=off here (20261129-1)"
    )
    assert asked == [("unknown", "tensorflow", "compile"), ("unknown", "pytorch", "compile")]
    (_, execution, _) = reasons_of(*two(compile="on"))
    assert "try" not in execution


def test_what_both_do_by_themselves_is_not_advised():
    pytorch, tensorflow = two()
    compiled = [replace(one, effective={**one.effective, "compile": True}) for one in (pytorch, tensorflow)]
    _, execution, _ = reasons_of(*compiled)
    assert execution == "reason: execution: traced graph in TensorFlow, eager in PyTorch"


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
    notes = compare(two())[0].notes
    assert notes[0].startswith("reason: kernel library")


def with_page_faults(*system_s_of_starts, per_s=300_000, **variables):
    """Two starts of each framework, whose trainings took 40 s of processor time, so many of them in the kernel."""
    results = []
    for framework, starts in zip(("pytorch", "tensorflow"), system_s_of_starts, strict=True):
        for number, system_s in enumerate(starts):
            counters = {"user_s": 40 - system_s, "system_s": system_s, "minor_faults": per_s * system_s}
            result = a_result(f"{framework}{number}", framework, counters={"training": counters})
            results.append(replace(result, environment=MachineSnapshot(variables=variables)))
    return [line for line in reasons_of(*results) if "page faults" in line]


def test_memory_that_is_given_back_and_fetched_again_is_a_reason_with_the_variables_to_try():
    (line,) = with_page_faults((4.0, 6.0), (0.8, 0.8))
    assert "2 % of its processor time in TensorFlow, 10 to 15 % of its processor time in PyTorch" in line
    assert line.endswith("; try MALLOC_TRIM_THRESHOLD_=1073741824 MALLOC_MMAP_THRESHOLD_=33554432")
    steady = {"MALLOC_TRIM_THRESHOLD_": "1", "MALLOC_MMAP_THRESHOLD_": "1"}
    (line,) = with_page_faults((4.0, 6.0), (0.8, 0.8), **steady)
    assert "try" not in line


def test_starts_that_differ_in_page_faults_are_a_reason_too():
    assert with_page_faults((1.0, 5.0), (3.0, 3.0))


def test_a_kernel_that_is_as_busy_for_both_or_with_other_things_is_no_reason():
    assert not with_page_faults((4.0, 4.2), (4.1, 4.1))
    assert not with_page_faults((4.0, 6.0), (0.8, 0.8), per_s=1_000)
    assert not with_page_faults((0.0, 0.0), (0.0, 0.0))
