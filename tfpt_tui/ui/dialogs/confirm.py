"""A question with a few answers below each other, each a letter."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Button, Label

from tfpt_tui.ui.dialogs.dialog import Dialog


class Confirm(Dialog[str]):
    """Returns the letter of the answer; the first is the default, escape gives the last one."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical {
        width: auto; max-width: 76; height: auto; padding: 1 2; background: $panel; border: round $primary;
    }
    Confirm Label { width: auto; max-width: 70; margin-bottom: 1; }
    Confirm Button { width: auto; min-width: 0; }
    Confirm.-narrow > Vertical { max-width: 95%; }
    Confirm.-narrow Label, Confirm.-narrow Button { max-width: 85vw; }
    """

    def __init__(self, question: str, answers: Mapping[str, str]) -> None:
        super().__init__()
        self._question = question
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(self._question, markup=False)
            for number, (letter, text) in enumerate(self._answers.items()):
                yield Button(
                    f"{letter.upper()}  {text}",
                    id=f"answer-{letter}",
                    compact=True,
                    variant="primary" if number == 0 else "default",
                )

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def leave(self) -> None:
        self.dismiss(list(self._answers)[-1])

    def on_key(self, event: events.Key) -> None:
        buttons = list(self.query(Button))
        if event.key == "escape":
            self.leave()
        elif event.key.lower() in self._answers:
            self.dismiss(event.key.lower())
        elif event.key in ("up", "down"):
            focused = next((index for index, button in enumerate(buttons) if button.has_focus), 0)
            buttons[(focused + (1 if event.key == "down" else -1)) % len(buttons)].focus()
        else:
            return
        event.stop()
