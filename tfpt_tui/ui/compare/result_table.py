"""A table of results: sorted by the column under the cursor, turned, each cell to be copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from rich.style import Style
from rich.text import Text
from textual.widgets import DataTable

from tfpt_tui.config.frameworks import titles
from tfpt_tui.errors import printable
from tfpt_tui.results.table import Cell, Column, Table, is_numeric, sorted_by
from tfpt_tui.ui.theme import VERDICT_STYLES, framework_colours

MAX_CELL, MAX_TURNED_CELL = 40, 18
# Each row is laid out on the event loop; an export has them all.
MAX_ROWS = 500


class ResultTable(DataTable[Text]):
    DEFAULT_CSS = """
    ResultTable { background: $background; scrollbar-size: 1 1; }
    ResultTable > .datatable--header { background: $background; color: $text-muted; text-style: none; }
    ResultTable > .datatable--cursor { background: $panel; text-style: none; }
    ResultTable > .datatable--fixed { background: $background; }
    ResultTable > .datatable--fixed-cursor { background: $panel; }
    ResultTable:focus > .datatable--cursor { background: $primary-muted; text-style: none; }
    ResultTable > .datatable--header-cursor, ResultTable > .datatable--header-hover {
        background: $background; color: $text;
    }
    ResultTable > .result-table--doubtful { color: $foreground-muted; }
    """ + "".join(
        f"ResultTable > .result-table--{verdict.replace(' ', '-')} {{ color: {style}; }}\n"
        for verdict, style in VERDICT_STYLES.items()
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "result-table--doubtful",
        *(f"result-table--{verdict.replace(' ', '-')}" for verdict in VERDICT_STYLES),
    }

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, cursor_foreground_priority="renderable", cell_padding=1)
        self._table: Table | None = None
        self._columns_shown: tuple[Column, ...] = ()
        self._numeric: set[str] = set()
        self.sorting = ""
        self.turned = False

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())

    @property
    def table(self) -> Table | None:
        """The table as it is shown: sorted, with all its columns and rows."""
        if self._table and self.sorting.removeprefix("-") in [column.name for column in self._table.columns]:
            return sorted_by(self._table, self.sorting)
        return self._table

    @property
    def hidden_rows(self) -> int:
        return max(0, len(self._table.rows) - MAX_ROWS) if self._table else 0

    def show(self, table: Table | None) -> None:
        """Show another table; columns that say nothing of any row are left out."""
        self._table = table
        self._columns_shown = tuple(
            column
            for column in (table.columns if table else ())
            if table and column.printed and _says_something(column, table)
        )
        self._numeric = _numeric_names(table) if table else set()
        self._fill()

    def sort_here(self) -> None:
        """By the column under the cursor, then the other way round, then as it came."""
        column = self.column_here
        if column is None:
            return
        following = {column.name: f"-{column.name}", f"-{column.name}": ""}
        self.sorting = following.get(self.sorting, column.name)
        self._fill()

    def turn(self) -> None:
        """Rows as columns, and back; the cursor stays on its cell."""
        row, column = self.cursor_coordinate
        self.turned = not self.turned
        self._fill()
        # The headings of a turned table are its first column.
        place = (column, row + 1) if self.turned else (max(0, column - 1), row)
        self.move_cursor(row=place[0], column=place[1])

    @property
    def row_here(self) -> Mapping[str, Cell] | None:
        """The row of the table that the cursor is on."""
        row, column = self.cursor_coordinate
        place = column - 1 if self.turned else row
        rows = self.table.rows if self.table else ()
        return rows[place] if 0 <= place < min(len(rows), MAX_ROWS) else None

    @property
    def column_here(self) -> Column | None:
        row, column = self.cursor_coordinate
        place = row if self.turned else column
        return self._columns_shown[place] if place < len(self._columns_shown) else None

    @property
    def text_here(self) -> str:
        """The whole text of the cell under the cursor."""
        column, row = self.column_here, self.row_here
        if column is None:
            return ""
        return column.title if row is None else column.show(row.get(column.name))

    def _fill(self) -> None:
        cursor = self.cursor_coordinate
        scroll = self.scroll_offset
        self.clear(columns=True)
        table = self.table
        if table is None:
            return
        rows = table.rows[:MAX_ROWS]
        cells = [[self._cell(column, row) for column in self._columns_shown] for row in rows]
        headings = [self._heading(column) for column in self._columns_shown]
        if self.turned:
            names = [Text(f"row {number}") for number in range(1, len(rows) + 1)]
            cells = [
                [heading, *column] for heading, column in zip(headings, zip(*cells, strict=True), strict=True)
            ]
            headings = [Text(), *names]
        for place, heading in enumerate(headings):
            self.add_column(heading, width=max([heading.cell_len, *(line[place].cell_len for line in cells)]))
        self.fixed_columns = 1
        self.add_rows(cells)
        # With its heading and a scrollbar. Left to itself, a table that was filled while hidden has no height.
        self.styles.height = len(cells) + 2
        self.move_cursor(row=cursor.row, column=cursor.column, animate=False)
        self.scroll_to(*scroll, animate=False)

    def _recolour(self) -> None:
        # On a screen that is not shown now, the verdicts' colours would be those of the theme before.
        self.update_node_styles(animate=False)
        self._fill()

    def _heading(self, column: Column) -> Text:
        mark = {column.name: " ▲", f"-{column.name}": " ▼"}.get(self.sorting, "")
        return Text(f"{column.title}{mark}", justify=self._justify(column))

    def _cell(self, column: Column, row: Mapping[str, Cell]) -> Text:
        text = printable(column.show(row.get(column.name)))
        most = MAX_TURNED_CELL if self.turned else MAX_CELL
        text = text if len(text) <= most else f"{text[: most - 1]}…"
        style: Style | str = ""
        if column.name == "framework":
            style = framework_colours(self.app.current_theme.dark).get(titles().get(text, ""), "")
        elif row.get("in_band") is False and column.name != "in_band":
            style = self._style("doubtful")
        elif column.name == "verdict" and text in VERDICT_STYLES:
            style = self._style(text.replace(" ", "-"))
        return Text(text, style, justify=self._justify(column), no_wrap=True)

    def _justify(self, column: Column) -> Literal["left", "right"]:
        """A turned table has numbers and words below each other."""
        return "right" if column.name in self._numeric and not self.turned else "left"

    def _style(self, name: str) -> Style:
        found = self.get_component_rich_style(f"result-table--{name}")
        return Style(color=found.color, bold=found.bold)  # on its own, a faint colour loses what makes it faint


def _says_something(column: Column, table: Table) -> bool:
    """Whether anything is known, and anything else than that all runs completed."""
    values = {row.get(column.name) for row in table.rows}
    return bool(values - {None, "completed"})


def _numeric_names(table: Table) -> set[str]:
    return {column.name for column in table.columns if is_numeric(column, table)}
