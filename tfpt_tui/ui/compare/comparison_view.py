"""What the Compare screen shows, read and computed into one frozen value. No widget is known here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import find_preset, preset_files
from tfpt_tui.errors import TfptError
from tfpt_tui.results.comparison.comparability import NotComparableError
from tfpt_tui.results.comparison.compare import NO_PRICES
from tfpt_tui.results.comparison.groups import MACHINE, differing_keys, kind_of
from tfpt_tui.results.comparison.origins import Origins, describe_runs, origins_of
from tfpt_tui.results.comparison.published import has_printed_numbers
from tfpt_tui.results.comparison.verdicts import RowVerdict
from tfpt_tui.results.requests.comparables import PUBLISHED, Choice, runs_of
from tfpt_tui.results.requests.request import Comparison, ComparisonRequest, compare_runs
from tfpt_tui.results.store.index import read_results
from tfpt_tui.results.store.reader import Epoch, read_epochs
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.ui.theme import MAX_CURVES


@dataclass(frozen=True)
class ComparisonSelection:
    """The choices that are compared together, and how; ``undisturbed`` leaves disturbed runs out."""

    choices: tuple[Choice, ...]
    baseline: str | None = None
    by: str = ""
    across: bool = False
    undisturbed: bool = False


@dataclass(frozen=True)
class Curve:
    """The epochs of one run of a row; ``seconds`` are those of the training at which each ended."""

    name: str
    framework: str
    epochs: tuple[float, ...]
    seconds: tuple[float, ...]
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]


@dataclass(frozen=True)
class Row:
    """A verdict with the name of its row; ``kind`` is the start of a sentence about it, "" where all are alike."""

    name: str
    kind: str
    verdict: RowVerdict


@dataclass(frozen=True)
class ComparisonView:
    """``refusal`` says why there is no comparison, and ``no_table`` why there is no published table.

    ``facts`` are the differing facts of the runs' origins, with each value's runs in words.
    """

    wanted: ComparisonSelection
    runs: int = 0
    comparison: Comparison | None = None
    refusal: str = ""
    across_helps: bool = False
    rows: tuple[Row, ...] = ()
    keys: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    published: Comparison | None = None
    no_table: str = ""
    origins: Origins = field(default_factory=Origins)
    facts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def read_comparison(
    wanted: ComparisonSelection, paths: Paths, prices: Mapping[str, float] = NO_PRICES
) -> ComparisonView:
    """Read the runs and compare them, machines at these prices an hour; what cannot be compared is said.

    Raises:
        OSError: the file system refused.
    """
    runs = _runs(wanted, paths)
    request = ComparisonRequest(
        tuple(runs),
        wanted.baseline,
        by=wanted.by,
        prices=prices,
        across=wanted.across,
        undisturbed=wanted.undisturbed,
    )
    found = ComparisonView(wanted, len(runs))
    if not runs:
        return replace(found, refusal="Its runs were deleted. Press r to read the list again.")
    results = read_results(paths, runs)
    origins = origins_of(results)
    facts = tuple(
        (fact.name, tuple((value, describe_runs(of, results)) for value, of in fact.values))
        for fact in origins.differing
    )
    found = _with_published(replace(found, origins=origins, facts=facts), request, results, paths)
    try:
        comparison = compare_runs(request, paths, results)
    except NotComparableError as error:
        return replace(found, refusal=error.difference, across_helps=True)
    except TfptError as error:
        return replace(found, refusal=str(error))
    rows = _rows(comparison.verdicts)
    keys = differing_keys([row.verdict.entry for row in rows])
    keys += [MACHINE] * (len({result.machine for result in results}) > 1)
    return replace(found, comparison=comparison, rows=rows, keys=tuple(keys), curves=_curves(rows, paths.runs))


def _runs(wanted: ComparisonSelection, paths: Paths) -> list[RunDirectory]:
    """The runs of all choices, each once, those of the oldest sweep first."""
    oldest_first = sorted(wanted.choices, key=lambda choice: choice.name)
    return list({run.id: run for choice in oldest_first for run in runs_of(choice, paths)}.values())


def _with_published(
    found: ComparisonView, request: ComparisonRequest, results: Sequence[RunResult], paths: Paths
) -> ComparisonView:
    names = {choice.preset for choice in found.wanted.choices}
    if len(names) != 1:
        return replace(
            found, no_table="These are runs of several presets. Choose one sweep, or a published table."
        )
    (name,) = names
    try:
        if not name or name not in preset_files(paths) or not has_printed_numbers(find_preset(name, paths)):
            reason = f"{name} has no published numbers." if name else "Printed numbers are of one preset each."
            return replace(found, no_table=f"{reason} Choose a sweep of cpu-plain or of another published table.")
        printed = replace(request, baseline=None, by="", published=name)
        return replace(found, published=compare_runs(printed, paths, results))
    except TfptError as error:
        return replace(found, no_table=str(error))


def _rows(verdicts: Sequence[RowVerdict]) -> tuple[Row, ...]:
    groups = [verdict.entry for verdict in verdicts]
    return tuple(Row(verdict.entry.name, kind_of(verdict.entry, groups), verdict) for verdict in verdicts)


def _curves(rows: Sequence[Row], runs: Path) -> tuple[Curve, ...]:
    """One run of each row that trained, the first ones as far as curves can be told apart."""
    curves: list[Curve] = []
    for row in rows:
        if len(curves) == MAX_CURVES:
            break
        entry = row.verdict.entry
        read = (read_epochs(RunDirectory(runs / run.run)) for run in entry.done)
        if epochs := next(filter(None, read), []):
            curves.append(_curve(f"{row.kind}{row.name}", entry.framework, epochs))
    return tuple(curves)


def _curve(name: str, framework: str, epochs: Sequence[Epoch]) -> Curve:
    return Curve(
        name,
        framework,
        epochs=tuple(epoch.epoch for epoch in epochs),
        seconds=tuple(epoch.at_s for epoch in epochs),
        losses=tuple(epoch.loss for epoch in epochs),
        accuracies=tuple(epoch.accuracy for epoch in epochs),
    )


def title_of(wanted: ComparisonSelection) -> str:
    """What is compared, for a heading and as a part of a file's name."""
    if len(wanted.choices) > 1:
        return f"{len(wanted.choices)} entries together"
    (choice,) = wanted.choices
    if choice.kind == PUBLISHED:
        return f"all runs of {choice.name}"
    return choice.name
