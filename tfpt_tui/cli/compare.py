"""``tfpt-tui compare``: put runs beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.toml import write_atomically
from tfpt_tui.errors import cannot
from tfpt_tui.results.comparison import compare as compare_results
from tfpt_tui.results.parity import proof_note
from tfpt_tui.results.published import compare_with_published
from tfpt_tui.results.result import read_result
from tfpt_tui.results.table import FORMATS, Table
from tfpt_tui.runs.directory import RunDirectory, find_run, find_sweep, list_runs
from tfpt_tui.runs.sweep import Sweep, latest_sweep, measured_runs, read_sweep


@click.command()
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option("--sweep", metavar="ID", help="All runs of this sweep.")
@click.option("--baseline", metavar="ID", help="The run that the others are measured against.")
@click.option("--published", metavar="PRESET", help="Beside the numbers that this preset's source printed.")
@click.option("--across", is_flag=True, help="Compare runs of different machines or versions, and say so.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="table", show_default=True)
@click.option("--out", metavar="FILE", help="Write to a file instead of stdout.")
@pass_invocation
def compare(
    invocation: Invocation,
    run_ids: tuple[str, ...],
    sweep: str | None,
    baseline: str | None,
    published: str | None,
    across: bool,
    format_: str,
    out: str | None,
) -> None:
    """Compare the runs given by ID, those of a sweep, or without either those of the latest sweep.

    Repeats of one configuration share a row. Ratios are of time per image: above 1 is slower than the baseline.
    Rows are ranked within one track and one measure only.
    """
    if published:
        runs = _select(invocation, run_ids, sweep) if run_ids or sweep else list_runs(invocation.paths)
        results = [read_result(run) for run in runs]
        table = compare_with_published(find_preset(published, invocation.paths), results, across=across)
    else:
        table = _compare(invocation, _select(invocation, run_ids, sweep), baseline, across)
    _deliver(FORMATS[format_](table), out)
    invocation.note_missing_frameworks()


def _compare(invocation: Invocation, runs: list[RunDirectory], baseline: str | None, across: bool) -> Table:
    against = find_run(invocation.paths, baseline).id if baseline else None
    if against and against not in (run.id for run in runs):
        runs.insert(0, find_run(invocation.paths, against))
    results = [read_result(run) for run in runs]
    proof = proof_note(results, invocation.paths.proofs)
    if not runs:
        say("no runs to compare; make some with: tfpt-tui demo")
    return compare_results(results, against, across=across, proof=proof)


def _deliver(text: str, out: str | None) -> None:
    if out:
        try:
            write_atomically(Path(out), text)
        except OSError as error:
            raise cannot("write the comparison", out, error) from None
    else:
        show(text)


def _select(invocation: Invocation, run_ids: tuple[str, ...], sweep: str | None) -> list[RunDirectory]:
    runs = [find_run(invocation.paths, run_id) for run_id in run_ids]
    if sweep:
        runs += _recorded(read_sweep(find_sweep(invocation.paths, sweep), invocation.paths))
    elif not run_ids:
        latest = latest_sweep(invocation.paths)
        runs += _recorded(latest) if latest else []
    return list({run.id: run for run in runs}.values())


def _recorded(sweep: Sweep) -> list[RunDirectory]:
    """The measured runs of a sweep that were not deleted since."""
    return [run for run in measured_runs(sweep) if run.path.is_dir()]
