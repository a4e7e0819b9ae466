"""What every command is given: the paths, the user's settings, and a few ways to speak."""

from __future__ import annotations

import dataclasses
import functools
import gc
import io
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

import click

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.errors import UsageError, printable
from tfpt_tui.lifeline import die_with_parent
from tfpt_tui.terminal import can_draw, obeys, terminal_size
from tfpt_tui.wording import printable_lines

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tfpt_tui.results.table import Table

SERVER = "TFPT_TUI_SERVER"  # the pid of tfpt-tui serve, for the apps that it starts
WIDE = 10_000  # columns; lines are broken for a terminal only
BAR_WIDTH = 36
BAR_FIGURES = 40  # columns of the share, the time left and the megabytes
STDERR = 2
LEAST_WIDTH = 40  # a terminal that is narrower wraps what it is given

Command = TypeVar("Command", bound=Callable[..., Any])
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Invocation:
    """``ascii_only`` and ``mouse`` are of the app."""

    paths: Paths
    ascii_only: bool = False
    mouse: bool = True

    @functools.cached_property
    def settings(self) -> UserSettings:
        """config.toml, with the environments that tfpt-tui env knows."""
        from tfpt_tui.environments.registry import named_interpreters

        settings = load_settings(self.paths.settings)
        return dataclasses.replace(settings, environments=named_interpreters(self.paths.environments))

    def open_ui(self) -> int:
        """Open the app, on the live run if there is one; returns its exit code.

        Raises:
            UsageError: there is no terminal to draw on.
        """
        if sys.stdin.isatty() and not can_draw():
            term = os.environ.get("TERM")
            raise UsageError(
                f"{f'TERM={term}' if term else 'TERM is not set'}: the app cannot draw on such a terminal; export"
                " TERM=xterm-256color where it is a better one, or see tfpt-tui --help for commands in plain text"
            )
        if not on_terminal():
            raise UsageError("the app needs a terminal; see tfpt-tui --help for commands that do not")
        if server := os.environ.get(SERVER):
            die_with_parent(int(server))  # also where it is killed: nobody could draw or stop the app any more
        gc.disable()  # what start-up makes is there to stay; the app enables it with its first paint
        from tfpt_tui.ui.app import open_app

        return open_app(self.paths, self.settings, ascii_only=self.ascii_only, mouse=self.mouse)

    def note_missing_frameworks(self) -> None:
        """Reading works without any framework; say which one is missing and how to install it."""
        from tfpt_tui.environments.interpreters import missing_frameworks

        for line in missing_frameworks(self.settings):
            say(f"note: {line}")


def refuse_empty_options(context: click.Context) -> None:
    """A script whose variable is not set must not have its gate, or its machine, left out.

    Raises:
        UsageError: the text of an option is empty.
    """
    for parameter in context.command.params:
        if isinstance(parameter, click.Option) and context.params.get(parameter.name or "") == "":
            raise UsageError(f"{parameter.opts[0]}: is empty; leave it out where nothing is meant")


def pass_invocation(command: Callable[..., Answer]) -> Callable[..., Answer]:
    """Call a command with what all commands need."""

    @functools.wraps(command)
    def call(*arguments: object, **options: object) -> Answer:
        context = click.get_current_context()
        refuse_empty_options(context)
        return context.invoke(command, context.find_object(Invocation), *arguments, **options)

    return call


def on_terminal() -> bool:
    """All three streams: Textual reads keys from stdin and draws on stderr; or a browser, by tfpt-tui serve.

    A terminal that cannot draw (TERM=dumb) does not count.
    """
    served = os.environ.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver")
    return served or (sys.stdin.isatty() and obeys(sys.stdout) and obeys(sys.stderr))


def open_closed_streams() -> None:
    """Give a stream that the shell closed (``>&-``) its number back, before any file of ours gets it.

    What was to go to stdout is refused as it would have been, narration is lost.
    """
    for number, (name, kind) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            # The lowest number that is free, as those below it are open by now.
            os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            setattr(sys, name, os.fdopen(number, kind, closefd=False))


def drop_broken_streams() -> None:
    """What is left in a stream that cannot be written is lost, and does not fail once more when Python ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def end_cleanly() -> None:
    """Let SIGTERM and a hang-up remove what is half-written before they end us; what is ignored stays ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))


def outlive_the_terminal() -> None:
    """Go on unseen when the connection is dropped: what would still be said is lost, what is kept is not."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: _leave_streams())


def _leave_streams() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and a hang-up clean up and say how to go on, too; what is ignored (nohup) stays ignored."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """What Ctrl-C would do now; also in the background of a script, where Ctrl-C is ignored."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def say(text: str) -> None:
    """Narration: everything that is not the requested data. It may be lost where it cannot be written."""
    try:
        click.echo(printable_lines(text), err=True)
    except OSError:
        drop_broken_streams()


def progress_bar(
    length: int, label: str, show_item: Callable[[str | None], str | None] | None = None
) -> AbstractContextManager[Any]:
    """A click.progressbar on stderr, as wide as there is room for; without a terminal only its label is said."""
    columns, _ = terminal_size(STDERR) or shutil.get_terminal_size()
    room = columns - len(label) - BAR_FIGURES
    return click.progressbar(
        length=length,
        label=label,
        file=cast(TextIO, _Narration()),
        item_show_func=show_item,
        width=min(max(room, 1), BAR_WIDTH),
    )


class _Narration(io.TextIOBase):
    """stderr for a bar: what cannot be written any more, as after a hang-up, is lost."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return obeys(sys.stderr)

    def write(self, text: str) -> int:
        try:
            return sys.stderr.write(text)
        except OSError:
            drop_broken_streams()
            return len(text)

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except OSError:
            drop_broken_streams()


def what_click_says(error: click.ClickException) -> str:
    """What is wrong with a command line, as we say such things."""
    message = printable(error.format_message().rstrip(".").replace(". Did you mean", "; did you mean"))
    return f"{message[:1].lower()}{message[1:]}"


def tell_indexing(done: int, total: int) -> None:
    """Narrate why the first look at many runs takes a while."""
    if done == 1:
        say(f"reading {total:,} runs for the index; this happens once")


def show_table(table: Table) -> None:
    """A table as text: on a terminal as much of it as fits, else the whole."""
    show(table_text(table))


def table_text(table: Table) -> str:
    from tfpt_tui.results.table import as_text, fitted

    return as_text(fitted(table, text_width()) if sys.stdout.isatty() else table)


def show(text: str) -> None:
    """Data, on stdout; ``text`` ends its own lines."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        # Whoever read our output has seen enough (head, less): that is no error, and nothing more is said to it.
        drop_broken_streams()


def text_width() -> int:
    """The columns that our text may take."""
    if not sys.stdout.isatty():
        return WIDE
    columns, _ = terminal_size() or shutil.get_terminal_size()
    return max(columns, LEAST_WIDTH)
