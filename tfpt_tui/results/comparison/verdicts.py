"""How every row of a comparison stands to the baseline of its kind: its time, and whether it learns the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tfpt_tui.results.comparison.duel import Turns, compare_turns, turns_of
from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.learning import Learning, judge_learning
from tfpt_tui.results.comparison.statistics import TimeRatio, Timings, can_be_concluded, compare_times

NOTHING_LEARNED = Learning(None)

# What two rows are compared by: the turns that they took with each other, or the timings of their runs.
Evidence = Turns | tuple[Timings, Timings]
Comparing = Callable[[Evidence, int], TimeRatio | None]


def evidence_of(entry: Group, baseline: Group) -> Evidence:
    """Turns where there are any, else the runs; those of two machines are no pairs, whatever seed they share."""
    if _place(entry) == _place(baseline):
        return turns_of(entry, baseline) or (entry.image_times(baseline), baseline.image_times(entry))
    return _of_its_place(entry), _of_its_place(baseline)


def _place(entry: Group) -> str:
    """The machine by its name; the host of runs that an import brought, which came without one."""
    hosts = (str(result.environment.machine.get("host", "")) for result in entry.done if not result.machine)
    return next(filter(None, hosts), entry.machine_name)


def _of_its_place(entry: Group) -> Timings:
    return {(_place(entry), key): time for key, time in entry.image_times().items()}


def compare_evidence(evidence: Evidence, rows: int) -> TimeRatio | None:
    """The ratio to the baseline, for one of so many comparisons of a table."""
    if isinstance(evidence, Turns):
        return compare_turns(evidence, rows)
    return compare_times(*evidence, rows)


@dataclass(frozen=True)
class RowVerdict:
    """``learning`` says whether it learned the same as the baseline.

    ``time`` is None for the baseline itself, and where either side has no timings.
    """

    entry: Group
    baseline: Group | None
    time: TimeRatio | None = None
    learning: Learning = NOTHING_LEARNED

    @property
    def in_band(self) -> bool | None:
        """Whether it learned the same, None where accuracy says nothing."""
        return self.learning.same

    @property
    def is_baseline(self) -> bool:
        return self.entry is self.baseline and self.entry.images_per_s() is not None


def compare_to_baseline(
    groups: Sequence[Group], baseline: str | None, comparing: Comparing = compare_evidence
) -> list[RowVerdict]:
    """Every group beside the baseline of its kind: the named run's, else the first with a time that counts."""
    baselines = {entry.kind: _baseline_of(entry.kind, groups, baseline) for entry in groups}
    rows = sum(_is_tested(entry, baselines[entry.kind]) for entry in groups)
    return [_compare_row(entry, baselines[entry.kind], comparing, rows) for entry in groups]


def _is_tested(entry: Group, baseline: Group | None) -> bool:
    """Whether a word such as "faster" may be said of the row: so many times chance may say a false one."""
    if baseline is None or entry is baseline:
        return False
    evidence = evidence_of(entry, baseline)
    return isinstance(evidence, Turns) or can_be_concluded(*evidence)


def _baseline_of(kind: tuple[str, ...], groups: Sequence[Group], named: str | None) -> Group | None:
    candidates = [entry for entry in groups if entry.kind == kind]
    for entry in candidates:
        if any(result.run == named for result in entry.results):
            return entry
    timed = (entry for entry in candidates if entry.images_per_s() is not None)
    return next(timed, None) or next((entry for entry in candidates if entry.done), None)


def _compare_row(entry: Group, baseline: Group | None, comparing: Comparing, rows: int) -> RowVerdict:
    if baseline is None or entry is baseline:
        return RowVerdict(entry, baseline)
    time = comparing(evidence_of(entry, baseline), max(1, rows))
    return RowVerdict(entry, baseline, time, judge_learning(entry, baseline))
