"""How fast rows are: bars, and time ratios with intervals as whiskers on a logarithmic axis. No widget here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.runs.record.duel_ratio import EQUIVALENT
from tfpt_tui.ui.compare.comparison_view import Row
from tfpt_tui.ui.compare.throughput_bars import draw_throughput
from tfpt_tui.ui.theme import VERDICT_STYLES, framework_style

WIDE = 100  # from here on the name, the whisker, the ratio and the verdict share a line
LEAST_NAME_WIDTH = 36
RATIO_WIDTH = 20
VERDICT_WIDTH = 15
MARGIN = 1.04  # the outermost ends keep off the edges


NOTHING = "No run of these has a time: no ratios."
DOTS = ("·", ":")  # one pair at a place, or several
LEFT, LINE, RIGHT, POINT, ONE, BAND = "├", "─", "┤", "●", "│", "░"


@dataclass(frozen=True)
class Axis:
    """Ratios from ``low`` to ``high`` on so many columns; twice and half as long lie equally far from 1."""

    low: float
    high: float
    columns: int

    def place(self, ratio: float) -> int:
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(share * (self.columns - 1))


def draw_speed(rows: Sequence[Row], columns: int) -> Content:
    """The throughputs, then how they stand to the baseline."""
    parts = [draw_throughput(rows, columns), draw_intervals(rows, columns)]
    return Content("\n\n").join([part for part in parts if part.plain])


def draw_intervals(rows: Sequence[Row], columns: int) -> Content:
    """Every row with its ratio; where there are no repeats a point alone, and without figures the reason."""
    if not any(row.verdict.time or row.verdict.is_baseline for row in rows):
        return Content("\n").join([Content(NOTHING), *map(_without_ratio, rows)])
    wide = columns >= WIDE
    name_width = _name_width(rows, columns) if wide else 0
    axis = _axis(rows, columns - (name_width + RATIO_WIDTH + VERDICT_WIDTH if wide else RATIO_WIDTH))
    lines = [Content(" " * name_width) + _ends(rows, axis), Content(" " * name_width) + _scale(axis)]
    kind = ""
    for row in rows:
        if row.kind != kind:
            kind = row.kind
            lines.append(Content.styled(printable(kind.removesuffix(": ")), "$foreground-muted"))
        verdict = _verdict(row)
        width = name_width - 1 if wide else columns - verdict.cell_length - 1
        name = _fit(printable(row.name), width)
        label = Content.styled(name, framework_style(row.verdict.entry.framework))
        label += Content(" " * (width + 1 - len(name)))
        drawn = Content.assemble(_whisker(row, axis), f" {_ratio(row):<{RATIO_WIDTH - 1}}")
        lines += [Content.assemble(label, drawn, verdict)] if wide else [label + verdict, drawn]
        if row.verdict.time and len(row.verdict.time.pairs) > 1:
            lines.append(Content(" " * name_width) + _dots(row.verdict.time.pairs, axis))
    return Content("\n").join([*lines, Content.styled(_legend(), "$foreground-muted")])


def _without_ratio(row: Row) -> Content:
    style = framework_style(row.verdict.entry.framework)
    return Content.assemble((printable(row.name), style), "  ", _verdict(row))


def _name_width(rows: Sequence[Row], columns: int) -> int:
    """Room for the longest name, but for no more than two fifths of a line."""
    longest = max((len(printable(row.name)) for row in rows), default=0)
    return max(LEAST_NAME_WIDTH, min(longest + 1, 2 * columns // 5))


def _legend() -> str:
    return (
        f"\ntime per image relative to the baseline ({ONE})."
        f" {LEFT}{LINE}{POINT}{LINE}{RIGHT} 95 % interval,"
        f" {POINT} alone a single run, {DOTS[0]} a pair, {DOTS[1]} several, {BAND} within 2 %,"
        " ! another accuracy"
    )


def _axis(rows: Sequence[Row], columns: int) -> Axis:
    ends = [1 - EQUIVALENT, 1 + EQUIVALENT]
    for row in rows:
        if time := row.verdict.time:
            ends += [end for end in (time.ratio, time.low, time.high) if end is not None]
    return Axis(min(ends) / MARGIN, max(ends) * MARGIN, max(8, columns))


def _scale(axis: Axis) -> Content:
    """The ends of the axis, and 1 where it is, unless it would touch one of them and read as a digit more."""
    low, high = f"{axis.low:.2f}", f"{axis.high:.2f}"
    cells = [*low, *" " * (axis.columns - len(low) - len(high)), *high]
    one = axis.place(1.0)
    if not "".join(cells[max(0, one - 1) : one + 2]).strip():
        cells[one] = "1"
    return Content.styled("".join(cells), "$foreground-muted")


def _ends(rows: Sequence[Row], axis: Axis) -> Content:
    """Who is ahead at either end of the axis, in as many words as it has room for."""
    compared = [row for row in rows if row.verdict.time]
    named = []
    if len(compared) == 1 and (baseline := compared[0].verdict.baseline):
        other, own = printable(compared[0].name), printable(baseline.name)
        named = [(f"{other} ahead", f"{own} ahead"), (other, own)]
    for left, right in (*named, ("faster", "slower")):
        room = axis.columns - len(f"<- {left}{right} ->")
        if room > 0:
            return Content.styled(f"<- {left}{' ' * room}{right} ->", "$foreground-muted")
    return Content()


def _whisker(row: Row, axis: Axis) -> Content:
    cells = [(" ", "")] * axis.columns
    for place in range(axis.place(1 - EQUIVALENT), axis.place(1 + EQUIVALENT) + 1):
        cells[place] = (BAND, "$foreground-disabled")
    cells[axis.place(1.0)] = (ONE, "$foreground-muted")
    row_verdict = row.verdict
    style = framework_style(row_verdict.entry.framework)
    if row_verdict.time and row_verdict.time.low is not None and row_verdict.time.high is not None:
        first, last = axis.place(row_verdict.time.low), axis.place(row_verdict.time.high)
        for place in range(first, last + 1):
            cells[place] = (LINE, style)
        cells[first], cells[last] = (LEFT, style), (RIGHT, style)
    if row_verdict.time or row_verdict.is_baseline:
        cells[axis.place(row_verdict.time.ratio if row_verdict.time else 1.0)] = (POINT, f"bold {style}")
    return Content.assemble(*cells)


def _dots(pairs: Sequence[float], axis: Axis) -> Content:
    """Every pair where its ratio lies; those beyond the axis at its ends."""
    counts = Counter(min(max(axis.place(pair), 0), axis.columns - 1) for pair in pairs)
    cells = (" " if place not in counts else DOTS[counts[place] > 1] for place in range(axis.columns))
    return Content.styled("".join(cells).rstrip(), "$foreground-muted")


def _ratio(row: Row) -> str:
    time = row.verdict.time
    if time is None:
        return ""
    return f"{time.ratio:.2f}" + (f" [{time.low:.2f}, {time.high:.2f}]" if time.low is not None else "")


def _verdict(row: Row) -> Content:
    """In words; what learned something else has its doubt beside it."""
    row_verdict = row.verdict
    if row_verdict.is_baseline:
        return Content.styled("baseline", "$foreground-muted")
    if row_verdict.time is None:
        status = "no timing" if row_verdict.entry.done else row_verdict.entry.results[0].status
        return Content.styled(printable(status.replace("_", " ")), "$foreground-muted")
    verdict = row_verdict.time.verdict
    doubt = ("! " if row_verdict.in_band is False else "", "$text-warning")
    return Content.assemble(doubt, (verdict, VERDICT_STYLES.get(verdict, "")))


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
