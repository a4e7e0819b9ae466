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
    width = max(8, columns - TOTAL_WIDTH)
    parts = []
    for row, phases in known:
        colour = framework_style(row.verdict.entry.framework)
        name = Content.styled(printable(f"{row.kind}{row.name}"), colour)
        bar = _bar(phases, longest, width, PHASE_MARKS) + Content(f" {sum(phases.values()):.1f} s")
        figures = {phase: f"{seconds:.1f}" if seconds >= 0.05 else "<0.1" for phase, seconds in phases.items()}
        parts.append(Content("\n").join([name, bar, _legend(figures, columns, PHASE_MARKS)]))
    parts += _draw_steps([row for row, _ in known], columns, width)
    return Content("\n\n").join(parts)


def _draw_steps(rows: Sequence[Row], columns: int, width: int) -> list[Content]:
    """The parts of a training step, for the rows that were profiled."""
    known = [row for row in rows if profiled([row.verdict.entry])]
    longest = max((step_s(row.verdict.entry) for row in known), default=0.0)
    parts = [Content.styled(STEPS, "$foreground-muted")] * bool(known)
    for row in known:
        entry, whole_s = row.verdict.entry, step_s(row.verdict.entry)
        shares = {part: share for part, share in shares_of(entry).items() if share >= NAMED_SHARE}
        name = Content.styled(printable(f"{row.kind}{row.name}"), framework_style(entry.framework))
        seconds = {part: share * whole_s for part, share in shares.items()}
        bar = _bar(seconds, longest, width, STEP_MARKS) + Content(f" {1000 * whole_s:.1f} ms")
        figures = {part: f"{100 * share:.0f} %" for part, share in shares.items()}
        parts.append(Content("\n").join([name, bar, _legend(figures, columns, STEP_MARKS)]))
    return parts


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
