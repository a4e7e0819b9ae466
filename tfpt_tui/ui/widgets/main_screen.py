"""What the four screens of the app have in common."""

from __future__ import annotations

from textual import events, on
from textual.screen import Screen

from tfpt_tui.ui.widgets.breakpoints import size_classes


class MainScreen(Screen[None]):
    """Stays mounted while another one is shown, and comes back as it was."""

    def __init__(self, classes: str = "") -> None:
        super().__init__(classes=f"{size_classes(self.app)} {classes}")
        # Textual takes a new screen for one whose colours have changed meanwhile: it would read every stylesheet
        # anew, and style the screen that is left, twice.
        self._css_update_count = self.app._css_update_count

    @on(events.ScreenResume)
    def _keep_styles(self, event: events.ScreenResume) -> None:
        # Styling every widget anew takes as long as all the rest; other themes and sizes bring their own styling.
        event.refresh_styles = False

    def copy(self, text: str) -> None:
        """Copy the text by OSC 52; what is not UTF-8 in it, such as the name of a file, becomes question marks."""
        self.app.copy_to_clipboard(text.encode("utf-8", "replace").decode())
