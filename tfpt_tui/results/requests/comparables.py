"""What can be compared: sweeps, the one that went on last first, all runs together, and published tables.

A published table is among them once runs of its rows were made.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import Preset, find_preset, preset_files
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE
from tfpt_tui.results.comparison.filters import Filter, measured, named, select
from tfpt_tui.results.comparison.published import has_printed_numbers, of_its_rows
from tfpt_tui.results.requests.request import recorded
from tfpt_tui.runs.record.directory import RunDirectory, find_sweep
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import read_sweep

SWEEP, ALL, PUBLISHED = "sweep", "all", "published"


@dataclass(frozen=True)
class Choice:
    """``name`` is a sweep's ID or a preset's name; ``summaries`` are the gists of its runs, oldest first."""

    kind: str
    name: str
    preset: str
    summaries: tuple[RunResult, ...]

    @property
    def id(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def began(self) -> datetime | None:
        """When the sweep was started, by its ID."""
        try:
            return datetime.strptime(self.name[:15], "%Y%m%d-%H%M%S")
        except ValueError:
            return None

    @property
    def frameworks(self) -> list[str]:
        return sorted({summary.framework for summary in self.summaries} - {""})


def list_choices(summaries: Sequence[RunResult], paths: Paths) -> list[Choice]:
    """Every choice that has runs; ``summaries`` are newest first."""
    oldest_first = measured(summaries)[::-1]
    sweeps: dict[str, list[RunResult]] = {}
    for summary in oldest_first:
        if summary.sweep:
            sweeps.setdefault(summary.sweep, []).append(summary)
    went_on_last = sorted(sweeps.items(), key=lambda sweep: (sweep[1][-1].run, sweep[0]), reverse=True)
    choices = [Choice(SWEEP, sweep, runs[0].preset, tuple(runs)) for sweep, runs in went_on_last]
    if oldest_first:
        choices.append(Choice(ALL, "all runs", "", tuple(oldest_first)))
    used = {summary.preset for summary in summaries}
    for preset in published_presets(paths):
        own = of_its_rows(preset, oldest_first) if preset.name in used else []
        if own:
            choices.append(Choice(PUBLISHED, preset.name, preset.name, tuple(own)))
    return choices


def change_token(choices: Sequence[Choice], paths: Paths) -> Hashable:
    """What is another once a run has come, gone or ended since the choices were listed."""
    alive = [run for choice in choices if choice.kind == ALL for run in choice.summaries if run.status in ALIVE]
    try:
        names = [name for name in os.listdir(paths.runs) if not name.startswith(".")]
    except OSError:
        names = []
    statuses = tuple(status_of(RunDirectory(paths.runs / run.run)) for run in alive)
    return len(names), max(names, default=""), statuses


def published_presets(paths: Paths) -> list[Preset]:
    """The presets whose source printed numbers; one that is broken has none."""
    found = []
    for name in preset_files(paths):
        try:
            preset = find_preset(name, paths)
        except TfptError:
            continue
        if has_printed_numbers(preset):
            found.append(preset)
    return found


def narrow(choices: Sequence[Choice], by: Filter) -> list[Choice]:
    """The choices, each with the runs that have all words and for which all conditions hold."""
    if by == Filter():
        return list(choices)
    kept = []
    for choice in choices:
        runs = [run for run in choice.summaries if named(run, by.words, choice.name)]
        kept.append(replace(choice, summaries=tuple(select(runs, by.conditions))))
    return [choice for choice in kept if choice.summaries]


def runs_of(choice: Choice, paths: Paths) -> list[RunDirectory]:
    """The runs that are compared, oldest first; of a sweep those of its plan that measure, in its order.

    A sweep of another machine came without its plan.
    """
    runs = [RunDirectory(paths.runs / summary.run) for summary in choice.summaries]
    if choice.kind == SWEEP:
        try:
            planned = recorded(read_sweep(find_sweep(paths, choice.name), paths))
        except TfptError:
            return runs
        there = set(runs)
        return [run for run in planned if run in there]
    return [run for run in runs if run.path.is_dir()]
