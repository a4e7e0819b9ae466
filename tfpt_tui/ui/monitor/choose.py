"""Which of the listed runs are shown, and in which order. No widget is known here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

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
