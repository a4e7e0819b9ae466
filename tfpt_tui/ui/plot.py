"""Draw curves with plotext: from series of numbers to the text of a chart. No widget is known here.

plotext keeps one figure for the whole module, limits its size to the terminal it thinks it is in, paints a white
background and raises on infinities (measured with 5.3.2): this is the one place that knows.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.text import Text

MARKER = "braille"  # two by four points a cell, and in nearly every font
CORNER = "└"  # where the axes meet
MIN_WIDTH, MIN_HEIGHT = 16, 4
ROWS_A_TICK = 4
AXIS_ROWS = 3  # of a chart's rows: the title, the axis and its ticks
LEAST_TICKED = 6  # rows; on fewer a tick between the ends would stand nearer to one than it is
NEAR = 0.15  # of the range
# Points this many times as far up as all but a twentieth of them would press the others flat.
FAR_ABOVE = 4.0
MOST_ABOVE = 20
ABOVE = "▲"
NEARLY = 1e-9
# plotext's figure is one for all: a chart that another thread draws must not get into ours.
_FIGURE = threading.Lock()


@dataclass(frozen=True)
class Series:
    """A curve; ``colour`` is #rrggbb. Values that are not finite are left out and marked.

    A ``label``, a letter, stands at its end: curves must be told apart without colours, too. ``raw`` is one that
    only lies below its smoothed form: its values are not told.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    colour: str
    label: str = ""
    raw: bool = False


@dataclass(frozen=True)
class Frame:
    """Where a chart is drawn: ``columns`` and ``rows`` are cells, the ranges are fixed so that curves stay put.

    ``log`` is a logarithmic scale of y, ``cursor`` the x at which a vertical line stands, ``cursor_colour`` its.
    """

    title: str
    columns: int
    rows: int
    x_range: tuple[float, float]
    y_range: tuple[float, float] | None = None
    log: bool = False
    cursor: float | None = None
    cursor_colour: str = "#808080"


def draw(series: Sequence[Series], frame: Frame) -> Text:
    """The chart, title first, exactly ``frame.rows`` lines; an empty one says so.

    Later series are drawn over earlier ones. A few points that lie far above all others end at the upper edge,
    where they are marked; the title has the highest.
    """
    shown = [_drawable(one, frame.log) for one in series]
    ceiling = _ceiling(shown, frame)
    title = _title(frame, series)
    if above := [y for one in shown for y in one.ys if y > ceiling]:
        title += f" ({ABOVE} up to {max(above):.3g})"
    if frame.columns < MIN_WIDTH or frame.rows < MIN_HEIGHT:
        return Text(title)
    if not any(one.xs for one in shown):
        return Text("\n").join([Text(title, style="bold"), Text("nothing measured yet", style="dim")])
    with _FIGURE:
        built = _build(shown, frame, ceiling)
    lines = Text.from_ansi(built).split("\n")[: frame.rows - 1]
    return Text("\n").join([Text(title, style="bold"), *lines])


def x_at(column: int, lines: Sequence[str], x_range: tuple[float, float]) -> float | None:
    """What a column of a drawn chart stands for, None left of its axis or where it has none."""
    first, last = x_range
    left = max((line.find(CORNER) for line in lines), default=-1)
    columns = max(map(len, lines), default=0) - left - 1
    if left < 0 or column <= left or columns < 2:
        return None
    return first + (column - left - 1) / (columns - 1) * (last - first)


def decimate(xs: Sequence[float], ys: Sequence[float], columns: int) -> tuple[list[float], list[float]]:
    """At most two points a column, its lowest and its highest, so that no spike is lost."""
    if len(xs) <= 2 * columns:
        return list(xs), list(ys)
    kept: list[int] = []
    for column in range(columns):
        start, end = column * len(xs) // columns, (column + 1) * len(xs) // columns
        lowest = min(range(start, end), key=ys.__getitem__)
        highest = max(range(start, end), key=ys.__getitem__)
        kept += sorted({lowest, highest})
    return [xs[index] for index in kept], [ys[index] for index in kept]


def _within(series: Series, x_range: tuple[float, float]) -> tuple[Sequence[float], Sequence[float]]:
    """The points in the range, and one on either side of it, to which the curve leads."""
    places = [place for place, x in enumerate(series.xs) if x_range[0] <= x <= x_range[1]]
    if not places:
        return series.xs, series.ys
    start, end = max(places[0] - 1, 0), places[-1] + 2
    return series.xs[start:end], series.ys[start:end]


def time_axis(seconds: float) -> float:
    """The end of an axis of time: it doubles when it is reached, so that a live curve seldom moves as a whole."""
    end = 30.0
    while end < seconds:
        end *= 2
    return end


def _ceiling(series: Sequence[Series], frame: Frame) -> float:
    """What only outliers exceed, infinite where there are none or the scale is fixed or logarithmic."""
    ys = sorted(y for one in series for y in one.ys)
    most = ys[: len(ys) - max(1, len(ys) // MOST_ABOVE)]
    if frame.log or frame.y_range or len(ys) < MOST_ABOVE // 2:
        return math.inf
    low, high = min(0.0, ys[0]), most[-1]
    return high if ys[-1] - low > FAR_ABOVE * (high - low) > 0 else math.inf


def _marks(series: Sequence[Series], frame: Frame, ceiling: float) -> Iterable[tuple[float, str]]:
    """Where points are above it and in which colour: one a column."""
    first, last = frame.x_range
    above = (
        (x, one.colour)
        for one in series
        for x, y in zip(one.xs, one.ys, strict=True)
        if y > ceiling and first <= x <= last
    )
    return {
        round((x - first) / max(last - first, 1e-9) * frame.columns): (x, colour) for x, colour in above
    }.values()


def _build(series: Sequence[Series], frame: Frame, ceiling: float) -> str:
    import plotext

    cut = [replace(one, ys=tuple(min(y, ceiling) for y in one.ys)) for one in series]
    low, high, y_ticks = _y_axis(cut, frame)
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plotsize(frame.columns, frame.rows - 1)
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    plotext.xlim(*frame.x_range)
    plotext.ylim(low, high)
    plotext.yticks(list(y_ticks), list(y_ticks.values()))
    x_ticks = _x_ticks(frame)
    plotext.xticks(x_ticks, [f"{tick:.0f}" for tick in x_ticks])
    if frame.cursor is not None:
        plotext.vline(frame.cursor, _rgb(frame.cursor_colour))
    for one in cut:
        if one.xs:
            xs, ys = decimate(*_within(one, frame.x_range), frame.columns)
            draw_points = plotext.plot if len(xs) > 1 else plotext.scatter
            draw_points(xs, ys, marker=MARKER, color=_rgb(one.colour))
    columns = frame.columns - 1 - max(map(len, y_ticks.values()), default=0)
    for label in _labels(cut, frame, (low, high), columns):
        plotext.text(label.text, label.x, label.y, color=_rgb(label.colour), alignment=label.side)
    for x, colour in _marks(series, frame, ceiling):
        plotext.text(ABOVE, x, high, color=_rgb(colour), alignment="center")
    built: str = plotext.build()
    return built.rstrip("\n")


@dataclass(frozen=True)
class _Label:
    """A text that ends (``side`` "right") or begins ("left") at a point."""

    text: str
    x: float
    y: float
    colour: str
    side: str


def _labels(series: Sequence[Series], frame: Frame, y_range: tuple[float, float], columns: int) -> list[_Label]:
    """What stands at the ends of the curves: side by side where several end at the same place.

    ``columns`` are those between the axis and the end of the chart.
    """
    (first, last), (low, high) = frame.x_range, y_range
    columns_a_unit = max(columns - 1, 1) / max(last - first, 1e-9)
    rows_a_unit = (frame.rows - AXIS_ROWS - 1) / max(high - low, 1e-300)
    labels: list[_Label] = []
    taken: list[tuple[int, float, float]] = []  # row, first and last column
    ended = (one for one in series if one.label and one.xs)
    for one in sorted(ended, key=lambda one: one.label, reverse=True):
        xs, ys = _within(one, frame.x_range)
        row, column = round((ys[-1] - low) * rows_a_unit), (xs[-1] - first) * columns_a_unit
        width = len(one.label) + (len(one.label) > 1)  # words need a blank between them
        side = "right" if column >= width else "left"  # of the letters the end that is there
        ends = (column - width, column) if side == "right" else (column, column + width)
        for _, start, end in sorted((there for there in taken if there[0] == row), reverse=side == "right"):
            if ends[0] < end and start < ends[1]:
                ends = (start - width, start) if side == "right" else (end, end + width)
        taken.append((row, *ends))
        x = first + (ends[1] if side == "right" else ends[0]) / columns_a_unit
        labels.append(_Label(one.label, x, ys[-1], one.colour, side))
    return labels


def _title(frame: Frame, series: Sequence[Series]) -> str:
    """The title, after where the values stop being numbers: the moment that a reader must not miss."""
    bad = [(x, y) for one in series for x, y in zip(one.xs, one.ys, strict=True) if not math.isfinite(y)]
    title = frame.title
    if frame.log and (hidden := sum(y <= 0 for one in series for y in one.ys)):
        title += f" ({hidden} not above 0)"
    if not bad:
        return title
    first, value = min(bad)
    return f"{'NaN' if math.isnan(value) else 'infinite'} from {first:.0f}: {title}"


def _drawable(series: Series, log: bool) -> Series:
    """The points that can be drawn, as logarithms where the scale is one."""
    points = [(x, y) for x, y in zip(series.xs, series.ys, strict=True) if math.isfinite(y)]
    if log:
        points = [(x, math.log10(y)) for x, y in points if y > 0]
    return Series(tuple(x for x, _ in points), tuple(y for _, y in points), series.colour, series.label)


def _y_range(series: Sequence[Series], frame: Frame) -> tuple[float, float]:
    """Around all values, from 0 where none is below it: a curve's height then has a meaning."""
    values = [y for one in series for y in one.ys]
    if frame.log:
        low, high = min(values), max(values)
        return (low, high) if high > low else (low - 0.5, high + 0.5)
    if frame.y_range:
        return frame.y_range
    low, high = min(0.0, *values), max(values)
    return low, high if high > low else low + 1.0


def _y_axis(series: Sequence[Series], frame: Frame) -> tuple[float, float, dict[float, str]]:
    """Both ends and the ticks with their labels: round numbers, as many as have room.

    A range that is not fixed is stretched to the next tick where that is near.
    """
    low, high = _y_range(series, frame)
    most = max(3, frame.rows // ROWS_A_TICK)
    if frame.log:
        return low, high, _log_ticks(low, high, most)
    step = _round_step((high - low) / most)
    if not frame.y_range:
        above, below = math.ceil(high / step) * step, math.floor(low / step) * step
        stretch = NEAR * (high - low)
        high, low = above if above - high < stretch else high, below if low - below < stretch else low
    # Three tenths are not quite three times a tenth in binary.
    first, last = math.ceil(low / step - NEARLY), math.floor(high / step + NEARLY)
    digits = max(0, -math.floor(math.log10(step)))
    places = list(range(first, last + 1))
    if frame.rows - AXIS_ROWS < LEAST_TICKED:
        places = places[:1] + places[1:][-1:]
    return low, high, {place * step: _tick(place * step, digits) for place in places}


def _log_ticks(low: float, high: float, most: int) -> dict[float, str]:
    """1, 2 and 5 times powers of ten, or the powers alone where those are too many; else both ends."""
    for factors in ((1, 2, 5), (1,)):
        values = [
            factor * 10.0**power
            for power in range(math.floor(low), math.ceil(high) + 1)
            for factor in factors
            if low <= math.log10(factor * 10.0**power) <= high
        ]
        if len(values) <= most:
            break
    apart = values[:: -(-len(values) // most)]
    return {math.log10(value): f"{value:g}" for value in apart} or {end: f"{10**end:.3g}" for end in (low, high)}


def _x_ticks(frame: Frame) -> list[float]:
    """Both ends, which are known and worth a label, and between them round numbers as far as there is room."""
    first, last = (round(end) for end in frame.x_range)
    room = 10 if last < 100_000 else 10 + len(str(last))
    step = _round_up((last - first) / max(1, frame.columns // room))
    between = range(first // step * step + step, last, step)
    apart = [tick for tick in between if min(tick - first, last - tick) >= step / 2]
    return [float(tick) for tick in dict.fromkeys((first, *apart, last))]


def _round_up(step: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    return int(_round_step(max(step, 1.0)))


def _round_step(step: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    magnitude = 10.0 ** math.floor(math.log10(step))
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= step * (1 - NEARLY))


def _tick(value: float, digits: int) -> str:
    return f"{value:.0e}" if abs(value) >= 1e5 else f"{value:.{digits}f}"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
