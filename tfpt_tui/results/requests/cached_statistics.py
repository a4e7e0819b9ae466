"""Statistics that are worked out once: loading SciPy takes longer than all else that a comparison does."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from tfpt_tui.config.paths import Paths
from tfpt_tui.results.comparison.statistics import METHOD, TimeRatio, Timings, compare_times
from tfpt_tui.results.comparison.verdicts import Comparing
from tfpt_tui.results.store.index import recall


def compared_once(paths: Paths) -> Comparing:
    """:func:`compare_times`, which recalls what it found for the same timings with the same SciPy."""
    method = f"compare_times {METHOD}, scipy {version('scipy')}"

    def compare(own: Timings, baseline: Timings, rows: int) -> TimeRatio | None:
        def work_out() -> dict[str, Any] | None:
            found = compare_times(own, baseline, rows)
            return asdict(found) if found else None

        question = f"{method}, {rows} rows: {list(own.items())} {list(baseline.items())}"
        answer = recall(paths, question, work_out)
        return TimeRatio(**answer) if answer else None

    return compare
