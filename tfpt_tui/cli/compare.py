"""``tfpt-tui compare``: put runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tfpt_tui.cli.completion import (
    complete_grouping,
    complete_preset,
    complete_run,
    complete_run_or_sweep,
    complete_sweep,
)
from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, show_table, tell_indexing
from tfpt_tui.config.schema import SETTINGS, nearest
from tfpt_tui.errors import GATE_PROVEN, UsageError
from tfpt_tui.results.comparison.filters import is_condition, measured, parse_condition, select
from tfpt_tui.results.comparison.gate import (
    DISPROVEN,
    GRAMMAR,
    PROVEN,
    UNKNOWN,
    Condition,
    judge_gate,
    parse_gate,
)
from tfpt_tui.results.comparison.groups import MACHINE
from tfpt_tui.results.requests.export import write_comparison
from tfpt_tui.results.requests.request import (
    HTML,
    TOGETHER,
    Comparison,
    ComparisonRequest,
    compare_runs,
    draw,
    recorded,
    write_out,
)
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.results.table import FORMATS
from tfpt_tui.runs.record.directory import RunDirectory, find_run, find_sweep
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.sweep import find_run_or_sweep, latest_submission, read_sweep

TEXT = "table"
PASS, FAIL = "pass", "fail"


@click.command()
@click.argument("wanted", metavar="[ID|KEY=VALUE]...", nargs=-1, shell_complete=complete_run_or_sweep)
@click.option("--sweep", metavar="ID", help="All runs of this sweep.", shell_complete=complete_sweep)
@click.option(
    "--baseline", metavar="ID", help="The run that the others are measured against.", shell_complete=complete_run
)
@click.option(
    "--by",
    metavar="KEY",
    help=f"Compare within each value of this setting; {TOGETHER} compares all, {MACHINE} the machines.",
    shell_complete=complete_grouping,
)
@click.option(
    "--published",
    metavar="PRESET",
    help="Beside the numbers that this preset's source published.",
    shell_complete=complete_preset,
)
@click.option("--across", is_flag=True, help="Compare runs of different machines or versions, with a note.")
@click.option("--undisturbed", is_flag=True, help="Leave out the runs that other load disturbed, and say so.")
@click.option("--all-columns", is_flag=True, help="Also show the settings that are the same in all rows.")
@click.option("--sort", metavar="COLUMN", help="By this column of the csv; -COLUMN puts the largest first.")
@click.option("--format", "format_", type=click.Choice([*FORMATS, HTML]), default=TEXT, show_default=True)
@click.option("--out", metavar="FILE", help="Write to a file instead of stdout.")
@click.option("--charts", metavar="DIR", help="Also draw the charts, as png and svg.")
@click.option("--fail-if", "fail_if", metavar="EXPR", help=f"Exit with 4 if it is proven: {GRAMMAR}.")
@click.option(
    "--unknown",
    type=click.Choice([PASS, FAIL]),
    help=f"What --fail-if does where nobody can tell; without it, {PASS}.",
)
@pass_invocation
def compare(
    invocation: Invocation,
    wanted: tuple[str, ...],
    sweep: str | None,
    baseline: str | None,
    by: str | None,
    published: str | None,
    across: bool,
    undisturbed: bool,
    all_columns: bool,
    sort: str | None,
    format_: str,
    out: str | None,
    charts: str | None,
    fail_if: str | None,
    unknown: str | None,
) -> int:
    """Compare the runs given by ID, by what they are (batch_size>32 status=completed), or of a sweep.

    Without any, those of the latest sweep. KEY is a setting, status, preset, sweep, machine or tag; all that are
    given must hold. Repeats of one configuration share a row. Ratios are of time per image: above 1 is slower than
    the baseline. Rows are ranked within one machine, one track and one measure only; where they differ in the
    framework and in one setting, frameworks are compared within each of its values.

    \b
    Examples:
      tfpt-tui compare
      tfpt-tui compare tag=night --by batch_size --format markdown
      tfpt-tui compare --by machine
      tfpt-tui compare --fail-if 'tensorflow slower than 5%'
    """
    if published and (baseline or by or all_columns or fail_if):
        raise UsageError(
            "--published: compares with printed numbers; leave --baseline, --by, --all-columns and --fail-if out"
        )
    if unknown and not fail_if:
        raise UsageError("--unknown: says what --fail-if does; name a condition with it")
    condition = parse_gate(fail_if) if fail_if else None
    if by and by not in (TOGETHER, MACHINE, *SETTINGS):
        raise UsageError(f"--by {by}: unknown key{nearest(by, [*SETTINGS, MACHINE])}")
    against = find_run(invocation.paths, baseline) if baseline else None
    runs = _select(invocation, wanted, sweep, everything=published is not None)
    if against and against not in runs:
        runs.insert(0, against)
    if against and not (named := read_result(against)).completed:
        raise UsageError(f"--baseline {against.id}: is {named.status}; name a run that completed")
    if not runs and not published:
        problem = f"no run matches {' '.join(wanted)}" if wanted else "no runs to compare"
        say(f"{problem}; tfpt-tui runs list shows all, tfpt-tui demo makes some")
        if format_ == TEXT and not (out or condition):
            invocation.note_missing_frameworks()
            return 0
    request = ComparisonRequest(
        tuple(runs),
        against.id if against else None,
        by=by or "",
        prices=invocation.settings.prices,
        published=published or "",
        across=across,
        undisturbed=undisturbed,
        all_columns=all_columns,
        sort=sort or "",
    )
    found = compare_runs(request, invocation.paths)
    if runs and not any(row.get("images_per_s") for row in found.table.rows):
        say("none of these runs has a time that counts: no ratios; tfpt-tui runs list shows how they are")
    drawn = draw(found) if charts or format_ == HTML else {}
    if charts:
        from tfpt_tui.results.presentation.charts import older_charts, save_charts

        written, older = save_charts(drawn, Path(charts)), older_charts(drawn, Path(charts))
        stays = f"; not of this comparison: {', '.join(older)}" if older else ""
        say(f"{charts}: {len(written)} pictures{stays}")
    if format_ == TEXT and not out:
        show_table(found.table)
    else:
        _deliver(write_out(found, format_, drawn), out)
    invocation.note_missing_frameworks()
    return _gate(condition, found, unknown or PASS) if condition else 0


def _gate(condition: Condition, found: Comparison, unknown: str) -> int:
    """Say how the comparison stands to the condition, and return the exit code."""
    judgement = judge_gate(condition, found.verdicts, found.request.baseline)
    fails = judgement.outcome == PROVEN or (judgement.outcome == UNKNOWN and unknown == FAIL)
    ending = f"{'failed' if fails else 'passed'}, as --unknown {unknown} says"
    said = {
        PROVEN: "is proven",
        DISPROVEN: "is disproven",
        UNKNOWN: f"can be neither proven nor disproven: {ending}",
    }
    say(f"{condition}: {said[judgement.outcome]}: {judgement.why}")
    return GATE_PROVEN if fails else 0


def _select(
    invocation: Invocation, wanted: Sequence[str], sweep: str | None, *, everything: bool
) -> list[RunDirectory]:
    """The runs that are meant, each once; conditions choose among those named, else among all."""
    conditions = [parse_condition(text) for text in wanted if is_condition(text)]
    runs: list[RunDirectory] = []
    for text in wanted:
        if not is_condition(text):
            found = find_run_or_sweep(text, invocation.paths)
            runs += [found] if isinstance(found, RunDirectory) else recorded(found)
    if sweep:
        runs += recorded(read_sweep(find_sweep(invocation.paths, sweep), invocation.paths))
    named = bool(runs or sweep)
    if conditions or (everything and not named):
        summaries = read_summaries(invocation.paths, tell_indexing)
        chosen = _directories(invocation, select(measured(summaries), conditions))
        those = set(chosen)
        runs = [run for run in runs if run in those] if named else chosen
    elif not named:
        runs = [run for one in latest_submission(invocation.paths) for run in recorded(one)]
    return list({run.id: run for run in runs}.values())


def _directories(invocation: Invocation, summaries: Sequence[RunResult]) -> list[RunDirectory]:
    """In the order in which they were made, so that the baseline is the oldest."""
    return [RunDirectory(invocation.paths.runs / summary.run) for summary in reversed(summaries)]


def _deliver(text: str, out: str | None) -> None:
    if out:
        write_comparison(Path(out), text)
        say(f"{out}: written")
    else:
        show(text)
