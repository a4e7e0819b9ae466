"""The line at the bottom: the keys that do something now."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Footer

# A key that is shown, whether it does something now, and its help.
ShownKey = tuple[Binding, bool, str]


class KeyLine(Footer):
    """Textual's footer, made anew only where it shows other keys: it would be for each dialog and each focus.

    As narrow as its compact form, which styles every key twice.
    """

    DEFAULT_CSS = """
    KeyLine FooterKey .footer-key--key { padding: 0 1 0 0; }
    KeyLine FooterKey.-command-palette { padding-right: 0; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[ShownKey] = []

    def compose(self) -> ComposeResult:
        yield from (keys := list(super().compose()))
        if keys:
            self._shown = list(_shown_on(self.screen))

    def bindings_changed(self, screen: Screen[object]) -> None:
        # Below a dialog the keys stay: Textual would ask for those of the dialog.
        if screen.is_current and self._shown != list(_shown_on(screen)):
            super().bindings_changed(screen)


def _shown_on(screen: Screen[object]) -> Iterable[ShownKey]:
    return ((key.binding, key.enabled, key.tooltip) for key in screen.active_bindings.values() if key.binding.show)
