import math

import pytest

from tests.ui.driving import has_a_curve
from tfpt_tui.ui.plot import Frame, Series, decimate, draw, x_at

FRAME = Frame("loss", 40, 10, (1.0, 3.0))


def curve(*ys):
    return Series(tuple(float(x) for x in range(1, len(ys) + 1)), tuple(ys), "#ff8700")


@pytest.mark.parametrize(
    "ys",
    [
        (2.0, 1.0, 0.5),
        (2.0, math.nan, 1.0),
        (math.inf, 1.0),
        (-math.inf, math.nan),
        (math.nan, math.nan, math.nan),
        (1.0, 1.0, 1.0),
        (0.0,),
        (1e-300, 1e300),
        (-5.0, 5.0),
        (),
    ],
)
@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (200, 60), (16, 4), (5, 3), (1, 1), (0, 0)])
def test_whatever_the_values_and_the_size_a_chart_is_drawn(ys, columns, rows):
    text = draw([curve(*ys)], Frame("loss", columns, rows, (1.0, 3.0)))
    assert text.plain.split("\n")[0].endswith("loss")
    assert len(text.split("\n")) <= max(rows, 1)


def test_a_chart_has_its_title_its_curve_and_its_scale():
    plain = draw([curve(2.0, 1.0, 0.5)], FRAME).plain
    lines = plain.split("\n")
    assert lines[0] == "loss"
    assert has_a_curve(plain)
    assert lines[1].lstrip().startswith("2┤")
    assert lines[-1].split() == ["1", "2", "3"]


@pytest.mark.parametrize("count", [2, 10, 20])
def test_the_name_of_a_curve_is_whole_wherever_the_curve_ends(count):
    ys = tuple(800.0 + number for number in range(count))
    named = Series(tuple(map(float, range(1, count + 1))), ys, "#ff8700", "TensorFlow")
    assert "TensorFlow" in draw([named], Frame("images/s", 40, 10, (1.0, 20.0))).plain


def test_a_loss_that_is_no_number_is_marked_and_the_rest_is_drawn():
    text = draw([curve(2.0, 1.5, math.nan)], FRAME).plain
    assert text.startswith("NaN from 3: loss\n")
    assert has_a_curve(text)


def test_a_point_far_above_all_others_ends_at_the_edge_where_it_is_marked():
    frame = Frame("first batch s", 40, 10, (1.0, 12.0))
    lines = draw([curve(20.0, *[1.0, 0.9] * 5, 1.0)], frame).plain.split("\n")
    assert lines[0] == "first batch s (▲ up to 20)"
    assert "▲" in lines[1]
    assert lines[1].split("┤")[0].strip() == "1.0"
    for kept in ((2.0, *[1.0] * 11), (20.0, 20.0, *[1.0] * 10), (20.0, 1.0, 1.0), (20.0, *[0.0] * 11)):
        assert "▲" not in draw([curve(*kept)], frame).plain


def test_decimation_keeps_every_spike():
    ys = [1.0] * 10_000
    ys[4321], ys[777] = 99.0, -99.0
    xs, kept = decimate(range(10_000), ys, 50)
    assert len(kept) <= 100
    assert max(kept) == 99.0
    assert min(kept) == -99.0
    assert list(xs) == sorted(xs)


def test_a_logarithmic_scale_leaves_out_what_has_no_logarithm_and_says_so():
    frame = Frame("loss", 40, 10, (1.0, 4.0), log=True)
    lines = draw([curve(100.0, 10.0, 0.0, 1.0)], frame).plain.split("\n")
    assert lines[0] == "loss (1 not above 0)"
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ["100", "10", "1"]


def test_a_label_stands_at_the_end_of_its_curve():
    series = Series((1.0, 2.0, 3.0), (2.0, 1.0, 0.5), "#ff8700", "A")
    assert "A" in draw([series], FRAME).plain


def test_curves_that_end_at_the_same_place_are_labelled_side_by_side():
    letters = [Series((1.0, 2.0, 3.0), (2.0, 1.0, 0.5), "#ff8700", label) for label in "BCA"]
    assert "ABC" in draw(letters, FRAME).plain
    words = [Series((1.0, 2.0), (2.0, 2.0), "#ff8700", label) for label in ("PyTorch", "TensorFlow")]
    assert "TensorFlow PyTorch" in draw(words, Frame("images/s", 60, 10, (1.0, 20.0))).plain


def test_the_cursor_is_a_line_through_the_chart():
    with_cursor = draw([curve(2.0, 1.0, 0.5)], Frame("loss", 40, 10, (1.0, 3.0), cursor=2.0)).plain
    assert with_cursor != draw([curve(2.0, 1.0, 0.5)], FRAME).plain


def test_a_part_that_is_enlarged_keeps_the_points_that_it_has():
    xs = tuple(float(x) for x in range(10_000))
    ys = tuple(float(x % 7) for x in range(10_000))
    whole = draw([Series(xs, ys, "#ff8700")], Frame("loss", 60, 12, (5000.0, 5020.0))).plain
    exact = draw([Series(xs[4999:5022], ys[4999:5022], "#ff8700")], Frame("loss", 60, 12, (5000.0, 5020.0))).plain
    assert whole == exact


@pytest.mark.parametrize(
    ("x_range", "columns", "ticks"),
    [
        ((1.0, 300.0), 80, "1 50 100 150 200 250 300"),
        ((1.0, 300.0), 40, "1 100 200 300"),
        ((0.0, 30.0), 80, "0 5 10 15 20 25 30"),
        ((1.0, 6.0), 80, "1 2 3 4 5 6"),
        ((1.0, 52.0), 80, "1 10 20 30 40 52"),
        ((1.0, 2.0), 80, "1 2"),
        ((1.0, 1e9), 40, "1 500000000 1000000000"),
    ],
)
def test_the_x_axis_has_round_numbers_between_its_ends(x_range, columns, ticks):
    *_, last = draw([curve(1.0, 2.0)], Frame("loss", columns, 10, x_range)).plain.split("\n")
    assert " ".join(last.split()) == ticks


def test_a_column_of_a_chart_is_read_back():
    lines = draw([curve(2.0, 1.0, 0.5)], FRAME).plain.split("\n")
    left = next(line.index("└") for line in lines if "└" in line)
    assert x_at(left, lines, FRAME.x_range) is None
    assert x_at(left + 1, lines, FRAME.x_range) == FRAME.x_range[0]
    assert x_at(max(map(len, lines)) - 1, lines, FRAME.x_range) == FRAME.x_range[1]
    assert x_at(5, ["loss", "nothing measured yet"], FRAME.x_range) is None


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((0.0, 1.81), ["2", "1", "0"]),
        ((0.0, 1.3), ["1.0", "0.5", "0.0"]),
        ((0.0, 99.6), ["100", "50", "0"]),
        ((0.0, 0.000926), ["0.0010", "0.0005", "0.0000"]),
        ((0.0, 582.0), ["600", "400", "200", "0"]),
        ((3.0, 3.0), ["3", "2", "1", "0"]),
    ],
)
def test_the_ticks_of_y_are_round_numbers(values, ticks):
    lines = draw([Series((1.0, 2.0), values, "#ff0000")], Frame("t", 40, 12, (1.0, 2.0))).plain.split("\n")
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ticks


def test_on_few_rows_only_the_ends_have_ticks():
    lines = draw([curve(100.0, 40.0, 60.0)], Frame("CPU %", 40, 7, (1.0, 3.0), (0.0, 100.0))).plain.split("\n")
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == ["100", "0"]


def test_a_higher_chart_has_more_ticks():
    lines = draw([Series((1.0, 2.0), (0.0, 582.0), "#ff0000")], Frame("t", 40, 28, (1.0, 2.0))).plain.split("\n")
    assert [line.split("┤")[0].strip() for line in lines if "┤" in line] == [
        "600",
        "500",
        "400",
        "300",
        "200",
        "100",
        "0",
    ]
