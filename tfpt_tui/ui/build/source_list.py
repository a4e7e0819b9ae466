"""What a plan may start from, on the left of Build."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.results.store.plan_sources import Source
from tfpt_tui.ui.build.text import MUTED, source_line


class SourceList(OptionList):
    """A line a source under the heading of its group; a filter leaves those that have its words."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._sources: tuple[Source, ...] = ()
        self._words: list[str] = []

    @property
    def sources(self) -> tuple[Source, ...]:
        return self._sources

    def find(self, option_id: str | None) -> Source | None:
        return next((source for source in self._sources if str(source.path) == option_id), None)

    def show(self, sources: Sequence[Source], chosen: Path | None) -> None:
        """Show the sources, the highlight on the chosen one where it is there, else on the first."""
        if tuple(sources) != self._sources:
            self._sources = tuple(sources)
            self._fill()
        self._highlight(chosen)

    def filter(self, text: str) -> None:
        kept = self.find(self.chosen)
        self._words = text.lower().split()
        self._fill()
        self._highlight(kept.path if kept else None)

    @property
    def chosen(self) -> str | None:
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def _fill(self) -> None:
        self.clear_options()
        shown = [source for source in self._sources if all(word in _searched(source) for word in self._words)]
        for group, members in groupby(shown, key=lambda source: source.group):
            self.add_option(Option(Content.styled(group, MUTED), disabled=True))
            self.add_options(Option(source_line(source), id=str(source.path)) for source in members)
        if not shown and self._sources:
            self.add_option(Option(Content.styled("nothing has these words; esc shows all", MUTED), disabled=True))

    def _highlight(self, chosen: Path | None) -> None:
        ids = [option.id for option in self.options if option.id]
        if ids:
            self.highlighted = self.get_option_index(str(chosen) if str(chosen) in ids else ids[0])


def _searched(source: Source) -> str:
    title = title_of(source.framework, "")
    return f"{source.group} {source.name} {title} {source.status} {source.detail}".lower()


class SourcePane(Vertical):
    """The list, and above it the words that it is filtered by, while there are any."""

    def compose(self) -> ComposeResult:
        yield Input(placeholder="filter", id="filter", compact=True)
        yield SourceList(id="sources")

    @property
    def filtered(self) -> bool:
        return self.query_one(Input).has_class("-shown")

    def ask(self) -> None:
        """Show the filter, and type into it."""
        self.query_one(Input).add_class("-shown").focus()

    def show_all(self) -> None:
        self.query_one(Input).remove_class("-shown").value = ""

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(SourceList).filter(event.value)

    @on(Input.Submitted)
    def _leave(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(SourceList).focus()
