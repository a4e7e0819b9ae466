"""What the threads of Compare tell it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from textual.message import Message

from tfpt_tui.results.requests.comparables import Choice
from tfpt_tui.ui.compare.comparison_view import ComparisonView


@dataclass
class Listed(Message):
    """``again`` compares anew even where the list is as it was."""

    choices: Sequence[Choice]
    again: bool
    change_token: Hashable


@dataclass
class ChangesChecked(Message):
    """Where the token is another than before, a run has come, gone or ended."""

    change_token: Hashable


@dataclass
class Indexing(Message):
    """Many runs are read for the first time."""

    done: int
    total: int

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Indexing)


@dataclass
class Found(Message):
    comparison_view: ComparisonView


@dataclass
class Repeated(Message):
    """Runs were started once more; what has become of them."""

    said: str


@dataclass
class NotRepeated(Message):
    reason: str


@dataclass
class Unreadable(Message):
    reason: str
