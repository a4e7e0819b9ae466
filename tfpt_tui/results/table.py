"""A table and the formats it is written in. The same number is the same text in every one of them."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tfpt_tui.config.schema import nearest
from tfpt_tui.documents import finite
from tfpt_tui.errors import UsageError, printable

HTML_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# An underscore within a word is one, a bracket alone is one, too (GitHub Flavored Markdown, 6.2 and 6.6).
MARKDOWN = re.compile(r"[&<>|`*~]|\\(?=[!-/:-@\[-`{-~])|(?<!\w)_|_(?!\w)|(?<=\])[(\[]|(?<=!)\[")
# What LaTeX would take for a command.
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"$<$",
    ">": r"$>$",
}

GAP = "  "  # between two columns of a text
LEAST_TEXT = 16  # characters of a text that are worth showing

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Column:
    """``name`` is the key in csv and json, unit included; ``title`` the heading that people read.

    Without ``digits`` a number is as it was typed: two settings that differ must not look alike.
    ``printed`` is False for what people read in the notes instead. Of a ``small`` number the first digits that
    are not 0 are shown: a probability is never 0.
    """

    name: str
    title: str
    digits: int | None = None
    printed: bool = True
    small: bool = False

    def show(self, value: Cell) -> str:
        """The text that people read; unknown is empty."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float):
            shown = f"{value:.10g}" if self.digits is None else f"{value:.{self.digits}f}"
            return f"{value:.0e}" if self.small and float(shown) == 0 else shown
        return str(value)


@dataclass(frozen=True)
class Table:
    """``notes`` are lines that must stand beside the numbers wherever they are shown.

    ``answer`` are the few that stand above them: what the numbers say.
    """

    columns: tuple[Column, ...]
    rows: tuple[Mapping[str, Cell], ...]
    notes: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()


def sorted_by(table: Table, column: str) -> Table:
    """The rows by a column's values, largest first where its name begins with "-"; unknown ones last.

    Raises:
        UsageError: the table has no such column.
    """
    name = column.removeprefix("-")
    names = [known.name for known in table.columns]
    if name not in names:
        raise UsageError(f"no column {name!r}{nearest(name, names)} (known: {', '.join(names)})")
    known = [row for row in table.rows if not _is_unknown(row.get(name))]
    # Numbers and words do not compare; a column such as num_workers has both (n/a).
    known.sort(key=lambda row: (isinstance(row[name], str), row[name]), reverse=column.startswith("-"))
    unknown = [row for row in table.rows if _is_unknown(row.get(name))]
    return dataclasses.replace(table, rows=(*known, *unknown))


def _is_unknown(value: Cell) -> bool:
    """NaN is neither less nor more than a number: among others it would leave them in disorder."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def fitted(table: Table, width: int) -> Table:
    """What fits into so many characters: the last columns go, and are named in a note.

    The first one that goes is kept in part where it is text and there is some room.
    """
    known = _printed(table)
    widths = _widths(dataclasses.replace(table, columns=tuple(known)))
    ends = list(itertools.accumulate(widths, lambda end, own: end + len(GAP) + own))
    count = max(1, sum(end <= width for end in ends))
    rows = table.rows
    if count < len(known) and width - ends[count - 1] >= len(GAP) + LEAST_TEXT:
        column, room = known[count], width - ends[count - 1] - len(GAP)
        if not is_numeric(column, table):
            rows = tuple({**row, column.name: _cut(column.show(row.get(column.name)), room)} for row in rows)
            count += 1
    notes, answer = (
        [line for text in texts for line in textwrap.wrap(text, width, subsequent_indent=GAP)]
        for texts in (table.notes, table.answer)
    )
    if left_out := [column.title for column in known[count:]]:
        note = f"hidden (terminal too narrow): {', '.join(left_out)}"
        notes += textwrap.wrap(note, width, subsequent_indent=GAP)
    return Table(tuple(known[:count]), rows, tuple(notes), tuple(answer))


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _widths(table: Table) -> list[int]:
    return [max(map(len, column)) for column in zip(*printed_cells(table), strict=True)]


def as_text(table: Table) -> str:
    """Aligned columns for a terminal: numbers to the right, the rest to the left."""
    cells = printed_cells(table)
    widths = _widths(table)
    right = numeric_columns(table)
    lines = []
    for row in cells:
        aligned = [
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ]
        lines.append(GAP.join(aligned).rstrip())
    lines.insert(1, GAP.join("-" * width for width in widths))
    answer = [*map(printable, table.answer), ""] if table.answer else []
    notes = ["", *map(printable, table.notes)] if table.notes else []
    return "\n".join([*answer, *lines, *notes]) + "\n"


def as_markdown(table: Table) -> str:
    """The answer in a paragraph, a table, numbers to the right, and its notes as a list."""
    heading, *rows = [[_escape_markdown(cell) for cell in row] for row in printed_cells(table)]
    rule = ["---:" if numeric else "---" for numeric in numeric_columns(table)]
    text = [f"| {' | '.join(line)} |" for line in (heading, rule, *rows)]
    answer = [f"{_escape_markdown(printable(line))}\n" for line in table.answer]
    notes = ["", *(f"- {_escape_markdown(printable(note))}" for note in table.notes)] if table.notes else []
    return "\n".join([*answer, *text, *notes]) + "\n"


def as_latex(table: Table) -> str:
    """A table for booktabs, ready to paste; the answer stands above it and the notes below it as text."""
    heading, *rows = [[_escape_latex(cell) for cell in row] for row in printed_cells(table)]
    alignment = "".join("r" if numeric else "l" for numeric in numeric_columns(table))
    lines = [
        "% \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{{alignment}}}",
        "\\toprule",
        f"{' & '.join(heading)} \\\\",
        "\\midrule",
        *(f"{' & '.join(row)} \\\\" for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
    ]
    answer = [f"{_escape_latex(printable(line))}\n" for line in table.answer]
    notes = [f"\n{_escape_latex(printable(note))}" for note in table.notes]
    return "\n".join([*answer, *lines, *notes]) + "\n"


def as_csv(table: Table) -> str:
    """Names as the header; an empty table still has one. No cell can run as a formula in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow(
            [_inert(column.show(row.get(column.name)), row.get(column.name)) for column in table.columns]
        )
    return text.getvalue()


def as_json(table: Table, **more: object) -> str:
    """The answer, rows by the names of their columns, and the notes; ``more`` stands beside them as it is."""
    rows = [
        {column.name: _json_value(column, row.get(column.name)) for column in table.columns} for row in table.rows
    ]
    lines = {"answer": list(table.answer), "notes": list(table.notes)}
    document = {"schema": 1, "rows": rows, **lines, **finite(more)}
    return json_text(document) + "\n"


def json_text(document: object) -> str:
    """JSON in which letters are readable, and what a terminal would obey, hide or refuse is escaped."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    return "".join(letter if letter.isprintable() or letter == "\n" else _escape_json(letter) for letter in text)


def _escape_json(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


FORMATS: Mapping[str, Callable[[Table], str]] = {
    "table": as_text,
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
    "json": as_json,
}


def numeric_columns(table: Table) -> list[bool]:
    """Which of the printed columns hold numbers, and are set to the right."""
    return [is_numeric(column, table) for column in _printed(table)]


def is_numeric(column: Column, table: Table) -> bool:
    """Whether a column holds numbers."""
    return any(type(row.get(column.name)) in (int, float) for row in table.rows)


def _escape_markdown(text: str) -> str:
    """As text, not as HTML, emphasis, code or a link; brackets of an interval stay as they are."""
    return MARKDOWN.sub(lambda found: HTML_ENTITIES.get(found[0]) or f"\\{found[0]}", text)


def _escape_latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in text)


def printed_cells(table: Table) -> list[list[str]]:
    """The texts of the printed columns, the heading, then every row: with nothing that a terminal would obey."""
    columns = _printed(table)
    heading = [column.title for column in columns]
    rows = ([printable(column.show(row.get(column.name))) for column in columns] for row in table.rows)
    return [heading, *rows]


def _printed(table: Table) -> list[Column]:
    """Those with something to read: a column without any value is for csv and json. Without rows, all."""
    printed = [column for column in table.columns if column.printed]
    filled = [column for column in printed if any(row.get(column.name) is not None for row in table.rows)]
    return filled or printed


def _inert(text: str, value: Cell) -> str:
    is_formula = isinstance(value, str) and text.startswith(("=", "+", "-", "@", "\t", "\r"))
    return printable(f"'{text}" if is_formula else text)


def _json_value(column: Column, value: Cell) -> Cell:
    """Numbers as they are shown elsewhere; JSON has no NaN."""
    if isinstance(value, float):
        return float(column.show(value)) if math.isfinite(value) else column.show(value)
    return value
