"""What the threads of Prepare tell it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message
from textual.strip import Strip

from tfpt_tui.results.store.datasets import Usage
from tfpt_tui.ui.prepare.datasets_snapshot import DatasetsSnapshot
from tfpt_tui.ui.prepare.preview import Form, PreparePreview


@dataclass
class Polled(Message):
    """The snapshot has changed."""

    snapshot: DatasetsSnapshot

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Polled)


@dataclass
class Previewed(Message):
    """What the form amounts to; ``start`` it if it can."""

    form: Form
    previewed: PreparePreview
    start: bool


@dataclass
class Measured(Message):
    path: Path
    usage: Usage


@dataclass
class Drawn(Message):
    key: tuple[object, ...]
    strips: tuple[Strip, ...]


@dataclass
class Started(Message):
    id: str
    out: Path


@dataclass
class Refused(Message):
    title: str
    reason: str
