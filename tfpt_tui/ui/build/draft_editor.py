"""A draft to work on: the rows of its preset, the form of its settings, and the file that it would be kept in."""

from __future__ import annotations

from collections.abc import Collection

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from tfpt_tui.config.presets import Preset
from tfpt_tui.results.store.plan_sources import Source
from tfpt_tui.runs.plan.draft import Draft, Outcome
from tfpt_tui.ui.build import text
from tfpt_tui.ui.build.draft_form import DraftForm
from tfpt_tui.ui.build.file_preview import Preview
from tfpt_tui.ui.build.row_list import RowList

HOW = "tab, arrows: rows and settings; esc: back; ctrl+p finds one.\nA list such as 16, 32, 64 makes a sweep."


class DraftEditor(Container):
    """Below the form stands what the field means that has the focus."""

    def __init__(self, hidden: Collection[str], *, id: str) -> None:  # noqa: A002 - Textual's name for it
        """``hidden`` are settings that have no field."""
        super().__init__(id=id)
        self._hidden = hidden
        self._outcome: Outcome | None = None
        self._shown: tuple[Source, Preset] | None = None
        self._key = ""  # of the field that has the focus
        self._help = Content.styled(HOW, text.MUTED)

    def compose(self) -> ComposeResult:
        with Vertical(id="choices"):
            yield Static(id="heading", markup=False)
            yield Static(id="row-heading", markup=False)
            yield RowList(id="rows")
            yield DraftForm(self._hidden, id="form")
            yield Static(self._help, id="help", markup=False)
        yield Preview(id="preview")

    def show(self, source: Source, draft: Draft, outcome: Outcome) -> None:
        self._outcome = outcome
        if (source, draft.preset) != self._shown:
            self._shown = (source, draft.preset)
            self.query_one("#heading", Static).update(text.heading(draft.preset, source))
            self.query_one("#row-heading", Static).update(text.row_lines(draft.preset)[0])
        self.query_one(RowList).show(draft.preset, draft.chosen)
        self.query_one(DraftForm).show(outcome)
        self._explain()

    @on(DraftForm.Entered)
    def _enter(self, event: DraftForm.Entered) -> None:
        self._key = event.key
        self._explain()

    def _explain(self) -> None:
        """Say what the field means that has the focus, or what is wrong with its text."""
        field = self._outcome.fields.get(self._key) if self._outcome else None
        wanted = text.field_help(field) if field else Content.styled(HOW, text.MUTED)
        if wanted != self._help:
            self._help = wanted
            self.query_one("#help", Static).update(wanted)
