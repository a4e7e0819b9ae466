"""Where each row's time went: a bar of its phases, and of the parts of a profiled step. No widget here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.profile import NAMED_SHARE, profiled, shares_of, step_s
from tfpt_tui.ui.compare.comparison_view import Row
from tfpt_tui.ui.theme import PHASE_MARKS, STEP_MARKS, framework_style

Marks = Mapping[str, tuple[str, str]]

TOTAL_WIDTH = 10
STEPS = "Where the time of a training step goes, by the framework's profiler"
NOTHING = "No run has completed, so there are no phases to show."


def draw_phases(rows: Sequence[Row], columns: int) -> Content:
    """Bars of a kind have one scale. Medians of the repeats, in the order in which the phases happen."""
    known = [(row, phases) for row in rows if (phases := row.verdict.entry.phases())]
    if not known:
        return Content(NOTHING)
    longest = max(sum(phases.values()) for _, phases in known)
    blocks = []
    for row, phases in known:
        figures = {phase: f"{seconds:.1f}" if seconds >= 0.05 else "<0.1" for phase, seconds in phases.items()}
        total = f"{sum(phases.values()):.1f} s"
        blocks.append(_block(row, phases, longest, total, figures, PHASE_MARKS, columns))
    return Content("\n\n").join([*blocks, *_draw_steps([row for row, _ in known], columns)])


def _draw_steps(rows: Sequence[Row], columns: int) -> list[Content]:
    """The parts of a training step, for the rows that were profiled."""
    known = [row for row in rows if profiled([row.verdict.entry])]
    longest = max((step_s(row.verdict.entry) for row in known), default=0.0)
    blocks = [Content.styled(STEPS, "$foreground-muted")] * bool(known)
    for row in known:
        whole_s = step_s(row.verdict.entry)
        shares = {part: share for part, share in shares_of(row.verdict.entry).items() if share >= NAMED_SHARE}
        seconds = {part: share * whole_s for part, share in shares.items()}
        figures = {part: f"{100 * share:.0f} %" for part, share in shares.items()}
        blocks.append(_block(row, seconds, longest, f"{1000 * whole_s:.1f} ms", figures, STEP_MARKS, columns))
    return blocks


def _block(
    row: Row,
    seconds: Mapping[str, float],
    longest: float,
    total: str,
    figures: Mapping[str, str],
    marks: Marks,
    columns: int,
) -> Content:
    """A row's name, its bar with the total behind it, and the figures of its parts."""
    name = Content.styled(printable(f"{row.kind}{row.name}"), framework_style(row.verdict.entry.framework))
    bar = _bar(seconds, longest, max(8, columns - TOTAL_WIDTH), marks) + Content(f" {total}")
    return Content("\n").join([name, bar, _legend(figures, columns, marks)])


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
