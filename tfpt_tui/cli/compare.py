"""``tfpt-tui compare``: put runs beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show
from tfpt_tui.config.toml import write_atomically
from tfpt_tui.errors import cannot
from tfpt_tui.results.comparison import compare as compare_results
from tfpt_tui.results.parity import proof_note
from tfpt_tui.results.result import read_result
from tfpt_tui.results.table import FORMATS
from tfpt_tui.runs.directory import RunDirectory, find_run, find_sweep
from tfpt_tui.runs.sweep import Sweep, latest_sweep, measured_runs, read_sweep


@click.command()
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option("--sweep", metavar="ID", help="All runs of this sweep.")
@click.option("--baseline", metavar="ID", help="The run that the others are measured against.")
@click.option("--across", is_flag=True, help="Compare runs of different machines or versions, and say so.")
@click.option("--format", "format_", type=click.Choice(list(FORMATS)), default="table", show_default=True)
@click.option("--out", metavar="FILE", help="Write to a file instead of stdout.")
@pass_invocation
def compare(
    invocation: Invocation,
    run_ids: tuple[str, ...],
    sweep: str | None,
    baseline: str | None,
    across: bool,
    format_: str,
    out: str | None,
) -> None:
    """Compare the runs given by ID, those of a sweep, or without either those of the latest sweep.

    Repeats of one configuration share a row. Ratios are of time per image: above 1 is slower than the baseline.
    Rows are ranked within one track and one measure only.
    """
    runs = _select(invocation, run_ids, sweep)
    against = find_run(invocation.paths, baseline).id if baseline else None
    if against and against not in (run.id for run in runs):
        runs.insert(0, find_run(invocation.paths, against))
    results = [read_result(run) for run in runs]
    proof = proof_note(results, invocation.paths.proofs)
    text = FORMATS[format_](compare_results(results, against, across=across, proof=proof))
    if not runs:
        say("no runs to compare; make some with: tfpt-tui demo")
    if out:
        try:
            write_atomically(Path(out), text)
        except OSError as error:
            raise cannot("write the comparison", out, error) from None
    else:
        show(text)
    invocation.note_missing_frameworks()


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
