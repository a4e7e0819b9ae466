"""A box to tick in a form."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.widgets import Checkbox


class Tick(Checkbox, inherit_bindings=False):
    """Says by its letter, not only by its colour, whether it is on. Enter does what it does in a field."""

    BUTTON_INNER = " "
    BINDINGS: ClassVar = [
        Binding("space", "toggle_button", "Toggle", show=False),
        Binding("enter", "screen.start", "Start", show=False),
    ]

    def watch_value(self) -> None:
        self.BUTTON_INNER = "x" if self.value else " "
        super().watch_value()
