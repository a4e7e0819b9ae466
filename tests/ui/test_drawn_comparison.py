"""Whiskers, bars and words of a comparison, without an app."""

from dataclasses import replace

import pytest

from tests.recordings import a_result
from tfpt_tui.events import STEP_PARTS, StepProfile
from tfpt_tui.results.comparison.groups import group, kind_of
from tfpt_tui.results.comparison.verdicts import compare_to_baseline
from tfpt_tui.results.requests.comparables import SWEEP, Choice
from tfpt_tui.results.table import Table
from tfpt_tui.runs.record.result import Evaluation, Training
from tfpt_tui.ui.compare.comparison_view import ComparisonSelection, Curve, Row
from tfpt_tui.ui.compare.intervals import draw_intervals
from tfpt_tui.ui.compare.phase_bars import NOTHING, STEPS, draw_phases
from tfpt_tui.ui.compare.text import MAX_NOTES, curve_colours, curves_legend, heading, notes
from tfpt_tui.ui.compare.throughput_bars import draw_throughput
from tfpt_tui.ui.theme import CURVE_LETTERS, MAX_CURVES, PHASE_MARKS, STEP_MARKS


def result(run, framework="pytorch", rate=100.0, status="completed", phases=None, accuracy=0.5, **settings):
    figures = {"training": Training(images_per_s=rate), "test": Evaluation(accuracy=accuracy)}
    measured = figures if status == "completed" else {}
    return a_result(run, framework, status, phases=phases or {}, **measured, **settings)


def rows_of(*results):
    groups = group(results)
    return [Row(one.entry.name, kind_of(one.entry, groups), one) for one in compare_to_baseline(groups, None)]


def repeats(framework, *rates, **settings):
    return [
        result(f"{framework}{seed}", framework, rate, seed=seed, **settings) for seed, rate in enumerate(rates)
    ]


def lines_of(content):
    return content.plain.split("\n")


@pytest.fixture
def slower():
    return rows_of(*repeats("pytorch", 100.0, 101.0, 99.0), *repeats("tensorflow", 80.0, 82.0, 81.0))


@pytest.mark.parametrize("columns", [49, 70, 150])
def test_an_interval_is_a_whisker_right_of_1_where_a_row_is_slower(slower, columns):
    lines = lines_of(draw_intervals(slower, columns))
    whisker = next(line for line in lines[1:] if "├" in line and "┤" in line)
    assert whisker.index("│") < whisker.index("├") < whisker.index("●") < whisker.index("┤")
    assert "1.23 [1.2" in whisker
    assert max(map(len, lines[:5])) <= columns
    assert any("TensorFlow" in line and line.rstrip().endswith("slower") for line in lines)


def test_each_row_has_a_bar_on_one_scale_with_its_figures(slower):
    heading, first, second = lines_of(draw_throughput(slower, 60))
    assert heading.split() == ["images/s", "train", "s", "test"]
    assert (first[:8], second[:11]) == ("PyTorch ", "TensorFlow ")
    assert (first.count("█"), second.count("█")) == (24, 19)
    assert (first.split()[-2:], second.split()[-2:]) == (["100", "0.500"], ["81", "0.500"])
    assert max(map(len, (heading, first, second))) <= 60


def test_where_there_is_little_room_a_bar_fits_without_the_training_time(slower):
    lines = lines_of(draw_throughput(slower, 49))
    assert lines[0].split() == ["images/s", "test"]
    assert max(map(len, lines)) <= 49


def test_where_there_is_least_room_a_bar_has_its_rate_alone(slower):
    lines = lines_of(draw_throughput(slower, 30))
    assert lines[0].split() == ["images/s"]
    assert max(map(len, lines)) <= 30
    assert "█" in lines[1]


def test_what_was_not_timed_has_no_bar():
    assert draw_throughput(rows_of(result("a", status="failed")), 60).plain == ""


@pytest.mark.parametrize(
    ("others", "ends"),
    [
        (("tensorflow",), ["<- TensorFlow ahead", "PyTorch ahead ->"]),
        (("tensorflow", "pytorch"), ["<- faster", "slower ->"]),
    ],
)
def test_each_end_of_the_axis_says_who_is_ahead_there(others, ends):
    rows = rows_of(result("a"), *(result(name, name, 50.0, batch_size=8) for name in others))
    line = lines_of(draw_intervals(rows, 70))[0]
    assert (line.startswith(ends[0]), line.endswith(ends[1])) == (True, True)


@pytest.mark.parametrize(
    ("columns", "ends"), [(49, ["<- TensorFlow", "PyTorch ->"]), (40, ["<- faster", "slower ->"])]
)
def test_where_there_is_little_room_the_ends_have_fewer_words(slower, columns, ends):
    line = lines_of(draw_intervals(slower, columns))[0]
    assert line.split("  ")[0] == ends[0]
    assert line.split("  ")[-1].strip() == ends[1]


def test_1_stands_above_its_mark_on_the_axis(slower):
    _, scale, _, baseline, *_ = lines_of(draw_intervals(slower, 60))
    assert scale[baseline.index("●")] == "1"


def test_1_is_left_out_where_it_would_read_as_a_digit_of_an_end():
    rows = rows_of(*repeats("pytorch", 100.0), *repeats("tensorflow", 1.0))
    _, scale, *_ = lines_of(draw_intervals(rows, 49))
    assert scale.split() == ["0.94", "104.00"]


def test_a_single_run_is_a_point_without_an_interval():
    text = draw_intervals(rows_of(result("a"), result("b", "tensorflow", 50.0)), 60).plain
    told = text.split("\n\n")[0]
    assert "├" not in told
    assert "2.00" in told
    assert "single run" in told


def test_a_row_without_figures_says_why():
    rows = rows_of(
        result("a"),
        result("b", "tensorflow", status="out_of_memory"),
        result("c", rate=float("nan"), batch_size=1),
    )
    text = draw_intervals(rows, 60).plain
    assert "out of memory" in text
    assert "no timing" in text


def test_another_accuracy_is_marked_beside_the_verdict():
    rows = rows_of(result("a", accuracy=0.9), result("b", "tensorflow", accuracy=0.1))
    assert "! single run" in draw_intervals(rows, 60).plain


def test_rows_of_several_kinds_stand_under_their_kind():
    rows = rows_of(result("a"), result("b", "tensorflow"), result("c", track="parity"))
    assert "parity" in lines_of(draw_intervals(rows, 60))


def test_a_very_long_name_is_cut_and_the_verdict_is_seen():
    rows = rows_of(result("a", data="d" * 300), result("b", data="e"))
    lines = lines_of(draw_intervals(rows, 60))
    assert max(map(len, lines[:5])) <= 60
    assert "…" in lines[2]
    assert lines[2].endswith("baseline")


def test_phases_are_bars_on_one_scale_with_letters_and_seconds():
    rows = rows_of(
        result("a", phases={"import": 1.0, "training": 8.0, "evaluation": 1.0}),
        result("b", "tensorflow", phases={"import": 5.0, "training": 15.0}),
    )
    name, bar, other, longer, *table = lines_of(draw_phases(rows, 60))
    assert (name, other) == ("PyTorch", "TensorFlow")
    assert (bar.count("T"), longer.count("T")) == (20, 38)
    assert (longer.count("I") + longer.count("T"), longer.endswith(" 20.0 s")) == (50, True)
    assert [line.split() for line in table] == [
        ["PyTorch", "TensorFlow"],
        ["I", "import", "1.0", "5.0"],
        ["T", "training", "8.0", "15.0"],
        ["E", "evaluation", "1.0"],
    ]
    assert {len(line.rstrip()) for line in table[:-1]} == {44}


def test_phases_of_more_rows_than_a_table_has_room_for_stand_below_each_bar():
    rows = rows_of(
        *(
            result(name, phases={"import": 1.0, "training": 8.0}, batch_size=size)
            for name, size in zip("ab", (1, 2), strict=True)
        )
    )
    lines = lines_of(draw_phases(rows, 65))
    assert lines.count("I import 1.0  T training 8.0") == 2
    assert lines[0] == "PyTorch (batch_size 1)"
    assert lines_of(draw_phases(rows, 66))[4].endswith("  PyTorch (batch_size 1)  PyTorch (batch_size 2)")


def test_the_parts_of_a_profiled_step_are_bars_on_a_scale_of_their_own():
    one = result("a", phases={"training": 8.0})
    profile = StepProfile(0.02, 0.021, {"convolution": 0.75, "host": 0.25})
    faster = replace(one, run="b", profile=replace(profile, step_s=0.01))
    rows = rows_of(replace(one, profile=profile), replace(faster, config=one.config.replace(batch_size=8)))
    lines = lines_of(draw_phases(rows, 70))
    first = lines.index(STEPS) + 3
    assert lines[first - 1].startswith("PyTorch")
    assert lines[first] == "H" * 15 + "C" * 45 + " 20.0 ms"
    assert [line.split() for line in lines[-2:]] == [
        ["H", "host", "25", "%", "25", "%"],
        ["C", "convolution", "75", "%", "75", "%"],
    ]
    assert "H" * 8 + "C" * 22 + " 10.0 ms" in lines


def test_without_a_profile_nothing_is_said_of_steps():
    assert STEPS not in draw_phases(rows_of(result("a", phases={"training": 8.0})), 60).plain


@pytest.mark.parametrize("marks", [PHASE_MARKS, STEP_MARKS])
def test_every_phase_and_every_part_of_a_step_has_a_letter_of_its_own(marks):
    letters = [letter for letter, _ in marks.values()]
    assert len(set(letters)) == len(letters)


def test_every_part_of_a_step_has_a_mark():
    assert tuple(STEP_MARKS) == STEP_PARTS


def test_without_a_completed_run_there_are_no_phases():
    assert draw_phases(rows_of(result("a", status="failed")), 60).plain == NOTHING


def test_curves_of_one_framework_differ_in_shade_and_letter():
    curves = tuple(Curve(f"row {n}", "pytorch", (1.0,), (1.0,), (2.0,), (0.5,)) for n in range(3))
    assert len(set(curve_colours(curves, dark=True))) == 3
    assert [line[0] for line in lines_of(curves_legend(curves, 3, dark=True))] == list(CURVE_LETTERS[:3])
    assert "loss 2.000 acc 0.500" in curves_legend(curves, 3, dark=True).plain


@pytest.mark.parametrize("framework", ["tensorflow", "another"])
def test_as_many_curves_as_are_drawn_have_a_letter_and_a_colour_each(framework):
    curves = tuple(Curve(f"row {n}", framework, (1.0,), (1.0,), (2.0,), (0.5,)) for n in range(MAX_CURVES))
    assert len(set(curve_colours(curves, dark=True))) == MAX_CURVES
    assert [line[0] for line in lines_of(curves_legend(curves, MAX_CURVES, dark=True))] == list(CURVE_LETTERS)


def test_more_rows_than_curves_are_told():
    curves = tuple(Curve(f"row {n}", "pytorch", (1.0,), (1.0,), (2.0,), (0.5,)) for n in range(MAX_CURVES))
    assert f"{MAX_CURVES} of 13 rows" in curves_legend(curves, 13, dark=True).plain


def test_very_many_notes_are_cut_and_counted():
    told = notes(Table((), (), tuple(f"note {n}" for n in range(MAX_NOTES + 5))))
    assert told.plain.endswith("5 more; an export has them all")


def test_a_note_from_elsewhere_cannot_steer_the_terminal():
    assert "\x1b" not in notes(Table((), (), ("run: \x1b[2J gone",))).plain


def test_rows_that_are_not_shown_are_counted_above_the_notes():
    assert lines_of(notes(Table((), (), ("slower",)), 1_200)) == [
        "1,200 more rows are not shown; an export has them all",
        "slower",
    ]


def test_long_names_have_the_room_that_there_is_and_no_more():
    rows = rows_of(
        *(result(f"r{n}", batch_size=32 + n, num_workers=n, cache=bool(n % 2), image_size=32) for n in range(3))
    )
    longest = max(len(row.name) for row in rows)
    assert longest > 36
    assert all(row.name in draw_intervals(rows, 160).plain for row in rows)
    for columns in (100, 160):
        assert max(map(len, lines_of(draw_intervals(rows, columns))[:4])) <= columns


def test_the_heading_counts_what_is_compared_of_what_was_recorded():
    sweep = Choice(SWEEP, "20261124-100000-quick-0000", "quick", (a_result("a"), a_result("b"), a_result("c")))
    assert heading(ComparisonSelection((sweep,)), 2).plain.endswith("2 of 3 runs")
    assert heading(ComparisonSelection((sweep,)), 3).plain.endswith("  3 runs")
    assert heading(ComparisonSelection((sweep,)), None).plain.endswith("comparing ...")


def test_a_phase_stays_whole_where_the_legend_breaks():
    rows = rows_of(result("a", phases={"import": 1.0, "model_building": 2.0, "training": 80.2, "evaluation": 1.0}))
    _, _, *legend = lines_of(draw_phases(rows, 40))
    assert legend == ["I import 1.0  B model building 2.0", "T training 80.2  E evaluation 1.0"]


@pytest.mark.parametrize("columns", [70, 150])
def test_every_pair_is_a_dot_below_its_interval(slower, columns):
    lines = lines_of(draw_intervals(slower, columns))
    whisker = next(line for line in lines[1:] if "├" in line and "┤" in line)
    dots = lines[lines.index(whisker) + 1]
    assert set(dots) <= {" ", "·", ":"}
    assert dots.count("·") + 2 * dots.count(":") >= 2
    assert abs(dots.index(dots.strip()[0]) - whisker.index("●")) < columns / 4


def test_a_pair_beyond_the_axis_is_at_its_end():
    rows = rows_of(*repeats("pytorch", *[100.0] * 5), *repeats("tensorflow", 80.0, 80.1, 80.2, 80.1, 5.0))
    assert any(line.rstrip().endswith(("·", ":")) for line in lines_of(draw_intervals(rows, 70)))
