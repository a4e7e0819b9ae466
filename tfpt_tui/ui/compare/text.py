"""The words of the Compare screen: heading, notes, legend of the curves, origins. No widget is known here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from textwrap import wrap

from textual.content import Content

from tfpt_tui.errors import printable
from tfpt_tui.results.requests.comparables import SWEEP
from tfpt_tui.results.table import Table
from tfpt_tui.ui.compare.comparison_view import ComparisonSelection, ComparisonView, Curve, title_of
from tfpt_tui.ui.theme import CURVE_LETTERS, MAX_CURVES, colours_of

MAX_NOTES = 100
DOUBT = "not equivalent:"
FIRST_LINES = 2  # of an answer, which are shown however long they are: who is faster is among them
NO_CURVES = "No run of these trained an epoch: no curves."


def heading(wanted: ComparisonSelection, runs: int | None, by: str = "") -> Content:
    """What is compared and how; ``runs`` is None while it is read, ``by`` the setting that parts it."""
    title = title_of(wanted)
    if len(wanted.choices) == 1 and wanted.choices[0].kind == SWEEP and wanted.choices[0].began:
        title = f"{wanted.choices[0].preset or title} {wanted.choices[0].began:%m-%d %H:%M}"
    how = ["comparing ..." if runs is None else _how_many(runs, sum(len(one.summaries) for one in wanted.choices))]
    how += [f"within each {by}"] if by else []
    how += ["across machines and versions"] if wanted.across else []
    return Content.assemble((printable(title), "bold"), (f"  {', '.join(how)}", "$foreground-muted"))


def _how_many(runs: int, recorded: int) -> str:
    """Of a sweep that was resumed, those count that took the place of others."""
    total = f"{recorded:,} run{'' if recorded == 1 else 's'}"
    return f"{runs:,} of {total}" if runs < recorded else total


def answer(table: Table, rows: int, columns: int) -> Content:
    """What the comparison says, as far as it fits into so many rows and columns; what is doubtful stands out."""
    lines = [
        Content.styled(printable(line), "$text-warning" if line.startswith("!") or DOUBT in line else "bold")
        for line in table.answer
    ]
    disturbed = next((place for place, line in enumerate(table.answer) if line.startswith("!")), None)
    if disturbed is not None:
        lines[disturbed] += Content.styled("  R repeats, z leaves out", "$foreground-muted")
    ends = list(accumulate(len(wrap(line.plain, columns)) for line in lines))
    if len(ends) > FIRST_LINES and ends[-1] > rows:
        fitting = max(FIRST_LINES, sum(end < rows for end in ends))
        more = len(lines) - fitting
        counted = "1 more line" if more == 1 else f"{more} more lines"
        lines[fitting:] = [Content.styled(f"and {counted}; an export has them all", "$foreground-muted")]
    return Content("\n").join(lines)


def notes(table: Table, hidden_rows: int = 0) -> Content:
    """The notes; very many are cut, and so were very many rows."""
    lines = [cut(hidden_rows)] if hidden_rows else []
    lines += [_note(printable(note)) for note in table.notes[:MAX_NOTES]]
    if hidden := len(table.notes) - MAX_NOTES:
        lines += (
            [Content.styled(f"{hidden} more; an export has them all", "$foreground-muted")] if hidden > 0 else []
        )
    return Content("\n").join(lines)


def cut(hidden_rows: int) -> Content:
    """What stands above the rows where there are too many to be shown."""
    return Content.styled(f"{hidden_rows:,} more rows are not shown; an export has them all", "$text-warning")


def _note(note: str) -> Content:
    if note.startswith("comparing different"):
        return Content.styled(note, "$text-warning")
    return Content.styled(note, "$foreground-muted")


def curve_colours(curves: Sequence[Curve], dark: bool) -> list[str]:
    """A colour for each curve, on a dark or a light background."""
    lettered = [(letter, curve.framework) for letter, curve in zip(CURVE_LETTERS, curves, strict=False)]
    return list(colours_of(lettered, dark).values())


def curves_legend(curves: Sequence[Curve], rows: int, dark: bool) -> Content:
    """Each curve's letter and name, with where it ends."""
    lines = []
    for letter, curve, colour in zip(CURVE_LETTERS, curves, curve_colours(curves, dark), strict=False):
        end = f"  loss {curve.losses[-1]:.3f} acc {curve.accuracies[-1]:.3f}"
        mark = (f"{letter} {printable(curve.name)}", colour)
        lines.append(Content.assemble(mark, (end, "$foreground-muted")))
    if rows > len(curves) == MAX_CURVES:
        lines.append(Content.styled(f"{MAX_CURVES} of {rows} rows; / chooses others", "$foreground-muted"))
    return Content("\n").join(lines)


def environment(found: ComparisonView) -> Content:
    """What differs between machines and versions, with who has which; below it what is the same."""
    parts = [_heading("Computed on")]
    parts += [Content(f"  {printable(device)}") for device in found.origins.devices]
    parts.append(_heading("\nDiffers"))
    if not found.facts:
        parts.append(Content("  nothing is known about these runs"))
    for name, values in found.facts:
        parts.append(Content(f"  {printable(name)}"))
        parts += [
            Content.assemble(f"    {printable(value)}  ", (printable(runs), "$foreground-muted"))
            for value, runs in values
        ]
    parts.append(_heading("\nThe same everywhere"))
    shared = ", ".join(_plain(name, value) for name, value in found.origins.shared)
    parts.append(Content(f"  {printable(shared) or 'nothing'}"))
    return Content("\n").join(parts)


def _plain(name: str, value: str) -> str:
    """A fact as people say it: bytes as gigabytes, and no underscores."""
    if name.endswith("_bytes") and value.isdigit():
        name, value = name.removesuffix("_bytes"), f"{int(value) / 1e9:.1f} GB"
    return f"{name.replace('_', ' ')} {value}"


def _heading(text: str) -> Content:
    return Content.styled(text, "$foreground-muted")
