"""Help: the key registry as a list."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tfpt_tui.ui.keys import EVERYWHERE, SECTIONS, show_keys
from tfpt_tui.ui.screens.dialog import Dialog
from tfpt_tui.wording import wrap

LEAST_WIDTH = 40
# Keys that Textual has.
MORE = (("ctrl+p", "Palette", "every action and theme by name"), ("tab", "Focus", "next part of the screen"))


class Help(Dialog[None]):
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help > VerticalScroll {
        width: 72; max-width: 95%; height: auto; max-height: 90%; padding: 0 2;
        background: $panel; border: round $primary;
    }
    """
    BINDINGS: ClassVar = [Binding("escape,q,question_mark,f1", "dismiss", "Close")]

    def __init__(self, screen: str) -> None:
        """``screen`` is the one that the user came from: its keys stand first."""
        super().__init__()
        self._screen_name = screen

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "Keys"
            scroll.border_subtitle = "esc closes"
            yield Static(id="keys", markup=False)

    def on_resize(self) -> None:
        keys = self.query_one("#keys", Static)  # beside a scrollbar
        keys.update(help_text(self._screen_name, max(keys.container_size.width - 1, LEAST_WIDTH)))


def help_text(screen: str, width: int) -> Content:
    """All keys, those of a screen first; what they do is broken below where it begins."""
    parts: list[Content] = []
    for where in sorted(SECTIONS, key=lambda where: (where != screen, where != EVERYWHERE)):
        lines = [(show_keys(key.keys), key.label, key.help) for key in SECTIONS[where]]
        lines += MORE if where == EVERYWHERE else ()
        parts.append(Content.styled(f"{where}\n", "bold $primary"))
        parts += [Content("\n".join(_wrap(*line, width)) + "\n") for line in lines]
        parts.append(Content("\n"))
    return Content("").join(parts)


def _wrap(keys: str, label: str, told: str, width: int) -> list[str]:
    return wrap(told, width, f"  {keys:<10} {label:<11} ", " " * 25)
