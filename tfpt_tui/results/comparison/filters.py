"""Choose runs by what they are: ``track=parity``, ``batch_size>32``, ``images_per_s>500``, ``status=failed``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tfpt_tui.config.schema import HERE, SETTINGS, nearest
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.runs.record.result import RunResult

# The longer ones first: ">=" begins with ">".
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
# What a run is beside its settings.
FACTS: dict[str, Callable[[RunResult], str]] = {
    "status": lambda result: result.status,
    "preset": lambda result: result.preset,
    "sweep": lambda result: result.sweep,
    "machine": lambda result: result.machine or HERE,
}
TAG = "tag"  # a run may have several
CHOSEN_BY = {name: metric for name, metric in METRICS.items() if metric.in_summary}


@dataclass(frozen=True)
class Condition:
    """``key`` is a setting, one of ``FACTS``, ``tag``, or a metric that the gist of a result has."""

    key: str
    operator: str
    value: Value

    def holds(self, result: RunResult) -> bool:
        """Whether the run with this result, or the gist of one, is meant; nothing is like a fact that it lacks."""
        if self.key == TAG:
            return (self.value in result.notes.tags) == (self.operator == "=")
        own = _value_of(result, self.key)
        return own is not None and OPERATORS[self.operator](own, self.value)


@dataclass(frozen=True)
class Filter:
    """Conditions that runs must meet, and words that must stand in what they are called."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()


def is_condition(text: str) -> bool:
    """Whether the text has an operator in it; the ID of a run has none."""
    return re.search("[=<>]", text) is not None


def parse_condition(text: str) -> Condition:
    """Read one condition of the command line.

    Raises:
        UsageError: an unknown key, a value that the key cannot have, or an order where there is none.
    """
    found = re.fullmatch(r"\s*(\w+)\s*(!=|>=|<=|=|>|<)\s*(.*?)\s*", text)
    if not found:
        raise UsageError(f"{text}: not a condition such as batch_size=32, batch_size>32 or status!=completed")
    key, sign, value = found.groups()
    if key in FACTS or key == TAG:
        parsed: Value = value
    elif key in SETTINGS:
        try:
            parsed = SETTINGS[key].parse(value)
        except ValueError as error:
            raise UsageError(f"{text}: {key} {error}") from None
    elif key in CHOSEN_BY:
        try:
            parsed = float(value)
        except ValueError:
            raise UsageError(f"{text}: {key} must be a number, not {value!r}") from None
    else:
        raise UsageError(f"{text}: unknown key {key!r}{nearest(key, [*SETTINGS, *FACTS, TAG, *CHOSEN_BY])}")
    if sign not in ("=", "!=") and (isinstance(parsed, bool | str)):
        raise UsageError(f"{text}: {key} is not a number: only = and != compare it")
    return Condition(key, sign, parsed)


def read_filter(text: str) -> Filter:
    """Such as ``demo batch_size>32``.

    Raises:
        UsageError: a condition is wrong; the message says how.
    """
    parts = text.split()
    conditions = tuple(parse_condition(word) for word in parts if is_condition(word))
    return Filter(conditions, tuple(word.lower() for word in parts if not is_condition(word)))


def named(summary: RunResult, words: Sequence[str], more: str = "") -> bool:
    """Whether all words stand in what the run is called, in what was noted of it, or in ``more``."""
    names = [summary.run, *(read(summary) for read in FACTS.values())]
    names += [summary.config.track, summary.config.environment, summary.notes.note, *summary.notes.tags]
    searched = " ".join(name for name in (more, *names) if name).lower()
    return all(word in searched for word in words)


def measured(results: Iterable[RunResult]) -> list[RunResult]:
    """Without the runs that only warmed the machine up: nothing is compared with them unless they are named."""
    return [result for result in results if not result.burn_in]


def select(results: Iterable[RunResult], conditions: Sequence[Condition]) -> list[RunResult]:
    """Those for which all conditions hold, in their order."""
    return [result for result in results if all(condition.holds(result) for condition in conditions)]


def _value_of(result: RunResult, key: str) -> Value | None:
    if key in SETTINGS:
        return result.setting(key)
    if key in CHOSEN_BY:
        return CHOSEN_BY[key].read(result)
    return FACTS[key](result) or None
