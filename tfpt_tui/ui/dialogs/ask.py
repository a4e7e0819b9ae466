"""One line of text, judged while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Static

from tfpt_tui.errors import UsageError
from tfpt_tui.ui.dialogs.dialog import Dialog


class Ask(Dialog[str | None]):
    """Returns the text; escape gives None. ``parse`` raises UsageError for a text that will not do."""

    DEFAULT_CSS = """
    Ask { align: center middle; }
    Ask > Vertical {
        width: 72; max-width: 95%; height: auto; padding: 1 2; background: $panel; border: round $primary;
    }
    Ask Static { margin-top: 1; color: $text-muted; }
    Ask Static.-bad { color: $text-warning; }
    """
    BINDINGS: ClassVar = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, title: str, text: str, hint: str, parse: Callable[[str], object]) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._hint = hint
        self._parse = parse

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "enter saves, esc closes"
            yield Input(self._text, compact=True)
            yield Static(self._hint, markup=False)

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        problem = self._problem_of(event.value)
        message = self.query_one(Static)
        message.update(problem or self._hint)
        message.set_class(bool(problem), "-bad")

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        if not self._problem_of(event.value):
            self.dismiss(event.value)

    def _problem_of(self, text: str) -> str:
        try:
            self._parse(text)
        except UsageError as error:
            return str(error)
        return ""
