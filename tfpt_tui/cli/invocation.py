"""What every command is given: the paths, the user's settings, and a few ways to speak."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.errors import UsageError, printable

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Invocation:
    paths: Paths

    @functools.cached_property
    def settings(self) -> UserSettings:
        """config.toml, with the environments that tfpt-tui env knows."""
        from tfpt_tui.environments.registry import named_interpreters

        settings = load_settings(self.paths.settings)
        return dataclasses.replace(settings, environments=named_interpreters(self.paths.environments))

    def open_ui(self) -> None:
        """Open the app, on the live run if there is one.

        Raises:
            UsageError: there is no terminal to draw on.
        """
        if not on_terminal():
            raise UsageError("the app needs a terminal; see tfpt-tui --help for commands that do not")
        from tfpt_tui.ui.app import open_app

        open_app(self.paths, self.settings)

    def note_missing_frameworks(self) -> None:
        """Reading works without any framework; say which one is missing and how to install it."""
        from tfpt_tui.environments.interpreters import missing_frameworks

        for line in missing_frameworks(self.settings):
            say(f"note: {line}")


pass_invocation = click.make_pass_decorator(Invocation)


def on_terminal() -> bool:
    """All three streams: Textual reads keys from stdin and draws on stderr."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def say(text: str) -> None:
    """Narration: everything that is not the data that was asked for."""
    click.echo("\n".join(printable(line) for line in text.split("\n")), err=True)


def tell_indexing(done: int, total: int) -> None:
    """Narrate why the first look at many runs takes a while."""
    if done == 1:
        say(f"reading {total:,} runs once; the next time they are at hand")


def show(text: str) -> None:
    """Data, on stdout; ``text`` ends its own lines."""
    try:
        click.echo(text, nl=False)
    except BrokenPipeError:
        # Whoever read our output has seen enough (head, less): that is no error, and nothing more is said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
