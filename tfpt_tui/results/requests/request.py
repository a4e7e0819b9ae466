"""A comparison as it is requested, and its answer: the command line and the app get the same from here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import find_preset
from tfpt_tui.documents import build
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.answer import is_disturbed
from tfpt_tui.results.comparison.compare import compare
from tfpt_tui.results.comparison.groups import group, usual_by
from tfpt_tui.results.comparison.parity import proof_note
from tfpt_tui.results.comparison.published import compare_with_published, of_its_rows
from tfpt_tui.results.comparison.statistics import METHOD, TimeRatio
from tfpt_tui.results.comparison.verdicts import Comparing, Evidence, RowVerdict, compare_evidence
from tfpt_tui.results.store.index import read_results, recall
from tfpt_tui.results.table import FORMATS, Column, Table, as_json, sorted_by
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.result import RunResult, whole_document
from tfpt_tui.runs.record.shown_by_duels import shown_effect
from tfpt_tui.runs.record.sweep import Sweep, measured_runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HTML, JSON = "html", "json"
TOGETHER = "all"  # in place of a setting to compare by


@dataclass(frozen=True)
class ComparisonRequest:
    """What is compared, and how: the runs in this order, and the options of ``tfpt-tui compare``.

    ``by`` is the setting within whose values rows are compared, "" for the one that suits them, ``TOGETHER`` for
    none, or ``MACHINE`` of the groups: then machines are compared, at these ``prices`` an hour by their names.
    ``published`` is the preset whose printed numbers the runs stand beside, "" for none. ``undisturbed`` leaves
    out the runs that something else on the machine disturbed, and says so.
    """

    runs: tuple[RunDirectory, ...]
    baseline: str | None = None
    by: str = ""
    prices: Mapping[str, float] = field(default_factory=dict)
    published: str = ""
    across: bool = False
    undisturbed: bool = False
    all_columns: bool = False
    sort: str = ""


@dataclass(frozen=True)
class Comparison:
    """``verdicts`` are those of the table's rows before it was sorted; a published table has none.

    ``proof`` says what is proven of the track parity, None where no run is of it.
    """

    request: ComparisonRequest
    results: Sequence[RunResult]
    table: Table
    verdicts: Sequence[RowVerdict] = ()
    proof: str | None = None


def compare_runs(
    request: ComparisonRequest, paths: Paths, results: Sequence[RunResult] | None = None
) -> Comparison:
    """Compare the runs; ``results`` are theirs where they were read already.

    Raises:
        UsageError: they may not be compared, all were disturbed, there is no such preset or column.
    """
    if results is None:
        results = read_results(paths, request.runs)
    preset = find_preset(request.published, paths) if request.published else None
    if preset:
        results = of_its_rows(preset, results)
    recorded_results = results
    if request.undisturbed:
        results = _undisturbed(results)
        request = replace(request, baseline=_kept_baseline(request.baseline, recorded_results, results))
    proof = proof_note(results, paths.proofs)
    request = replace(request, by=_by(request, results))
    verdicts: Sequence[RowVerdict] = ()
    if preset:
        table = compare_with_published(preset, results, across=request.across)
    else:
        table, verdicts = compare(
            results,
            request.baseline,
            across=request.across,
            proof=proof,
            by=request.by,
            prices=request.prices,
            all_columns=request.all_columns,
            comparing=_remembering(paths),
            brought=partial(shown_effect, paths.duels),
        )
    if left_out := len(recorded_results) - len(results):
        table = _say_what_is_left_out(table, f"{left_out} of {len(recorded_results)} disturbed runs")
    table = sorted_by(table, request.sort) if request.sort else table
    return Comparison(request, results, table, verdicts, proof)


def _undisturbed(results: Sequence[RunResult]) -> list[RunResult]:
    kept = [result for result in results if not is_disturbed(result)]
    if results and not kept:
        raise UsageError(
            f"all {len(results)} runs were disturbed; on a quiet machine, R repeats them, or: tfpt-tui runs rerun"
        )
    return kept


def _kept_baseline(
    baseline: str | None, recorded_results: Sequence[RunResult], kept: Sequence[RunResult]
) -> str | None:
    """A run that is left of the row of the baseline: its first may be one that was disturbed."""
    row = next(
        (entry for entry in group(recorded_results) if baseline in [run.run for run in entry.results]), None
    )
    left = {result.run for result in kept}
    if baseline is None or baseline in left or row is None:
        return baseline
    found = next((result.run for result in row.results if result.run in left), None)
    if found is None:
        raise UsageError(f"the baseline {baseline} was disturbed, and is left out; name another with --baseline")
    return found


def _say_what_is_left_out(table: Table, runs: str) -> Table:
    """In the answer, and in a column for csv, which has no lines of text."""
    columns = (*table.columns, Column("without", "without", printed=False))
    rows = tuple({**row, "without": runs} for row in table.rows)
    return replace(table, columns=columns, rows=rows, answer=(f"without {runs}", *table.answer))


def _by(request: ComparisonRequest, results: Sequence[RunResult]) -> str:
    """The setting to compare by, "" for none: whoever names a baseline wants all rows beside it."""
    if request.by == TOGETHER:
        return ""
    return request.by or ("" if request.baseline or request.published else usual_by(results))


def _remembering(paths: Paths) -> Comparing:
    """:func:`compare_evidence`, which recalls what it found for the same evidence with the same SciPy.

    Loading SciPy takes longer than all else that a comparison does.
    """
    method = f"method {METHOD}, scipy {version('scipy')}"

    def compare_remembered(evidence: Evidence, rows: int) -> TimeRatio | None:
        def work_out() -> str:
            found = compare_evidence(evidence, rows)
            return json.dumps(asdict(found) if found else None)

        answer = json.loads(recall(paths, f"{method}, {rows} rows: {evidence}", work_out))
        return build(TimeRatio, answer) if answer else None

    return compare_remembered


def recorded(sweep: Sweep) -> list[RunDirectory]:
    """The measured runs of a sweep that were not deleted since."""
    return [run for run in measured_runs(sweep) if run.path.is_dir()]


def draw(found: Comparison) -> dict[str, Figure]:
    """The charts of the comparison, by the names of their files."""
    from tfpt_tui.results.presentation.charts import draw_charts  # matplotlib takes half a second

    request = found.request
    published = found.table if request.published else None
    left_out = next((f"without {row['without']}" for row in found.table.rows if row.get("without")), "")
    return draw_charts(found.results, request.runs, request.baseline, published, found.proof, request.by, left_out)


def write_out(found: Comparison, format_: str, charts: Mapping[str, Figure] | None = None) -> str:
    """The comparison in one of ``FORMATS`` or as HTML, whose charts need not be drawn a second time.

    JSON has the whole results of the runs, too.
    """
    if format_ == JSON:
        return as_json(found.table, runs=[whole_document(result) for result in found.results])
    if format_ != HTML:
        return FORMATS[format_](found.table)
    from tfpt_tui.results.presentation.html import as_page

    title = f"tfpt-tui: {found.request.published or 'comparison'}"
    return as_page(title, [found.table], draw(found) if charts is None else charts, found.results)
