"""The file that would be kept, as it is typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.widgets import Static

NO_FILE = "no preset yet: first fix what is marked"


class Preview(ScrollableContainer):
    """It moves by the same actions as the lists."""

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def show(self, text: str) -> None:
        self.query_one(Static).update(Content(text or NO_FILE))

    def action_cursor_down(self) -> None:
        self.scroll_down()

    def action_cursor_up(self) -> None:
        self.scroll_up()

    def action_first(self) -> None:
        self.scroll_home()

    def action_last(self) -> None:
        self.scroll_end()
