"""Help: the key registry as a list."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tfpt_tui.ui.keys import KEYS, show_keys


class Help(ModalScreen[None]):
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 72; max-width: 95%; height: auto; max-height: 90%; padding: 0 2;
        background: $panel; border: round $primary;
    }
    """
    BINDINGS: ClassVar = [Binding("escape,q,question_mark,f1", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "Keys"
            scroll.border_subtitle = "esc closes"
            yield Static(help_text())


def help_text() -> Content:
    parts: list[Content] = []
    for where, keys in groupby(KEYS, key=lambda key: key.where):
        parts.append(Content.styled(f"\n{where}\n", "bold $primary"))
        parts += [Content(f"  {show_keys(key.keys):<10} {key.label:<11} {key.help}\n") for key in keys]
    parts.append(Content("\n  ctrl+p     Palette     every action and theme by name\n"))
    parts.append(Content("  tab        Focus       next part of the screen\n"))
    return Content("").join(parts)
