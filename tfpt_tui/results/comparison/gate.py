"""A gate for scripts: whether a condition such as ``tensorflow slower than 5%`` is proven by a comparison.

Proven means that the whole 95 % interval lies beyond the bound, disproven that none of it does; between the two
nobody can tell.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.statistics import (
    MIN_RUNS,
    SINGLE_RUN_BAND,
    Z_95,
    compare_times,
    degrees_of_freedom,
)
from tfpt_tui.results.comparison.verdicts import RowVerdict
from tfpt_tui.runs.record.duel_ratio import CONFIDENCE
from tfpt_tui.runs.record.result import RunResult

SLOWER, FASTER, ACCURACY, MEMORY = "slower than", "faster than", "accuracy below", "memory above"
GRAMMAR = "NAME slower than P%, NAME faster than P%, NAME accuracy below POINTS or NAME memory above P%"
_FORM = re.compile(rf"(\S+) ({SLOWER}|{FASTER}|{ACCURACY}|{MEMORY}) (\d+(?:\.\d+)?)(%?)")

PROVEN, DISPROVEN, UNKNOWN = "proven", "disproven", "unknown"


@dataclass(frozen=True)
class Condition:
    """``name`` is a framework, an environment or the ID of a run; ``bound`` in per cent, of accuracy in points."""

    name: str
    kind: str
    bound: float

    def __str__(self) -> str:
        return f"{self.name} {self.kind} {self.bound:g}{'' if self.kind == ACCURACY else '%'}"


@dataclass(frozen=True)
class Judgement:
    """``outcome`` is proven, disproven or unknown; ``why`` has the figure and its interval."""

    condition: Condition
    outcome: str
    why: str


def parse_gate(text: str) -> Condition:
    """Read a condition.

    Raises:
        UsageError: the text is not a condition; the message has the grammar.
    """
    found = _FORM.fullmatch(" ".join(text.split()))
    if not found or (found[2] == ACCURACY) == bool(found[4]):
        raise UsageError(f"--fail-if {text!r}: must be {GRAMMAR}")
    return Condition(found[1], found[2], float(found[3]))


def judge_gate(condition: Condition, verdicts: Sequence[RowVerdict], baseline: str | None = None) -> Judgement:
    """Whether the comparison proves the condition of the row that it names, against the baseline of that row.

    Where the row is itself the baseline, it is judged against the only other row of its track, measure, machine.
    ``baseline`` is the ID of a run of the row that was to be the baseline, where one was named.

    Raises:
        UsageError: no row or several are meant, or there is nothing to judge it against.
    """
    named = [verdict for verdict in verdicts if _is_meant(condition.name, verdict.entry)]
    named = named or [verdict for verdict in verdicts if _begins(condition.name, verdict.entry)]
    if len(named) != 1:
        raise UsageError(f"--fail-if {condition}: {condition.name} {_which(named, verdicts)}")
    (own,) = named
    others = [verdict for verdict in verdicts if verdict is not own and verdict.entry.kind == own.entry.kind]
    itself = own.entry is own.baseline
    if itself and len(others) > 1:
        raise UsageError(f"--fail-if {condition}: {condition.name} is the baseline; name another with --baseline")
    other = (others[0].entry if others else None) if itself else own.baseline
    if other is None or not other.done:
        where = "of its track, measure and machine"
        raise UsageError(f"--fail-if {condition}: there is no completed run {where} to judge it against")
    if baseline and not itself and all(result.run != baseline for result in other.results):
        raise UsageError(
            f"--fail-if {condition}: {baseline} is of another track, measure or machine than {condition.name}"
        )
    figure = _figure(condition, others[0] if itself else own, own.entry, other)
    if figure is None:
        return Judgement(condition, UNKNOWN, "there are too few undisturbed measurements for an interval")
    words, low, high = figure
    bound = condition.bound if condition.kind == ACCURACY else 1 + condition.bound / 100
    outcome = PROVEN if low > bound else DISPROVEN if high <= bound else UNKNOWN
    return Judgement(condition, outcome, words)


def _which(named: Sequence[RowVerdict], verdicts: Sequence[RowVerdict]) -> str:
    """How many rows are named in place of one, and what would name one."""
    if not named:
        known = dict.fromkeys(verdict.entry.framework for verdict in verdicts)
        return f"names no row of the comparison; there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
    rows = ", ".join(f"{verdict.entry.results[0].run} ({verdict.entry.name})" for verdict in named)
    return f"names {len(named)} rows: {rows}; use such an ID, or choose runs by a condition such as batch_size=32"


def _is_meant(name: str, entry: Group) -> bool:
    return name in (entry.framework, entry.config.environment) or any(run.run == name for run in entry.results)


def _begins(name: str, entry: Group) -> bool:
    """Whether it is the beginning of a run's ID."""
    return any(run.run.startswith(name) for run in entry.results)


def _figure(
    condition: Condition, verdict: RowVerdict, own: Group, other: Group
) -> tuple[str, float, float] | None:
    """The figure that is held against the bound, in words, and its 95 % interval: the larger the worse."""
    if condition.kind == ACCURACY:
        return _accuracy_lost(own, other)
    time = verdict.time if condition.kind != MEMORY else compare_times(_memory(own, other), _memory(other, own))
    if time is None or time.low is None or time.high is None or time.disturbed:
        return None
    ratio, low, high = time.ratio, time.low, time.high
    # The ratio is that of the verdict's row to its baseline; "faster" asks for the other's time by ours.
    if (condition.kind != MEMORY and verdict.entry is not own) != (condition.kind == FASTER):
        ratio, low, high = 1 / ratio, 1 / high, 1 / low
    what = {
        SLOWER: f"{own.name} took {ratio:.3f}x the time of {other.name}",
        FASTER: f"{other.name} took {ratio:.3f}x the time of {own.name}",
        MEMORY: f"{own.name} took {ratio:.3f}x the memory of {other.name}",
    }[condition.kind]
    return f"{what} [{low:.3f}, {high:.3f}]", low, high


def _memory(entry: Group, beside: Group) -> dict[object, float]:
    """Peaks of the device's memory where there is one, else of the machine's, by what pairs the runs."""
    return {key: peak for key, result in entry.timed(beside).items() if (peak := _peak(result))}


def _peak(result: RunResult) -> float | None:
    return result.memory.peak_gpu_bytes or result.memory.peak_rss_bytes


def _tested(result: RunResult) -> float | None:
    return result.test.accuracy


def _accuracy_lost(own: Group, other: Group) -> tuple[str, float, float] | None:
    """Points of test accuracy under the other's; a training that diverged counts with what it scores by chance.

    The error is that of the seeds, but never less than what chance makes of so many test images. What other seeds
    would give is not known from fewer than three runs a side: the band of a single run stands for it.
    """
    from scipy import special

    sides = [[share for share in entry.values(_tested) if math.isfinite(share)] for entry in (other, own)]
    # Of a duel only the last restart is tested.
    images = min((n for entry in (own, other) for result in entry.done if (n := result.test.images)), default=0)
    if not images or not all(sides):
        return None
    lost = statistics.fmean(sides[0]) - statistics.fmean(sides[1])
    chance = sum(share * (1 - share) / images for share in map(statistics.fmean, sides))
    has_seeds = min(map(len, sides)) >= MIN_RUNS
    assumed = (SINGLE_RUN_BAND / Z_95) ** 2
    seeds = sum(statistics.variance(side) / len(side) for side in sides) if has_seeds else assumed
    if has_seeds and seeds > chance:
        reach = float(special.stdtrit(degrees_of_freedom(sides), 1 - (1 - CONFIDENCE) / 2))
    else:
        reach = float(special.ndtri(1 - (1 - CONFIDENCE) / 2))
    error = math.sqrt(max(seeds, chance))
    low, high = 100 * (lost - reach * error), 100 * (lost + reach * error)
    words = f"{own.name} is {100 * lost:.2f} points [{low:.2f}, {high:.2f}] below {other.name} in test accuracy"
    return words, low, high
