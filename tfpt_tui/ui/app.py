"""The app switches screens, themes and keys, and sees to it that leaving never loses a run. Nothing else."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from textual import work
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, SystemCommand
from textual.filter import LineFilter
from textual.screen import Screen

from tfpt_tui.config.frameworks import PROBLEMS
from tfpt_tui.config.look import keep_look, read_look
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import nearest
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import INTERRUPTED, TfptError, printable
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.state import request_stop
from tfpt_tui.runs.supervision.queue import alive_here
from tfpt_tui.terminal import shows_utf8
from tfpt_tui.ui.ascii import AsciiFilter
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.keys import EVERYWHERE, KEYS, bindings, faults_of, show_keys
from tfpt_tui.ui.monitor.screen import MonitorScreen
from tfpt_tui.ui.painted import Painted
from tfpt_tui.ui.theme import DEFAULT_THEME, FRAMEWORK_COLOURS, THEMES
from tfpt_tui.ui.widgets.title_bar import LEAST_COLUMNS, LEAST_ROWS

HERE = Path(__file__).parent
# Mouse and pasting off, the keyboard's and the terminal's own ways, the cursor, the screen that was there before.
MODES_OFF = (1000, 1002, 1003, 1006, 1015, 1004, 2004)
IDLE_S = 1.0  # after the first paint
# What ends the app from outside; Ctrl-C is a key.
ENDINGS = (signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT)
RESET = "".join(f"\x1b[?{mode}l" for mode in MODES_OFF).encode() + b"\x1b[<u\x1b[?25h\x1b[?1049l\x1b[0m"


class TfptApp(App[None]):
    TITLE = "tfpt-tui"
    BINDINGS = bindings(EVERYWHERE)
    DEFAULT_MODE = "monitor"
    ENABLE_COMMAND_PALETTE = True
    # Those of all screens: one that comes later would have every stylesheet read anew.
    CSS_PATH = [  # noqa: RUF012 - as Textual declares it
        HERE / screen / "screen.tcss" for screen in ("monitor", "prepare", "build", "compare")
    ]
    CSS = """
    * { scrollbar-size-vertical: 1; }
    Screen { background: $background; }
    ModalScreen { background: $background 60%; }
    Screen.-narrow Footer .-command-palette { display: none; }
    Screen.-cramped TitleBar, Screen.-flat TitleBar { height: 100%; content-align: center middle; }
    Screen.-cramped Footer, Screen.-flat Footer { display: none; }
    Screen.-cramped > Horizontal, Screen.-flat > Horizontal { height: 0; }
    """
    # Every screen lays itself out by these.
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-cramped"),
        (LEAST_COLUMNS, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (LEAST_ROWS, "-short"), (34, "-tall")]  # noqa: RUF012

    def __init__(self, paths: Paths, settings: UserSettings, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._paths = paths
        self._settings = settings
        self._ascii = (AsciiFilter(),) if ascii_only else ()
        self._leaving = False
        self._painted = Painted()
        # Before the first paint: a theme that is set later styles every widget a second time.
        for theme in THEMES:
            self.register_theme(theme)
        look = read_look(paths.look)
        self._wanted_theme = settings.theme or look.theme or os.environ.get("TEXTUAL_THEME") or DEFAULT_THEME
        self.theme = self._wanted_theme if self._wanted_theme in self.available_themes else DEFAULT_THEME
        self.add_mode("prepare", self._make_prepare)
        self.add_mode("build", self._make_build)
        self.add_mode("monitor", lambda: MonitorScreen(paths, settings, look.order))
        self.add_mode("compare", self._make_compare)

    # Screens other than the first are imported when they are opened: the first paint does not wait for them.

    def _make_prepare(self) -> Screen[None]:
        from tfpt_tui.ui.prepare.screen import PrepareScreen

        return PrepareScreen(self._paths, self._settings)

    def _make_build(self) -> Screen[None]:
        from tfpt_tui.ui.build.screen import BuildScreen

        return BuildScreen(self._paths, self._settings)

    def _make_compare(self) -> Screen[None]:
        from tfpt_tui.ui.compare.screen import CompareScreen

        return CompareScreen(self._paths, self._settings)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), *self._ascii)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        if isinstance(renderable, LayoutUpdate | ChopsUpdate) and not self._batch_count:
            renderable = self._painted.differences(renderable, screen, self.size)
        super()._display(screen, renderable)

    def delay_update(self, delay: float = 0.0) -> None:
        """Textual would hold a screen back for 50 ms, lest it is painted in steps; each step is written once."""

    def on_resize(self) -> None:
        self._painted.forget()

    def _paint_all(self) -> None:
        """Stopped by job control and going on: the terminal was another program's, and Textual paints nothing."""
        self._painted.forget()
        self.screen.refresh()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return FRAMEWORK_COLOURS

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key of ours that does something now, by its name; and Textual's own commands."""
        ours = {key.id for key in KEYS}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id in ours and active.enabled:
                help_text = f"{binding.tooltip} ({show_keys(binding.key)})"
                yield SystemCommand(
                    binding.description, help_text, partial(self.run_action, binding.action, active.node)
                )
        yield from super().get_system_commands(screen)

    def on_mount(self) -> None:
        self.set_keymap(dict(self._settings.keys))
        if faults := faults_of(self._settings.keys):
            self.notify("\n".join(faults), title="[keys] of config.toml", severity="warning", markup=False)
        if PROBLEMS:
            self.notify("\n".join(PROBLEMS), title="a framework is left out", severity="error", markup=False)
        if self.theme != self._wanted_theme:
            hint = nearest(self._wanted_theme, list(self.available_themes))
            self.notify(f"no theme {self._wanted_theme!r}{hint}", severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, lambda theme: self._remember_theme(theme.name))
        self.app_resume_signal.subscribe(self, lambda _: self._paint_all())
        # Whoever is told to end did not leave by itself. A hang-up is handled by open_app.
        end = partial(self.exit, return_code=INTERRUPTED)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)

    @work(thread=True)
    def _remember_theme(self, theme: str) -> None:
        keep_look(self._paths.look, theme=theme)

    def on_ready(self) -> None:
        gc.enable()  # the command line holds it back while we start
        gc.freeze()  # what stays as long as we do: looking through it took 60 ms, in the middle of a key
        self.set_timer(IDLE_S, self._import_screens)

    @work(thread=True)
    def _import_screens(self) -> None:
        """So that the first visit to a screen waits for no module of it."""
        for screen in ("prepare", "build", "compare"):
            importlib.import_module(f"tfpt_tui.ui.{screen}.screen")

    def action_help(self) -> None:
        from tfpt_tui.ui.dialogs.help import Help  # with Textual's Markdown, which the first paint has no use for

        self.push_screen(Help(self.current_mode.capitalize()))

    def action_doctor(self) -> None:
        from tfpt_tui.ui.dialogs.doctor import Doctor

        self.push_screen(Doctor(self._paths, list(self._settings.machines.values())))

    @work
    async def action_leave(self) -> None:
        """Leave; with a run alive ask whether it shall go on."""
        if self._leaving:
            return
        self._leaving = True
        try:
            if await self._may_leave():
                self.exit()
        finally:
            self._leaving = False

    async def _may_leave(self) -> bool:
        try:
            alive = await asyncio.to_thread(alive_here, self._paths)
        except (TfptError, OSError):
            return True  # nobody can tell, and whatever is alive goes on
        if alive:
            one = len(alive) == 1
            question = f"{alive[0].id} is not over yet." if one else f"{len(alive)} runs are not over yet."
            answers = {
                "d": "Detach, the run continues" if one else "Detach, they continue",
                "s": "Stop the run" if one else f"Stop all {len(alive)} runs",
                "c": "Cancel",
            }
            answer = await self.push_screen_wait(Confirm(question, answers))
            if answer == "c":
                return False
            if answer == "s":
                return self._stop([run for run in alive if not os.path.exists(run.result)])
        return True

    def action_help_quit(self) -> None:
        """Ctrl-C, for which Textual only tells another key."""
        self.action_leave()

    async def action_quit(self) -> None:
        """Textual's own way out (the palette, ctrl+q) asks the same question."""
        self.action_leave()

    def _stop(self, runs: list[RunDirectory]) -> bool:
        """Request the runs to stop; whether all requests could be written."""
        for run in runs:
            try:
                request_stop(run)
            except TfptError as error:
                if run.path.is_dir():
                    self.notify(printable(str(error)), severity="error", markup=False)
                    return False
        return True


def open_app(paths: Paths, settings: UserSettings, *, ascii_only: bool = False, mouse: bool = True) -> int:
    """Open the Monitor, on the live run if there is one; returns the exit code.

    A terminal whose locale has no UTF-8 is shown ASCII, whatever was chosen.
    """
    # Animations cost bytes that a slow link does not have, and say nothing.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if sys.stdin.isatty():
        for remembered in ("COLUMNS", "LINES"):  # by a shell, perhaps of another window; Textual would believe it
            os.environ.pop(remembered, None)
    app = TfptApp(paths, settings, ascii_only=ascii_only or not shows_utf8())
    with restored_on_hang_up(), kept_up_to_date(paths, settings):
        app.run(mouse=mouse)
    return app.return_code or 0


@contextmanager
def kept_up_to_date(paths: Paths, settings: UserSettings) -> Iterator[None]:
    """Follow the other machines, where there are any, while the app is open."""
    if not settings.machines:
        yield
        return
    from tfpt_tui.machines.follower import following

    with following(list(settings.machines.values()), paths):
        yield


@contextmanager
def restored_on_hang_up() -> Iterator[None]:
    """Leave a terminal as it was when a signal ends us; after a hang-up it may still be there, under tmux.

    Textual has no part in it: it would wait for ever to write to one that is gone, and read from it in a loop that
    takes a whole core. Not everybody is told of it by the signal: who was started apart from the terminal sees it
    only. The runs do not notice.
    """
    if not sys.stdin.isatty():
        yield  # a browser shows the app
        return
    keyboard, screen = sys.stdin.fileno(), sys.stderr.fileno()  # Textual puts others in their place
    modes = termios.tcgetattr(keyboard)

    def end(number: int, _: object) -> None:
        with suppress(OSError, termios.error):
            os.set_blocking(screen, False)
            os.write(screen, RESET)
            termios.tcsetattr(keyboard, termios.TCSANOW, modes)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def wait() -> None:
        poll.poll()
        if showing.is_set():
            os.kill(os.getpid(), signal.SIGHUP)

    showing, poll = threading.Event(), select.poll()
    showing.set()
    poll.register(keyboard, 0)  # nothing but its end
    before = {number: signal.signal(number, end) for number in ENDINGS}
    threading.Thread(target=wait, name="hang-up", daemon=True).start()
    try:
        yield
    finally:
        showing.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
