"""The line at the top: the four screens, and whose machine this is."""

from __future__ import annotations

import functools
import getpass
import socket
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from tfpt_tui.ui.keys import BUILD, COMPARE, MONITOR, PREPARE
from tfpt_tui.ui.theme import ACTIVE

LEAST_COLUMNS, LEAST_ROWS = 60, 16
SCREENS = (PREPARE, BUILD, MONITOR, COMPARE)
# Where NVIDIA's driver, or Windows' under WSL, shows itself. Without them NVML, slow to load, need not be asked.
DRIVERS = (Path("/proc/driver/nvidia"), Path("/dev/dxg"))


class TitleBar(Static):
    """Several SSH windows look alike: user, host and GPU stand on every screen."""

    DEFAULT_CSS = """
    TitleBar {
        dock: top; height: 1; background: $panel; color: $foreground-muted; padding: 0 1;
        link-style: none;
    }
    """

    @dataclass
    class Known(Message):
        """The machine's GPUs, by name."""

        gpus: tuple[str, ...]

    def __init__(self, screen: str) -> None:
        super().__init__(markup=False)
        self._screen_name = screen
        self._gpus = ""

    def on_mount(self) -> None:
        self.call_after_refresh(self._ask)

    @work(thread=True)
    def _ask(self) -> None:
        self.post_message(self.Known(gpu_names()))

    @on(Known)
    def _name_gpus(self, message: Known) -> None:
        if message.gpus:
            count = f"{len(message.gpus)} x " if len(message.gpus) > 1 else ""
            self._gpus = f"  {count}{message.gpus[0]}"
            self.refresh()

    def render(self) -> Content:
        """The GPU's name goes first where there is no room, then all that is on the right.

        Where no screen can be laid out, this covers it and says so.
        """
        columns, rows = self.app.size
        if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
            return Content(
                f"{columns}x{rows} is too small for tfpt-tui: make it {LEAST_COLUMNS}x{LEAST_ROWS} or larger"
            )
        tabs = [self._tab(number, name) for number, name in enumerate(SCREENS, start=1)]
        left = Content.assemble(Content.styled("tfpt-tui ", "bold $primary"), *tabs)
        host = f"{_user()}@{socket.gethostname()}"
        for right in (host + self._gpus, host):
            gap = self.size.width - left.cell_length - len(right)
            if gap > 0:
                return left + Content(" " * gap + right)
        return left

    def _tab(self, number: int, name: str) -> Content:
        """A click opens the screen."""
        tab = Content.styled(f" {number} {name} ", ACTIVE if name == self._screen_name else "")
        return tab.stylize(Style.from_meta({"@click": f"app.switch_mode('{name.lower()}')"}))


@functools.cache
def gpu_names() -> tuple[str, ...]:
    """The names of the machine's NVIDIA GPUs; NVML may take a while to answer."""
    if not any(path.exists() for path in DRIVERS):
        return ()
    from tfpt_tui.hardware.gpu import read_gpu

    return read_gpu().names


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"  # a container whose user has no name
