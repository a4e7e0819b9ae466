"""What a search for the fastest settings may take and try."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.errors import printable
from tfpt_tui.ui.dialogs.dialog import Dialog
from tfpt_tui.ui.widgets.tick import Tick
from tfpt_tui.wording import parse_duration

BUDGET = "10m"
# What else may be tried, and the option of tfpt-tui advise for it.
EXTRAS = {
    "try other batch sizes; the accuracy of both is measured": "--vary=batch_size",
    "try other precisions; the accuracy of both is measured": "--precision=any",
}


@dataclass(frozen=True)
class Request:
    """``budget`` as it was typed, ``extras`` as options."""

    budget: str
    extras: tuple[str, ...]


class Advise(Dialog[Request | None]):
    """Enter starts the search, escape gives None."""

    DEFAULT_CSS = """
    Advise { align: center middle; }
    Advise > Vertical {
        width: 76; max-width: 98%; height: auto; padding: 1 2; background: $panel; border: round $primary;
    }
    Advise Horizontal { height: 1; margin-top: 1; }
    Advise Label { width: auto; margin-right: 1; }
    Advise Input { width: 12; }
    Advise Tick { border: none; padding: 0; background: $panel; width: 1fr; height: auto; }
    Advise #problem { color: $text-warning; height: 1; }
    """
    # Before the field takes it.
    BINDINGS: ClassVar = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("enter", "start", "Start", priority=True),
    ]

    def __init__(self, data: str, frameworks: Collection[str]) -> None:
        super().__init__()
        self._data = data
        self._names = [title_of(name) for name in sorted(frameworks)]

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = f"The fastest settings of {' and '.join(self._names)} here"
            box.border_subtitle = "enter starts, esc closes"
            yield Static(
                f"Races the switches of the track best on {printable(self._data)}. Leaves a preset with those that"
                " win, and a ladder that says what each of them brings. What is learned stays the same, unless a"
                " box below is ticked.",
                markup=False,
            )
            with Horizontal():
                yield Label("for at most")
                yield Input(BUDGET, compact=True)
            for text in EXTRAS:
                yield Tick(text, compact=True)
            yield Static(id="problem", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def action_start(self) -> None:
        budget = self.query_one(Input).value.strip()
        try:
            parse_duration(budget)
        except ValueError as error:
            self.query_one("#problem", Static).update(f"the time {error}")
            return
        boxes = zip(self.query(Tick), EXTRAS.values(), strict=True)
        self.dismiss(Request(budget, tuple(option for box, option in boxes if box.value)))
