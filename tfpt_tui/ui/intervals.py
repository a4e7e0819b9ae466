"""Time ratios with their intervals, drawn as whiskers on a common logarithmic axis. No widget is known here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.results.statistics import EQUIVALENT
from tfpt_tui.ui.findings import Row
from tfpt_tui.ui.theme import FRAMEWORK_COLOURS, VERDICT_STYLES

WIDE = 100  # from here on the name, the whisker and the numbers share a line
NAME_WIDTH = 34
NUMBERS_WIDTH = 34
MARGIN = 1.04  # the outermost ends keep off the edges


@dataclass(frozen=True)
class Glyphs:
    left: str
    line: str
    right: str
    point: str
    one: str
    band: str


UNICODE = Glyphs("├", "─", "┤", "●", "│", "░")
ASCII = Glyphs("[", "-", "]", "o", "|", ":")


@dataclass(frozen=True)
class Axis:
    """Ratios from ``low`` to ``high`` on so many columns; twice and half as long lie equally far from 1."""

    low: float
    high: float
    columns: int

    def place(self, ratio: float) -> int:
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round(share * (self.columns - 1))


def draw_intervals(rows: Sequence[Row], columns: int, glyphs: Glyphs = UNICODE) -> Content:
    """Every row with its ratio; where there are no repeats a point alone, and without figures the reason."""
    wide = columns >= WIDE
    axis = _axis(rows, columns - NAME_WIDTH - NUMBERS_WIDTH if wide else columns)
    indent = " " * (NAME_WIDTH if wide else 0)
    lines = [Content(indent) + _scale(axis)]
    kind = ""
    for row in rows:
        if row.kind != kind:
            kind = row.kind
            lines.append(Content.styled(printable(kind.removesuffix(": ")), "$text-muted"))
        name = _fit(printable(row.name), NAME_WIDTH - 2 if wide else max(8, columns - NUMBERS_WIDTH + 4))
        told = Content.styled(name, FRAMEWORK_COLOURS.get(row.standing.entry.framework, ""))
        if wide:
            gap = Content(" " * (NAME_WIDTH - len(name)))
            lines.append(Content.assemble(told, gap, _whisker(row, axis, glyphs), "  ", _numbers(row)))
        else:
            numbers = _numbers(row)
            gap = Content(" " * max(2, columns - len(name) - len(numbers.plain)))
            lines += [Content.assemble(told, gap, numbers), _whisker(row, axis, glyphs)]
    return Content("\n").join([*lines, Content.styled(_legend(glyphs), "$text-muted")])


def _legend(glyphs: Glyphs) -> str:
    return (
        f"\ntime per image relative to the baseline: right of 1 ({glyphs.one}) is slower."
        f" {glyphs.left}{glyphs.line}{glyphs.point}{glyphs.line}{glyphs.right} 95 % interval,"
        f" {glyphs.point} alone a single run, {glyphs.band} within 2 %"
    )


def _axis(rows: Sequence[Row], columns: int) -> Axis:
    ends = [1 - EQUIVALENT, 1 + EQUIVALENT]
    for row in rows:
        if time := row.standing.time:
            ends += [end for end in (time.ratio, time.low, time.high) if end is not None]
    return Axis(min(ends) / MARGIN, max(ends) * MARGIN, max(8, columns))


def _scale(axis: Axis) -> Content:
    """The ends of the axis and 1, where each is."""
    cells = [" "] * axis.columns
    for label, start in (
        (f"{axis.low:.2f}", 0),
        (f"{axis.high:.2f}", axis.columns - len(f"{axis.high:.2f}")),
        ("1", axis.place(1.0)),
    ):
        cells[start : start + len(label)] = label
    return Content.styled("".join(cells), "$text-muted")


def _whisker(row: Row, axis: Axis, glyphs: Glyphs) -> Content:
    cells = [(" ", "")] * axis.columns
    for place in range(axis.place(1 - EQUIVALENT), axis.place(1 + EQUIVALENT) + 1):
        cells[place] = (glyphs.band, "$foreground-disabled")
    cells[axis.place(1.0)] = (glyphs.one, "$foreground-muted")
    standing = row.standing
    style = FRAMEWORK_COLOURS.get(standing.entry.framework, "")
    if standing.time and standing.time.low is not None and standing.time.high is not None:
        first, last = axis.place(standing.time.low), axis.place(standing.time.high)
        for place in range(first, last + 1):
            cells[place] = (glyphs.line, style)
        cells[first], cells[last] = (glyphs.left, style), (glyphs.right, style)
    if standing.time or standing.is_baseline:
        cells[axis.place(standing.time.ratio if standing.time else 1.0)] = (glyphs.point, f"bold {style}")
    return Content.assemble(*cells)


def _numbers(row: Row) -> Content:
    standing = row.standing
    if standing.is_baseline:
        return Content.styled("baseline", "$text-muted")
    time = standing.time
    if time is None:
        return Content.styled(
            "no timing" if standing.entry.done else standing.entry.results[0]["status"], "$text-muted"
        )
    interval = f" [{time.low:.2f}, {time.high:.2f}]" if time.low is not None else ""
    doubt = Content.styled(" !accuracy", "$text-warning") if standing.in_band is False else Content("")
    return Content.assemble(
        f"{time.ratio:.2f}{interval} ", (time.verdict, VERDICT_STYLES.get(time.verdict, "")), doubt
    )


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
