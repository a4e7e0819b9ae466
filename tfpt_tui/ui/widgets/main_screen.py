"""What the four screens of the app have in common."""

from __future__ import annotations

from textual import events, on
from textual.screen import Screen


class MainScreen(Screen[None]):
    """Stays mounted while another one is shown, and comes back as it was."""

    @on(events.ScreenResume)
    def _keep_styles(self, event: events.ScreenResume) -> None:
        # Styling every widget anew takes as long as all the rest; other themes and sizes bring their own styling.
        event.refresh_styles = False
