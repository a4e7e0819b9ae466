"""How rows compare that took turns: by their turns, and not by their runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.statistics import TimeRatio
from tfpt_tui.runs.record.duel_ratio import (
    Spread,
    estimate,
    estimate_restart,
    fixed_interval,
    log_ratios,
    sequence_interval,
)

# Of rounds, in the answer.
DISTURBED = ", disturbed ones among them,"


@dataclass(frozen=True)
class Turns:
    """The rounds in which both rows took turns: their log ratios by restart, of those that have enough of them.

    ``ends_early`` if the duel may have ended because the answer suited; ``disturbed`` if no restart has enough
    rounds that others left alone, so that all are shown. Nothing is concluded from them: a busy machine does not
    slow both down alike (12 times and more were seen).
    """

    restarts: tuple[tuple[float, ...], ...]
    spread: Spread
    ends_early: bool
    disturbed: bool = False


def turns_of(entry: Group, baseline: Group) -> Turns | None:
    """The turns that the rows took with each other; None where they took none, or too few."""
    theirs = {result.run: result.slices for result in baseline.done if result.slices}
    parts = [
        (own, part)
        for own in entry.done
        if (part := own.environment.duel) and any(arm in theirs for arm in part.arms)
    ]
    pairs = [(own.slices, theirs[arm]) for own, part in parts for arm in part.arms if arm in theirs]
    quiet = _long_enough(log_ratios(*pair) for pair in pairs)
    restarts = quiet or _long_enough(log_ratios(*pair, quiet=False) for pair in pairs)
    if not restarts:
        return None
    _, latest = parts[-1]
    spread = Spread(latest.spread_sd, latest.spread_freedom)
    return Turns(restarts, spread, any(part.ends_early for _, part in parts), disturbed=not quiet)


def _long_enough(restarts: Iterable[list[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(rounds) for rounds in restarts if estimate_restart(rounds))


def compare_turns(turns: Turns, rows: int) -> TimeRatio:
    """The ratio to the baseline, for one of so many comparisons of a table."""
    restarts = [restart for rounds in turns.restarts if (restart := estimate_restart(rounds))]
    found = estimate(restarts, turns.spread)
    interval = (sequence_interval if turns.ends_early else fixed_interval)(found, rows)
    rounds = [log_ratio for restart in turns.restarts for log_ratio in restart]
    assumed = f", starts assumed {100 * found.spread.sd:.0f} % apart" if found.spread.is_assumed else ""
    return TimeRatio(
        math.exp(found.log_ratio),
        len(restarts),
        f"{len(rounds)} rounds{DISTURBED * turns.disturbed} in {len(restarts)} restart{'s' * (len(restarts) > 1)}"
        + assumed,
        math.exp(interval.low),
        math.exp(interval.high),
        None if turns.disturbed else interval.p_value,
        rows,
        tuple(map(math.exp, rounds)),
        spread=found.spread,
        disturbed=turns.disturbed,
    )
