"""Compare runs: one row for every configuration, its repeats together, beside a baseline.

Rows are ranked only within one track and one measure, each such kind with a baseline of its own. Ratios are of
time per training image: 1.25 takes a quarter longer than the baseline. With fewer than three pairs of runs
nothing is concluded: the verdict is "single run".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.tracks import needs_proof
from tfpt_tui.results.comparison.answer import answer_of
from tfpt_tui.results.comparison.comparability import check_comparable
from tfpt_tui.results.comparison.groups import (
    MACHINE,
    NOT_COMPARED,
    Group,
    applies,
    differing_keys,
    flags_of,
    group,
)
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.results.comparison.notes import notes_of
from tfpt_tui.results.comparison.reasons import Brought, brought_nothing
from tfpt_tui.results.comparison.verdicts import Comparing, RowVerdict, compare_evidence, compare_to_baseline
from tfpt_tui.results.comparison.worth import say_worth, worth_of
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.record.result import RunResult

NO_PRICES: Mapping[str, float] = MappingProxyType({})
# The metrics that belong to the answer; the others follow behind it.
ANSWERS = ("images_per_s", "test_accuracy", "recalibrated_accuracy")


def compare(
    results: Sequence[RunResult],
    baseline: str | None = None,
    *,
    across: bool = False,
    proof: str | None = None,
    by: str = "",
    prices: Mapping[str, float] = NO_PRICES,
    all_columns: bool = False,
    comparing: Comparing = compare_evidence,
    brought: Brought = brought_nothing,
) -> tuple[Table, list[RowVerdict]]:
    """The comparison of runs given by their results, in the order given, and how its rows stand.

    ``baseline`` is the ID of a run whose configuration the others of its kind are measured against; by default,
    and for every other kind, it is the first. ``across`` compares what comes from different machines or versions
    too. ``proof`` is the line that says what is proven of the track parity (:func:`parity.proof_note`). ``by`` is
    a setting: rows are compared within each of its values; or :data:`~groups.MACHINE`: then machines are compared,
    at these ``prices`` an hour. Settings that are the same in all rows are shown with
    ``all_columns`` only. ``comparing`` compares as :func:`compare_evidence` does, and ``brought`` knows what
    a setting brought in a recorded duel.

    Raises:
        UsageError: the runs come from different machines or versions.
    """
    if not across:
        check_comparable(results)
    verdicts = compare_to_baseline(group(results, by), baseline, comparing)
    table = _tabulate(results, verdicts, proof, all_columns, brought, across=across)
    return _with_prices(table, verdicts, prices) if by == MACHINE else table, verdicts


def _tabulate(
    results: Sequence[RunResult],
    verdicts: Sequence[RowVerdict],
    proof: str | None,
    all_columns: bool,
    brought: Brought,
    *,
    across: bool,
) -> Table:
    """One row for each verdict; ``results`` are those of all their runs."""
    groups = [verdict.entry for verdict in verdicts]
    by_machine = any(entry.by == MACHINE for entry in groups)
    machine = Column("machine", "machine", printed=len({entry.machine for entry in groups if entry.done}) > 1)
    differing = [key for key in SETTINGS if key not in NOT_COMPARED] if all_columns else differing_keys(groups)
    track = Column("track", "track")
    several_tracks = len({entry.track for entry in groups}) > 1
    columns = (
        # The answer comes first: what follows may lie beyond the edge of a narrow terminal.
        Column("framework", "framework"),
        *([track] if several_tracks else []),
        *([machine] if by_machine else []),
        *(Column(key, key) for key in differing),
        Column("version", "version", printed=_versions_differ(groups)),
        Column("status", "status"),
        Column("n", "n"),
        METRICS["images_per_s"].column,
        Column("ratio", "time ratio", 3),
        Column("ratio_low", "low", 3),
        Column("ratio_high", "high", 3),
        Column("verdict", "verdict"),
        METRICS["test_accuracy"].column,
        METRICS["recalibrated_accuracy"].column,
        Column("in_band", "same accuracy?"),
        Column("flags", "flags"),
        Column("p_value", "p", 4, small=True),
        *(metric.column for metric in METRICS.values() if metric.name not in ANSWERS),
        *([Column("scaled", "training s is")] if any(result.scaled for result in results) else []),
        *([] if several_tracks else [track]),
        *([] if by_machine else [machine]),
        Column("runs", "runs"),
        *([Column("parity", "parity", printed=False)] if proof else []),
    )
    rows = tuple(_row(verdict, differing, proof) for verdict in verdicts)
    notes = tuple(notes_of(results, verdicts, groups, proof, brought, across=across))
    return Table(columns, rows, notes, answer_of(results, verdicts, groups, across=across))


def _with_prices(table: Table, verdicts: Sequence[RowVerdict], prices: Mapping[str, float]) -> Table:
    """With what each machine gives for its price, where that is known."""
    worths = [worth_of(verdict.entry, prices) for verdict in verdicts]
    if not any(worths):
        return table
    columns = (
        Column("images_per_unit", "images/unit", 0),
        Column("images_per_unit_low", "low", 0),
        Column("images_per_unit_high", "high", 0),
    )
    rows = tuple(
        {**row, **({"images_per_unit": one.images, "images_per_unit_low": one.low} if one else {})}
        | ({"images_per_unit_high": one.high} if one else {})
        for row, one in zip(table.rows, worths, strict=True)
    )
    names = [column.name for column in table.columns]
    place = names.index("images_per_s") + 1
    priced = ", ".join(f"{name} {price:g}" for name, price in prices.items() if price)
    return replace(
        table,
        columns=(*table.columns[:place], *columns, *table.columns[place:]),
        rows=rows,
        notes=(*table.notes, f"images/unit: for one unit of the currency of the prices an hour: {priced}"),
        answer=(*table.answer, *say_worth(verdicts, prices)),
    )


def _row(verdict: RowVerdict, differing: Sequence[str], proof: str | None) -> dict[str, Cell]:
    entry = verdict.entry
    return {
        "framework": entry.title,
        **{key: _setting(entry, key) for key in differing},
        "version": entry.version or None,
        "status": _status(entry),
        "n": len(entry.done),
        **{name: metric.of(entry) for name, metric in METRICS.items()},
        **_answer(verdict),
        "in_band": verdict.in_band,
        "flags": flags_of(entry.done),
        "scaled": next((result.scaled.note for result in entry.done if result.scaled), None),
        "track": entry.track if entry.config.is_known else None,
        "machine": entry.machine or None,
        "runs": " ".join(result.run for result in entry.results),
        "parity": proof if needs_proof(entry.track) else None,
    }


def _versions_differ(groups: Sequence[Group]) -> bool:
    """Whether rows of one framework ran in different versions of it."""
    ran = {(entry.framework, entry.version) for entry in groups if entry.done}
    return len(ran) > len({framework for framework, _ in ran})


def _answer(verdict: RowVerdict) -> dict[str, Cell]:
    time = verdict.time
    if verdict.is_baseline:
        return {"ratio": 1.0, "verdict": "baseline"}
    if time is None:
        return {}
    return {
        "ratio": time.ratio,
        "ratio_low": time.low,
        "ratio_high": time.high,
        "p_value": time.p_value,
        "verdict": time.verdict,
    }


def _setting(entry: Group, key: str) -> Cell:
    if not entry.config.is_known:
        return None
    return entry.config.value(key) if applies(key, entry) else "n/a"


def _status(entry: Group) -> str:
    counts: dict[str, int] = {}
    for result in entry.results:
        counts[result.status] = counts.get(result.status, 0) + 1
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {status}" for status, count in counts.items())
