"""Under which name a draft is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Input, Static

from tfpt_tui.config.writing import check_preset_name
from tfpt_tui.errors import UsageError
from tfpt_tui.results.store.plan_sources import OWN
from tfpt_tui.ui.dialogs.dialog import Dialog

HOW = "It is listed under your presets, and runs as: tfpt-tui run NAME"


class SavePreset(Dialog[str | None]):
    """Returns the name; a name that is taken must be entered twice. Escape gives None."""

    DEFAULT_CSS = """
    SavePreset { align: center middle; }
    SavePreset > Vertical {
        width: 72; max-width: 95%; height: auto; padding: 1 2; background: $panel; border: round $primary;
    }
    SavePreset Static { margin-top: 1; color: $text-muted; }
    SavePreset Static.-bad { color: $text-warning; }
    """
    BINDINGS: ClassVar = [Binding("escape", "dismiss(None)", "Close")]

    def __init__(self, name: str, groups: Mapping[str, str]) -> None:
        """``groups`` are those of the presets that there are, by name."""
        super().__init__()
        self._suggested = name
        self._groups = groups
        self._asked = ""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Save as preset"
            box.border_subtitle = "enter saves, esc closes"
            yield Input(self._suggested, compact=True)
            yield Static(HOW, markup=False)

    @on(Input.Changed)
    def _check(self, event: Input.Changed) -> None:
        self._asked = ""
        self._say(*_judge(event.value))

    @on(Input.Submitted)
    def _take(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        problem, bad = _judge(name)
        if bad:
            self._say(problem, bad)
        elif name in self._groups and name != self._asked:
            self._asked = name
            own = self._groups[name] == OWN
            what = (
                "is one of your presets: enter overwrites it"
                if own
                else "is shipped: enter saves yours in its place"
            )
            self._say(f"{name} {what}; type another name to keep both", True)
        else:
            self.dismiss(name)

    def _say(self, text: str, bad: bool) -> None:
        message = self.query_one(Static)
        message.update(text)
        message.set_class(bad, "-bad")


def _judge(name: str) -> tuple[str, bool]:
    try:
        check_preset_name(name.strip())
    except UsageError as error:
        return str(error), True
    return HOW, False
