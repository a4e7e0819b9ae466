"""How rows compare that took turns: by their turns, and not by their runs."""

from __future__ import annotations

import math

from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.statistics import TimeRatio
from tfpt_tui.runs.record.duel_ratio import (
    Restart,
    Spread,
    estimate,
    estimate_restart,
    fixed_interval,
    log_ratios,
    sequence_interval,
)


def took_turns(entry: Group, baseline: Group) -> bool:
    """Whether rounds of both are enough for an answer."""
    return bool(_restarts(entry, baseline))


def compare_turns(entry: Group, baseline: Group, rows: int) -> TimeRatio | None:
    """The ratio to the baseline by the restarts in which both took turns; None where there is none.

    ``rows`` is how many comparisons the table has.
    """
    restarts = _restarts(entry, baseline)
    if not restarts:
        return None
    part = next(result.environment.duel for result in entry.done if result.environment.duel)
    found = estimate(restarts, Spread(part.spread_sd, part.spread_freedom))
    interval = (sequence_interval if part.until or part.budget_s else fixed_interval)(found, rows)
    rounds = 2 * sum(restart.blocks for restart in restarts)
    counted = f"{rounds} rounds in {len(restarts)} restart{'s' * (len(restarts) > 1)}"
    ends = math.exp(interval.low), math.exp(interval.high)
    return TimeRatio(
        math.exp(found.log_ratio), len(restarts), counted, *ends, interval.p_value, rows, by_turns=True
    )


def _restarts(entry: Group, baseline: Group) -> list[Restart]:
    """One for each pair of runs that took turns with each other, as far as it has enough rounds."""
    theirs = {result.run: result.slices for result in baseline.done if result.slices}
    restarts = [
        estimate_restart(log_ratios(own.slices, theirs[arm]))
        for own in entry.done
        if own.environment.duel
        for arm in own.environment.duel.arms
        if arm in theirs
    ]
    return [restart for restart in restarts if restart]
