"""What the threads of the Monitor tell it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tfpt_tui.runs.tasks.background import Background
from tfpt_tui.ui.monitor.watch import Snapshot


@dataclass
class Polled(Message):
    """The files have changed."""

    snapshot: Snapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Polled)


@dataclass
class Unreadable(Message):
    """The file system refused to show the files."""

    reason: str


@dataclass
class Ended(Message):
    """All that was alive is over."""

    how: str


@dataclass
class Done(Message):
    """What the user asked for was done with these runs, and what there is to say of it."""

    said: str


@dataclass
class Refused(Message):
    """What the user asked for was not done."""

    reason: str


@dataclass
class DemoHeard(Message):
    """What the demo said last that was started here, None where it never was."""

    demo: Background | None


@dataclass
class Missing(Message):
    """The frameworks that cannot be run, a line each."""

    lines: list[str]
