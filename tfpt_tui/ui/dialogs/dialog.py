"""What all dialogs have in common."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Answer = TypeVar("Answer")

# Textual mounts, styles and focuses in steps, and paints the whole screen after each: four times over a slow link.
SETTLE_S = 0.08


class Dialog(ModalScreen[Answer]):
    """A dialog over a screen, painted once it is complete: a click beside it does what escape does."""

    def __init__(self) -> None:
        super().__init__()
        self._held = ExitStack()

    def on_mount(self) -> None:
        self._held.enter_context(self.app.batch_update())
        self.set_timer(SETTLE_S, self._paint)

    def on_unmount(self) -> None:
        self._held.close()

    def _paint(self) -> None:
        self._held.close()
        self.refresh()

    def dismiss(self, result: Answer | None = None) -> AwaitComplete:
        """A second answer in the same moment is nobody's: the screen below must not be closed by it."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def leave(self) -> None:
        self.dismiss()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.leave()
