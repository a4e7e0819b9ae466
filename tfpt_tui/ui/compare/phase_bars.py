"""Where each row's time went: a bar of its phases, told apart by letters, and the seconds. No widget here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.ui.compare.comparison_view import Row
from tfpt_tui.ui.theme import PHASE_MARKS, framework_style

TOTAL_WIDTH = 10
NOTHING = "No run has completed, so there are no phases to show."


def draw_phases(rows: Sequence[Row], columns: int) -> Content:
    """All bars have one scale. Medians of the repeats, in the order in which the phases happen."""
    known = [(row, phases) for row in rows if (phases := row.verdict.entry.phases())]
    if not known:
        return Content(NOTHING)
    longest = max(sum(phases.values()) for _, phases in known)
    width = max(8, columns - TOTAL_WIDTH)
    parts = []
    for row, phases in known:
        colour = framework_style(row.verdict.entry.framework)
        name = Content.styled(printable(f"{row.kind}{row.name}"), colour)
        bar = _bar(phases, longest, width) + Content(f" {sum(phases.values()):.1f} s")
        parts.append(Content("\n").join([name, bar, _seconds(phases, columns)]))
    return Content("\n\n").join(parts)


def _bar(phases: Mapping[str, float], longest: float, width: int) -> Content:
    """Cells by the ends of the phases, so that rounding never changes the whole; what is short has no cell."""
    cells, end_s, drawn = [], 0.0, 0
    for phase, seconds in phases.items():
        end_s += seconds
        end = round(width * end_s / longest) if longest else 0
        letter, style = PHASE_MARKS[phase]
        cells.append(Content.styled(letter * (end - drawn), style))
        drawn = end
    return Content("").join(cells)


def _seconds(phases: Mapping[str, float], columns: int) -> Content:
    """The legend with the figures; a phase stays whole where the line breaks."""
    lines = [Content()]
    for phase, seconds in phases.items():
        letter, style = PHASE_MARKS[phase]
        figure = f"{seconds:.1f}" if seconds >= 0.05 else "<0.1"
        part = Content.assemble((letter, style), f" {phase.replace('_', ' ')} {figure}")
        if lines[-1] and lines[-1].cell_length + 2 + part.cell_length > columns:
            lines.append(part)
        else:
            lines[-1] += part if not lines[-1] else Content("  ") + part
    return Content("\n").join(lines)
