"""One comparison in several views: its speed, table, phases, curves, published numbers and origins."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.answer import is_disturbed
from tfpt_tui.results.requests.request import Comparison
from tfpt_tui.ui.compare import text
from tfpt_tui.ui.compare.comparison_view import ComparisonSelection, ComparisonView
from tfpt_tui.ui.compare.curves import Curves
from tfpt_tui.ui.compare.intervals import draw_speed
from tfpt_tui.ui.compare.phase_bars import draw_phases
from tfpt_tui.ui.compare.result_table import MAX_ROWS, ResultTable
from tfpt_tui.ui.compare.view_bar import ViewBar

SPEED, TABLE, PHASES, CURVES, PUBLISHED, ENVIRONMENT = VIEWS = (
    "speed",
    "table",
    "phases",
    "curves",
    "published",
    "environment",
)
# These need a comparison; the others have something to show of runs that may not be compared, too.
COMPARED = (TABLE, SPEED, PHASES, CURVES)
# Rows of the answer, which stands above every view.
SHORT_ANSWER, LONG_ANSWER = 9, 14
FEW = 4  # rows beside which there is room for more notes
ROOMY = 50  # rows of a terminal on which the curves have room below all else
# These are drawn to the width that there is.
DRAWINGS = {SPEED: draw_speed, PHASES: draw_phases}
PRESS_A = "\n\nPress A to compare them anyway, or v to see what differs."


class ComparisonPane(Vertical):
    """On a short terminal one view at a time; on a tall one the table with another, the speed above it."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.comparison_view: ComparisonView | None = None
        self.view = SPEED
        # The columns that each of the drawings of this comparison has, and whether it has no table above it.
        self._drawn: dict[str, tuple[int, bool]] = {}

    def compose(self) -> ComposeResult:
        yield ViewBar({view: view.capitalize() for view in VIEWS}, id="views")
        yield Static(id="heading", markup=False)
        yield Static(id="answer", markup=False)
        with VerticalScroll(id="speed-view", classes="view"):
            yield Static(id="speed", markup=False)
        with Vertical(id="table-view", classes="view"):
            yield ResultTable(id="table")
            with VerticalScroll(classes="notes"):
                yield Static(id="notes", markup=False)
        with VerticalScroll(id="phases-view", classes="view"):
            yield Static(id="phases", markup=False)
        yield Curves(id="curves-view", classes="view")
        with Vertical(id="published-view", classes="view"):
            yield ResultTable(id="published")
            with VerticalScroll(classes="notes"):
                yield Static(id="published-notes", markup=False)
        with VerticalScroll(id="environment-view", classes="view"):
            yield Static(id="environment", markup=False)
        yield Static(id="message", markup=False)

    @property
    def table(self) -> ResultTable:
        """The table that keys are for: that of the published numbers where it is shown and the other is not."""
        name = "#published" if self.view == PUBLISHED and not self._other_table_has_focus() else "#table"
        return self.query_one(name, ResultTable)

    @property
    def comparison(self) -> Comparison | None:
        """What the table in use shows."""
        if self.comparison_view is None:
            return None
        return self.comparison_view.published if self.table.id == PUBLISHED else self.comparison_view.comparison

    @property
    def disturbed(self) -> tuple[str, ...]:
        """The IDs of the runs that something else on the machine disturbed."""
        found = self.comparison_view.comparison if self.comparison_view else None
        return tuple(result.run for result in found.results if is_disturbed(result)) if found else ()

    @property
    def shown(self) -> tuple[str, ...]:
        """The views that are on the screen, from top to bottom."""
        if not self.screen.has_class("-tall") or self.screen.has_class("-full"):
            return (self.view,)
        views = (SPEED, TABLE) if self.view in (SPEED, TABLE) else (TABLE, self.view)
        curves_too = self.screen.size.height >= ROOMY and self.view in COMPARED and self.view != CURVES
        return (*views, CURVES) if curves_too else views

    def expect(self, wanted: ComparisonSelection) -> None:
        """Say what is being compared, while what was found before still stands."""
        self.query_one("#heading", Static).update(text.heading(wanted, None))

    def be_patient(self, wanted: ComparisonSelection) -> None:
        """What was found of other runs is no answer to what is wanted now: hide it while that takes its time."""
        before = self.comparison_view.wanted.choices if self.comparison_view else ()
        if [choice.id for choice in before] != [choice.id for choice in wanted.choices]:
            self.clear("comparing ...")

    def clear(self, message: str) -> None:
        """Show nothing but a message."""
        self.comparison_view = None
        self.query_one("#message", Static).update(Content(message))
        self.add_class("-message")
        self.show_view(self.view)

    def show(self, comparison_view: ComparisonView) -> None:
        self.comparison_view = comparison_view
        self._drawn.clear()
        comparison, published = comparison_view.comparison, comparison_view.published
        self.set_class(comparison is None, "-message")
        self.set_class(len(comparison_view.rows) <= FEW, "-few")
        by = comparison.request.by if comparison else ""
        way_out = PRESS_A if comparison_view.across_helps else ""
        self.query_one("#message", Static).update(Content(printable(comparison_view.refusal) + way_out))
        self.query_one("#heading", Static).update(text.heading(comparison_view.wanted, comparison_view.runs, by))
        self._show_answer()
        self._show_table("table", comparison)
        self._show_table("published", published)
        hidden = self.query_one("#table", ResultTable).hidden_rows
        notes = text.notes(comparison.table, hidden) if comparison else ""
        self.query_one("#notes", Static).update(notes)
        self.query_one("#published-notes", Static).update(
            text.notes(published.table) if published else Content(printable(comparison_view.no_table))
        )
        self.query_one(Curves).show(comparison_view.curves, len(comparison_view.rows))
        self.query_one("#environment", Static).update(text.environment(comparison_view))
        self.show_view(self.view)

    def show_view(self, view: str) -> None:
        """Bring a view to the screen."""
        self.view = view
        shown = self.shown
        self.query_one(ViewBar).show(shown)
        for name in VIEWS:
            blocked = self.has_class("-message") and (name in COMPARED or self.comparison_view is None)
            own = self.query_one(f"#{name}-view")
            own.set_class(name in shown and not blocked, "-shown")
            own.set_class(name in shown[1:], "-below")
            own.set_class(name in shown[:-1], "-above")
        for name in shown:
            self._draw(name)
        blocked = self.has_class("-message") and (shown[0] in COMPARED or self.comparison_view is None)
        self.query_one("#message").display = blocked
        self.screen.refresh_bindings()

    def step(self, step: int) -> None:
        """The next view, or the previous one; beside the table that is always there, one of the others."""
        alone = len(self.shown) == 1
        ring = [view for view in VIEWS if view != TABLE or alone]
        current = SPEED if self.view == TABLE and not alone else self.view
        self.show_view(ring[(ring.index(current) + step) % len(ring)])

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        """Show as much as the size allows."""
        self._show_answer()
        self.show_view(self.view)

    def _show_answer(self) -> None:
        found = self.comparison_view.comparison if self.comparison_view else None
        rows, columns = SHORT_ANSWER if self.screen.has_class("-short") else LONG_ANSWER, self.content_size.width
        self.query_one("#answer", Static).update(text.answer(found.table, rows, columns or 80) if found else "")

    def _show_table(self, name: str, found: Comparison | None) -> None:
        own = self.query_one(f"#{name}", ResultTable)
        own.display = found is not None
        own.show(found.table if found else None)

    def _draw(self, view: str) -> None:
        """Draw a view anew where that changes it; of very many rows the first ones, as in the table.

        The notes stand below the speed where there is no table above it.
        """
        found, alone = self.comparison_view, TABLE not in self.shown
        columns = self.content_size.width - 1  # the scrollbar's
        if view not in DRAWINGS or not found or columns < 1 or self._drawn.get(view) == (columns, alone):
            return
        self._drawn[view] = (columns, alone)
        rows = found.rows
        parts = [text.cut(len(rows) - MAX_ROWS)] if len(rows) > MAX_ROWS else []
        parts += [DRAWINGS[view](rows[:MAX_ROWS], columns)] if rows else []
        if view == SPEED and alone and found.comparison:
            parts.append(text.notes(found.comparison.table))
        self.query_one(f"#{view}", Static).update(Content("\n").join(parts))

    def _other_table_has_focus(self) -> bool:
        return self.query_one("#table", ResultTable).has_focus
