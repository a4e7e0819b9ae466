"""``tfpt-tui compare``: put runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, show_table, tell_indexing
from tfpt_tui.config.schema import SETTINGS, nearest
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.filters import is_condition, measured, parse_condition, select
from tfpt_tui.results.requests.export import write_comparison
from tfpt_tui.results.requests.request import HTML, ComparisonRequest, compare_runs, draw, recorded, write_out
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.results.table import FORMATS
from tfpt_tui.runs.record.directory import RunDirectory, find_run, find_sweep
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.sweep import latest_sweep, read_sweep

TEXT = "table"


@click.command()
@click.argument("wanted", metavar="[ID|KEY=VALUE]...", nargs=-1)
@click.option("--sweep", metavar="ID", help="All runs of this sweep.")
@click.option("--baseline", metavar="ID", help="The run that the others are measured against.")
@click.option("--by", metavar="KEY", help="Compare within each value of this setting, such as batch_size.")
@click.option("--published", metavar="PRESET", help="Beside the numbers that this preset's source published.")
@click.option("--across", is_flag=True, help="Compare runs of different machines or versions, with a note.")
@click.option("--all-columns", is_flag=True, help="Also show the settings that are the same in all rows.")
@click.option("--sort", metavar="COLUMN", help="By this column of the csv; -COLUMN puts the largest first.")
@click.option("--format", "format_", type=click.Choice([*FORMATS, HTML]), default=TEXT, show_default=True)
@click.option("--out", metavar="FILE", help="Write to a file instead of stdout.")
@click.option("--charts", metavar="DIR", help="Also draw the charts, as png and svg.")
@pass_invocation
def compare(
    invocation: Invocation,
    wanted: tuple[str, ...],
    sweep: str | None,
    baseline: str | None,
    by: str | None,
    published: str | None,
    across: bool,
    all_columns: bool,
    sort: str | None,
    format_: str,
    out: str | None,
    charts: str | None,
) -> None:
    """Compare the runs given by ID, by what they are (batch_size>32 status=completed), or of a sweep.

    Without any of these, those of the latest sweep. KEY is a setting, status, preset or sweep; all that are given
    must hold. Repeats of one configuration share a row. Ratios are of time per image: above 1 is slower than the
    baseline. Rows are ranked within one track and one measure only.
    """
    if by and by not in SETTINGS:
        raise UsageError(f"--by {by}: unknown key{nearest(by, SETTINGS)}")
    against = find_run(invocation.paths, baseline) if baseline else None
    runs = _select(invocation, wanted, sweep, everything=published is not None)
    if against and against not in runs:
        runs.insert(0, against)
    if not runs and not published:
        problem = f"no run matches {' '.join(wanted)}" if wanted else "no runs to compare"
        say(f"{problem}; tfpt-tui runs list shows all, tfpt-tui demo makes some")
    request = ComparisonRequest(
        tuple(runs),
        against.id if against else None,
        by=by or "",
        published=published or "",
        across=across,
        all_columns=all_columns,
        sort=sort or "",
    )
    found = compare_runs(request, invocation.paths)
    drawn = draw(found) if charts or format_ == HTML else {}
    if charts:
        from tfpt_tui.results.presentation.charts import save_charts

        say(f"{charts}: {len(save_charts(drawn, Path(charts)))} pictures")
    if format_ == TEXT and not out:
        show_table(found.table)
    else:
        _deliver(write_out(found, format_, drawn), out)
    invocation.note_missing_frameworks()


def _select(
    invocation: Invocation, wanted: Sequence[str], sweep: str | None, *, everything: bool
) -> list[RunDirectory]:
    """The runs that are meant, each once; conditions choose among those named, else among all."""
    conditions = [parse_condition(text) for text in wanted if is_condition(text)]
    runs = [find_run(invocation.paths, text) for text in wanted if not is_condition(text)]
    if sweep:
        runs += recorded(read_sweep(find_sweep(invocation.paths, sweep), invocation.paths))
    named = bool(runs or sweep)
    if conditions or (everything and not named):
        summaries = read_summaries(invocation.paths, tell_indexing)
        chosen = _directories(invocation, select(measured(summaries), conditions))
        runs = [run for run in runs if run in chosen] if named else chosen
    elif not named and (latest := latest_sweep(invocation.paths)):
        runs = recorded(latest)
    return list({run.id: run for run in runs}.values())


def _directories(invocation: Invocation, summaries: Sequence[RunResult]) -> list[RunDirectory]:
    """In the order in which they were made, so that the baseline is the oldest."""
    return [RunDirectory(invocation.paths.runs / summary.run) for summary in reversed(summaries)]


def _deliver(text: str, out: str | None) -> None:
    if out:
        write_comparison(Path(out), text)
    else:
        show(text)
