"""What the threads of Build tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from tfpt_tui.config.presets import Preset
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.results.requests.duration import Pace
from tfpt_tui.results.store.plan_sources import Source
from tfpt_tui.runs.plan.draft import Draft
from tfpt_tui.runs.tasks.background import Background
from tfpt_tui.ui.build.plan_preview import PlanPreview


@dataclass
class Read(Message):
    """What there is to choose from, and a line for every framework that is missing."""

    number: int
    sources: Sequence[Source]
    datasets: Mapping[Path, Manifest]
    environments: Mapping[str, str]
    missing: Sequence[str]


@dataclass
class Paced(Message):
    """How fast recorded runs were."""

    paces: Sequence[Pace]


@dataclass
class Loaded(Message):
    """A source was read: its preset, or the reason why there is none."""

    source: Source
    preset: Preset | None
    reason: str = ""


@dataclass
class Looked(Message):
    """What was looked up for a draft, which may have changed since."""

    draft: Draft
    preview: PlanPreview


@dataclass
class Waits(Message):
    """What a plan would wait for that is started now, "" for nothing; and the search for the fastest settings."""

    waiting: str
    search: Background | None


@dataclass
class Started(Message):
    """``what`` has become of the plan, in words."""

    what: str


@dataclass
class Told(Message):
    """What is being done before a start, such as sending a dataset."""

    line: str


@dataclass
class NotStarted(Message):
    reason: str


@dataclass
class Searching(Message):
    """A search for the fastest settings has been started."""


@dataclass
class Saved(Message):
    path: Path


@dataclass
class Refused(Message):
    title: str
    reason: str
