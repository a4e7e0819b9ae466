"""Which of the listed runs are shown, and in which order. No widget is known here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.events import ALIVE
from tfpt_tui.results.comparison.filters import named, read_filter
from tfpt_tui.results.comparison.groups import END_TO_END
from tfpt_tui.runs.record.result import RunResult

NEWEST = "newest first"
# The figure that decides.
FIGURES: Mapping[str, Callable[[RunResult], float | None]] = {
    "fastest first": lambda run: run.training.throughput,
    "by accuracy": lambda run: run.test.accuracy,
}
ORDERS = (NEWEST, *FIGURES)
# The figure of an item that is always seen (run_list.FIGURES), by the order.
DECIDING = dict(zip(ORDERS, ("images/s", "images/s", "test"), strict=True))


@dataclass(frozen=True)
class Entry:
    """What is one item of the list: a run, or all runs of a duel, of which ``run`` is shown.

    ``arms`` are those that take turns with it, itself among them, and ``restarts`` is how many starts there are of
    them; of a run that takes none there are no arms.
    """

    id: str
    run: RunResult
    runs: tuple[RunResult, ...]
    arms: tuple[str, ...] = ()

    @property
    def restarts(self) -> int:
        return len(self.runs) // max(1, len(self.arms))

    @property
    def status(self) -> str:
        """That of a run that is alive, else of one that did not complete, whose place no later one took."""
        latest = {run.config: run for run in sorted(self.runs, key=lambda run: run.run)}
        statuses = [run.status for run in latest.values()]
        order = ("running", *ALIVE, *(status for status in statuses if status != "completed"), "completed")
        return min(statuses, key=order.index)


def entries_of(runs: Sequence[RunResult]) -> list[Entry]:
    """The runs as items, in their order; a duel is where its first run is."""
    duels = {run.sweep for run in runs if run.environment.duel and run.sweep}
    members: dict[str, list[RunResult]] = {}
    for run in runs:
        members.setdefault(run.sweep if run.sweep in duels else run.run, []).append(run)
    return [
        _duel(name, group) if name in duels else Entry(group[0].run, group[0], tuple(group))
        for name, group in members.items()
    ]


@dataclass(frozen=True)
class PlanItems:
    """The items of one plan, in running order; ``sweep`` is "" for items of no plan, or of several."""

    sweep: str
    entries: tuple[Entry, ...]

    @property
    def is_headed(self) -> bool:
        """Whether a line above them says what they have in common."""
        return bool(self.sweep) and len(self.entries) > 1

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The settings in which its runs differ."""
        runs = [run for entry in self.entries for run in entry.runs]
        return tuple(key for key in SETTINGS if len({run.setting(key) for run in runs}) > 1)


def by_plan(entries: Sequence[Entry]) -> list[PlanItems]:
    """The items, newest first, by their plans."""
    plans: dict[str, list[Entry]] = {}
    for entry in entries:
        plans.setdefault(entry.run.sweep or entry.id, []).insert(0, entry)
    return [PlanItems(items[0].run.sweep, tuple(items)) for items in plans.values()]


def _duel(sweep: str, runs: Sequence[RunResult]) -> Entry:
    """The item of a duel shows the first arm of its latest restart."""
    begun = [(run.config.seed, run.environment.duel.arms) for run in runs if run.environment.duel]
    _, arms = max(begun)
    shown = next((run for arm in arms for run in runs if run.run == arm), runs[0])
    return Entry(sweep, shown, tuple(runs), arms)


def matching(runs: Sequence[RunResult], text: str) -> list[RunResult]:
    """The runs that have all words of the text in what they are called, and fulfil all its conditions.

    Raises:
        UsageError: a condition is none, such as ``batch_size>many``.
    """
    found = read_filter(text)
    return [
        run
        for run in runs
        if named(run, found.words) and all(condition.holds(run) for condition in found.conditions)
    ]


def ordered(runs: Sequence[RunResult], order: str) -> list[RunResult]:
    """The runs in one of ``ORDERS``; those without the figure come last, newest first as ever.

    Whole trainings that completed come first: how fast others loaded or began is no rank among them.
    """
    if order == NEWEST:
        return list(runs)
    return sorted(runs, key=lambda run: (_is_whole(run), _known(FIGURES[order](run))), reverse=True)


def _is_whole(run: RunResult) -> bool:
    return run.completed and run.config.measure == END_TO_END


def _known(figure: float | None) -> float:
    """Below all others where there is none: NaN among them would leave the others in disorder."""
    return -math.inf if figure is None or math.isnan(figure) else figure
