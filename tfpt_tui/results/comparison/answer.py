"""What a comparison says in a few lines: who is faster and how surely, who learned the same, what disturbed it.

It stands above every table. What explains it, and what else must be known, are the notes below.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.results.comparison.duel import turns_of
from tfpt_tui.results.comparison.groups import END_TO_END, Group, kind_of
from tfpt_tui.results.comparison.learning import PLAIN, RECALIBRATED
from tfpt_tui.results.comparison.verdicts import RowVerdict, compare_evidence, evidence_of
from tfpt_tui.runs.record.result import RunResult

# What others did on the machine, by the codes of warnings.
BUSY = "busy"
DISTURBANCES = {
    BUSY: "other load",
    "foreign_gpu_process": "another process on the GPU",
    "overlap": "another worker of tfpt-tui",
    "shared_host": "shared host",
    "quota_throttled": "the CPU quota held it up",
    "throttled": "the GPU slowed down",
    "swapped": "memory came back from swap",
}
# What rows of two tracks must have in common to stand beside each other: how they get there may differ.
SAME_TRAINING = ("batch_size", "image_size", "data", "epochs")
# More rows of a kind than this have no sentence each.
MANY = MOST_UNRANKED = 4
SHARE = re.compile(r"(\d+)%")


def answer_of(
    results: Sequence[RunResult], verdicts: Sequence[RowVerdict], groups: Sequence[Group], *, across: bool
) -> tuple[str, ...]:
    """``across`` wants rows of other tracks beside each other, too."""
    speed = [*_speed(verdicts, groups), *_beside_tracks(groups, across=across)]
    return (
        *(speed or _unranked(groups)),
        *_learning(verdicts, groups),
        *_void(results),
        *_disturbed([result for result in results if result.completed]),
    )


def is_disturbed(result: RunResult) -> bool:
    """Whether something else on the machine took part in what a run was timed at."""
    return result.completed and any(warning.code in DISTURBANCES for warning in result.warnings)


def spoken_of(verdicts: Sequence[RowVerdict]) -> list[tuple[int, list[RowVerdict]]]:
    """Of each kind how many rows there are, and those that are spoken of: of many the fastest alone."""
    return [(len(rows), rows[:1] if len(rows) > MANY else rows) for rows in _timed_by_kind(verdicts)]


def _timed_by_kind(verdicts: Sequence[RowVerdict]) -> list[list[RowVerdict]]:
    """The rows of each kind that have a time: many by their rates, the highest first, few in their order."""
    kinds: dict[tuple[str, ...], list[RowVerdict]] = {}
    for verdict in verdicts:
        if verdict.time or verdict.is_baseline:
            kinds.setdefault(verdict.entry.kind, []).append(verdict)
    return [sorted(rows, key=_slowness) if len(rows) > MANY else rows for rows in kinds.values()]


def _slowness(row: RowVerdict) -> float:
    return -(row.entry.images_per_s() or 0.0)


def _speed(verdicts: Sequence[RowVerdict], groups: Sequence[Group]) -> list[str]:
    """A sentence for each row beside its baseline; of many rows of a kind for the fastest alone."""
    lines = []
    for rows in _timed_by_kind(verdicts):
        if len(rows) > MANY:
            lines.append(_highest(rows[0].entry, rows[1].entry, len(rows), groups))
        lines += [
            kind_of(row.entry, groups) + row.time.sentence(row.entry.name, row.baseline.name)
            for row in (rows[:1] if len(rows) > MANY else rows)
            if row.time and row.baseline
        ]
    return lines


def _highest(first: Group, second: Group, count: int, groups: Sequence[Group]) -> str:
    """Which of so many rows has the highest rate. That the next one is slower takes a test of its own, of the
    many that there could be.
    """
    time = compare_evidence(evidence_of(second, first), count - 1)
    doubt = "" if time and time.verdict == "slower" else f"; {second.name} may be as fast"
    highest = f"{first.name}: {first.images_per_s() or 0.0:,.0f} images/s"
    return f"{kind_of(first, groups)}the highest of {count} rates is that of {highest}{doubt}"


def _unranked(groups: Sequence[Group]) -> list[str]:
    """The throughput of rows that have nothing to stand beside, and why."""
    rates = [(entry, rate) for entry in groups if (rate := entry.images_per_s())]
    if len(rates) > MOST_UNRANKED:
        return []
    lines = [f"{kind_of(entry, groups)}{entry.name}: {rate:,.0f} images/s" for entry, rate in rates]
    if len({entry.track for entry, _ in rates}) > 1:
        lines.append("different tracks are different work, so they are not ranked")
    return lines


def _beside_tracks(groups: Sequence[Group], *, across: bool) -> list[str]:
    """How tuned rows stand beside those of other tracks: where they took turns, or where that is requested.

    It is no rank: the tracks are different work. Of many such pairs none is spoken of.
    """
    tuned = [entry for entry in groups if _is_tuned(entry)]
    pairs = [(one, other) for one in tuned for other in groups if not _is_tuned(other) and _is_alike(one, other)]
    found = [(one, other, evidence_of(one, other)) for one, other in pairs if across or turns_of(one, other)]
    if len(found) > MANY:
        return []
    lines = []
    for one, other, evidence in found:
        if time := compare_evidence(evidence, len(found)):
            where = f"{one.machine_name}: " if len({entry.machine_name for entry in groups}) > 1 else ""
            kept = f"{one.by_value}: " if one.by_value else ""
            names = f"{one.name} on {one.track}", f"{other.name} on {other.track}"
            lines.append(f"{where}{kept}{time.sentence(*names)}; another track, so not ranked")
    return lines


def _is_alike(one: Group, other: Group) -> bool:
    """Whether rows of two tracks train the same on the same machine."""
    return (
        one.measure == other.measure
        and one.machine_name == other.machine_name
        and all(one.config.value(key) == other.config.value(key) for key in SAME_TRAINING)
    )


def _is_tuned(entry: Group) -> bool:
    return entry.track in TRACKS and TRACKS[entry.track].is_tuned


def _learning(verdicts: Sequence[RowVerdict], groups: Sequence[Group]) -> list[str]:
    """Whether rows learned the same: a line for each that did not, and one for all others."""
    compared = [one for one in verdicts if one.baseline and one.entry is not one.baseline and one.time]
    lines = [
        f"{kind_of(one.entry, groups)}{one.entry.name}: not equivalent: {one.learning.why},"
        " so its time compares different work"
        for one in compared
        if one.in_band is False
    ]
    same = [one for one in compared if one.in_band]
    if same:
        lines.append(_same_learning(same, groups, others=len(compared) - len(same)))
    if not lines and compared and not any(entry.accuracies() for entry in groups if entry.measure == END_TO_END):
        lines += ["accuracy was not measured"] * any(entry.measure == END_TO_END for entry in groups)
    return lines


def _same_learning(same: Sequence[RowVerdict], groups: Sequence[Group], others: int) -> str:
    """Both accuracies where two rows are all there is, else how far rows are from their baselines at most."""
    pairs = [(one.baseline, one.entry, one.learning.judged_by) for one in same if one.baseline]
    if len(pairs) == 1 and not others:
        ((*both, judged_by),) = pairs
        percents = (f"{_percent(entry, judged_by):.1f} % in {entry.name}" for entry in groups if entry in both)
        return f"same learning: {judged_by} {' and '.join(percents)}"
    apart = max(abs(_percent(entry, by) - _percent(baseline, by)) for baseline, entry, by in pairs)
    what = RECALIBRATED if any(by == RECALIBRATED for _, _, by in pairs) else PLAIN
    return f"same learning in {len(pairs)} of {len(pairs) + others}: {what} within {apart:.1f} points"


def _percent(entry: Group, judged_by: str) -> float:
    return 100 * statistics.median(entry.accuracies(recalibrated=judged_by == RECALIBRATED))


def _void(results: Sequence[RunResult]) -> list[str]:
    """How many runs have times that count in no rate and no ratio: an older worker measured them wrongly."""
    void = sum(result.is_void for result in results)
    return [f"! {void} of {len(results)} runs are void: run them again (tfpt-tui runs rerun)"] if void else []


def _disturbed(done: Sequence[RunResult]) -> list[str]:
    """Once for each kind of disturbance: how many runs, and between which shares."""
    lines = []
    for code, what in DISTURBANCES.items():
        found = [warning for result in done for warning in result.warnings if warning.code == code]
        if not found:
            continue
        runs = sum(any(warning.code == code for warning in result.warnings) for result in done)
        extent = _extent([warning.message for warning in found]) if code == BUSY else ""
        lines.append(f"! {runs} of {len(done)} runs disturbed ({extent}{what})")
    return lines


def _extent(messages: Sequence[str]) -> str:
    """Such as ``16 to 39 % ``, from the smallest to the largest share that the messages name first."""
    shares = sorted({int(share[1]) for message in messages if (share := SHARE.search(message))})
    return f"{' to '.join(map(str, (shares[0], shares[-1])[: len(shares)]))} % " if shares else ""
