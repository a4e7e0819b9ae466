"""How fast each row was, as bars on one scale, with its training time and test accuracy. No widget here."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.ui.compare.comparison_view import Row
from tfpt_tui.ui.theme import framework_style

CELL, HALF = "█", "▌"
LEAST_BAR, MOST_NAME = 8, 36
# Of the figures behind a bar; the middle one goes where there is little room, then the last one.
HEADINGS = ("images/s", "train s", "test")
WIDTHS = (9, 9, 7)
ROOMY = 60


def draw_throughput(rows: Sequence[Row], columns: int) -> Content:
    """A line for each row that was timed; nothing where none was."""
    known = [(row, rate) for row in rows if (rate := row.verdict.entry.images_per_s())]
    if not known:
        return Content()
    names = [printable(f"{row.kind}{row.name}") for row, _ in known]
    name_width = min(max(map(len, names)), MOST_NAME, 2 * columns // 5)
    for shown in ([0, 1, 2] if columns >= ROOMY else [0, 2], [0]):
        bar_width = columns - name_width - 1 - sum(WIDTHS[place] for place in shown)
        if bar_width >= LEAST_BAR:
            break
    longest = max(rate for _, rate in known)
    heading = " " * (name_width + 1 + bar_width) + _figures(HEADINGS, shown)
    lines = [Content.styled(heading, "$foreground-muted")]
    for name, (row, rate) in zip(names, known, strict=True):
        entry = row.verdict.entry
        label = name if len(name) <= name_width else f"{name[: name_width - 1]}…"
        bar = _bar(rate / longest, bar_width).ljust(bar_width)
        figures = (f"{rate:,.0f}", _figure(METRICS["training_s"].of(entry), 1), _figure(_accuracy(entry), 3))
        style = framework_style(entry.framework)
        parts = (f"{label:<{name_width}} ", style), (bar, style), _figures(figures, shown)
        lines.append(Content.assemble(*parts))
    return Content("\n").join(lines)


def _bar(share: float, width: int) -> str:
    """To half a cell."""
    whole, half = divmod(round(2 * share * width), 2)
    return CELL * whole + HALF * half


def _figures(texts: Sequence[str], places: Sequence[int]) -> str:
    return "".join(texts[place].rjust(WIDTHS[place]) for place in places)


def _figure(value: float | None, digits: int) -> str:
    return f"{value:,.{digits}f}" if value is not None and math.isfinite(value) else ""


def _accuracy(entry: Group) -> float | None:
    return statistics.median(found) if (found := entry.accuracies()) else None
