"""The known values of a setting, to choose one or several from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.errors import printable
from tfpt_tui.ui.build.text import CHOSEN, LEFT_OUT, MUTED
from tfpt_tui.ui.dialogs.dialog import Dialog


class Pick(Dialog[str | None]):
    """Returns the values as one would type them; escape gives None, which changes nothing."""

    DEFAULT_CSS = """
    Pick { align: center middle; }
    Pick > Vertical {
        width: 72; max-width: 95%; height: auto; max-height: 90%; padding: 0 1;
        background: $panel; border: round $primary;
    }
    Pick OptionList { border: none; background: $panel; height: auto; max-height: 16; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,q", "dismiss(None)", "Close"),
        Binding("space", "mark", "Mark"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, title: str, values: Sequence[tuple[str, str]], typed: str, many: bool) -> None:
        super().__init__()
        self._title = title
        self._values = values
        self._many = many
        parts = [part.strip() for part in typed.split(",")] if many else []
        self._marked = {value for value, _ in values if value in parts}

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = f"{'space marks several, ' if self._many else ''}enter takes, esc closes"
            yield OptionList(*map(Option, self._lines()), compact=True, markup=False)

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        marked = [value for value, _ in self._values if value in self._marked]
        self.dismiss(", ".join(marked) if marked else self._values[event.option_index][0])

    def action_mark(self) -> None:
        chosen = self.query_one(OptionList)
        if self._many and chosen.highlighted is not None:
            self._marked ^= {self._values[chosen.highlighted][0]}
            chosen.replace_option_prompt_at_index(chosen.highlighted, self._lines()[chosen.highlighted])

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    def _lines(self) -> list[Content]:
        return [
            Content.assemble(
                f"{self._mark(value)}{printable(value)}", (detail and f"\n  {printable(detail)}", MUTED)
            )
            for value, detail in self._values
        ]

    def _mark(self, value: str) -> str:
        if not self._many:
            return ""
        return f"{CHOSEN if value in self._marked else LEFT_OUT} "
