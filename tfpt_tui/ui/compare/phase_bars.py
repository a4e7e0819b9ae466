"""Where each row's time went: a bar of its phases, and of the parts of a profiled step. No widget here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.profile import NAMED_SHARE, profiled, shares_of, step_s
from tfpt_tui.ui.compare.comparison_view import Row
from tfpt_tui.ui.theme import PHASE_MARKS, STEP_MARKS, framework_style

Marks = Mapping[str, tuple[str, str]]

TOTAL_WIDTH = 10
# Of the table below the bars.
PART_WIDTH, FIGURE_WIDTH = 18, 13
STEPS = "Where the time of a training step goes, by the framework's profiler"
NOTHING = "No run has completed, so there are no phases to show."


@dataclass(frozen=True)
class Bar:
    """The parts of a row's time in seconds, their sum in words, and a figure for each."""

    row: Row
    seconds: Mapping[str, float]
    total: str
    figures: Mapping[str, str]


def draw_phases(rows: Sequence[Row], columns: int) -> Content:
    """Bars of a kind have one scale. Medians of the repeats, in the order in which the phases happen."""
    known = [(row, phases) for row in rows if (phases := row.verdict.entry.phases())]
    if not known:
        return Content(NOTHING)
    bars = []
    for row, phases in known:
        figures = {phase: f"{seconds:.1f}" if seconds >= 0.05 else "<0.1" for phase, seconds in phases.items()}
        bars.append(Bar(row, phases, f"{sum(phases.values()):.1f} s", figures))
    return Content("\n\n").join(
        [_draw(bars, PHASE_MARKS, columns), *_draw_steps([row for row, _ in known], columns)]
    )


def _draw_steps(rows: Sequence[Row], columns: int) -> list[Content]:
    """The parts of a training step, for the rows that were profiled."""
    bars = []
    for row in rows:
        if profiled([row.verdict.entry]):
            whole_s = step_s(row.verdict.entry)
            parts = shares_of(row.verdict.entry).items()
            shares = {part: share for part, share in parts if share >= NAMED_SHARE}
            seconds = {part: share * whole_s for part, share in shares.items()}
            figures = {part: f"{100 * share:.0f} %" for part, share in shares.items()}
            bars.append(Bar(row, seconds, f"{1000 * whole_s:.1f} ms", figures))
    return [Content.styled(STEPS, "$foreground-muted"), _draw(bars, STEP_MARKS, columns)] if bars else []


def _draw(bars: Sequence[Bar], marks: Marks, columns: int) -> Content:
    """The bars on one scale; the figures of all below them side by side, or of each where there is no room."""
    longest = max(sum(bar.seconds.values()) for bar in bars)
    width = max(8, columns - TOTAL_WIDTH)
    figure_width = max(FIGURE_WIDTH, *(_name(bar.row).cell_length + 2 for bar in bars))
    side_by_side = len(bars) > 1 and PART_WIDTH + figure_width * len(bars) <= columns
    lines = []
    for bar in bars:
        lines += [_name(bar.row), _bar(bar.seconds, longest, width, marks) + Content(f" {bar.total}")]
        lines += [] if side_by_side else [_legend(bar.figures, columns, marks), Content()]
    return Content("\n").join([*lines, *_table(bars, marks, figure_width)] if side_by_side else lines[:-1])


def _table(bars: Sequence[Bar], marks: Marks, width: int) -> list[Content]:
    """A line for each part, in the order of its marks, and a column for each row."""
    heads = [_name(bar.row) for bar in bars]
    lines = [
        Content(" " * PART_WIDTH) + Content("").join([" " * (width - head.cell_length) + head for head in heads])
    ]
    for part, (letter, style) in marks.items():
        figures = [bar.figures.get(part, "") for bar in bars]
        if any(figures):
            words = f" {part.replace('_', ' ')}".ljust(PART_WIDTH - 1)
            lines.append(Content.assemble((letter, style), words, *(figure.rjust(width) for figure in figures)))
    return lines


def _name(row: Row) -> Content:
    return Content.styled(printable(f"{row.kind}{row.name}"), framework_style(row.verdict.entry.framework))


def _bar(phases: Mapping[str, float], longest: float, width: int, marks: Marks) -> Content:
    """Cells by the ends of the phases, so that rounding never changes the whole; what is short has no cell."""
    cells, end_s, drawn = [], 0.0, 0
    for phase, seconds in phases.items():
        end_s += seconds
        end = round(width * end_s / longest) if longest else 0
        letter, style = marks[phase]
        cells.append(Content.styled(letter * (end - drawn), style))
        drawn = end
    return Content("").join(cells)


def _legend(figures: Mapping[str, str], columns: int, marks: Marks) -> Content:
    """Each phase or part with its figure; it stays whole where the line breaks."""
    lines = [Content()]
    for phase, figure in figures.items():
        letter, style = marks[phase]
        part = Content.assemble((letter, style), f" {phase.replace('_', ' ')} {figure}")
        if lines[-1] and lines[-1].cell_length + 2 + part.cell_length > columns:
            lines.append(part)
        else:
            lines[-1] += part if not lines[-1] else Content("  ") + part
    return Content("\n").join(lines)
