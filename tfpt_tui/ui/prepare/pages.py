"""The right of Prepare: a new dataset, one that is being made, or one that is there."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tfpt_tui.results.store.datasets import Dataset, Usage
from tfpt_tui.runs.tasks.preparation import Preparation
from tfpt_tui.ui.prepare import text
from tfpt_tui.ui.prepare.contact_sheet import WITHOUT_ROOM, ContactSheet
from tfpt_tui.ui.prepare.form import PrepareForm
from tfpt_tui.ui.prepare.preview import Form, PreparePreview
from tfpt_tui.ui.prepare.thumbnails import Grid, fit
from tfpt_tui.ui.widgets.live import Live


class NewPage(VerticalScroll, can_focus=False):
    """The form, and below it what it amounts to."""

    def compose(self) -> ComposeResult:
        yield PrepareForm()
        yield Static(id="previewed", markup=False)

    @property
    def form(self) -> Form:
        return self.query_one(PrepareForm).form

    def show(self, previewed: PreparePreview, columns: int) -> None:
        self.query_one("#previewed", Static).update(text.preview(previewed, columns))


class PreparationPage(VerticalScroll):
    """What is made, and how far it is."""

    def compose(self) -> ComposeResult:
        yield Live(id="progress")

    def show(self, one: Preparation, columns: int) -> None:
        lines = [text.headline(one, columns), text.progress(one, columns)]
        self.query_one("#progress", Live).show(Content("\n\n").join(lines))


class DatasetPage(VerticalScroll):
    """Facts, pictures, files that were left out, and classes. The pictures are drawn elsewhere, for its room."""

    _key: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("looking for datasets ...", id="facts", markup=False)
        yield ContactSheet(id="sheet")
        yield Static(id="problems", markup=False)
        yield Static(id="class-table", markup=False)

    def show(self, dataset: Dataset, usage: Usage | None, columns: int) -> None:
        if dataset.key != self._key:
            self._key = dataset.key
            self.scroll_home(animate=False)
        self.show_facts(dataset, usage, columns)
        manifest = dataset.manifest
        parts = {"sheet": manifest, "class-table": manifest, "problems": manifest and manifest.skipped}
        for name, shown in parts.items():
            self.query_one(f"#{name}").set_class(not shown, "-none")
        if manifest:
            self.query_one("#problems", Static).update(text.problem_files(manifest))
            self.query_one("#class-table", Static).update(text.class_table(manifest, columns))

    def show_facts(self, dataset: Dataset, usage: Usage | None, columns: int) -> None:
        self.query_one("#facts", Static).update(text.facts(dataset, usage, columns))

    def room_for_pictures(self) -> Grid | None:
        """How many pictures to draw, and how large; None where it says in their place why there are none."""
        sheet = self.query_one(ContactSheet)
        obstacle = sheet.obstacle()
        sheet.set_class(bool(obstacle), "-line")
        grid = None if obstacle else fit(sheet.size.width, sheet.size.height)
        if grid is None and sheet.size:  # without a size it is not laid out yet, and will tell
            sheet.say(obstacle or WITHOUT_ROOM)
        return grid
