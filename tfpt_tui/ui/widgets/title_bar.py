"""The line at the top: the four screens, and whose machine this is."""

from __future__ import annotations

import getpass
import socket

from textual.content import Content
from textual.widgets import Static

from tfpt_tui.ui.keys import BUILD, COMPARE, MONITOR, PREPARE

SCREENS = (PREPARE, BUILD, MONITOR, COMPARE)


class TitleBar(Static):
    """Several SSH windows look alike: the host stands on every screen."""

    DEFAULT_CSS = "TitleBar { dock: top; height: 1; background: $panel; color: $foreground-muted; padding: 0 1; }"

    def __init__(self, screen: str) -> None:
        super().__init__(markup=False)
        self._screen_name = screen

    def render(self) -> Content:
        tabs = [
            Content.styled(
                f" {number} {name} ", "bold $text on $primary-muted" if name == self._screen_name else ""
            )
            for number, name in enumerate(SCREENS, start=1)
        ]
        left = Content.assemble(Content.styled("tfpt-tui ", "bold $primary"), *tabs)
        host = f"{_user()}@{socket.gethostname()}"
        gap = self.size.width - left.cell_length - len(host)
        return left + Content(" " * gap + host) if gap > 0 else left


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"  # a container whose user has no name
