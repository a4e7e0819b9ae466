"""What all dialogs have in common."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from tfpt_tui.ui.widgets.breakpoints import size_classes

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A dialog over a screen: a click beside it does what escape does."""

    def __init__(self) -> None:
        super().__init__(classes=size_classes(self.app))

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """A second answer in the same moment is nobody's: the screen below must not be closed by it."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def leave(self) -> None:
        self.dismiss()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.leave()
