"""Stay with a plan that was started: in the app on a terminal, else in plain text, to its result."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from tfpt_tui.cli.follow import follow
from tfpt_tui.cli.invocation import Invocation, on_terminal, say, show, table_text, text_width
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import find_preset, preset_files
from tfpt_tui.errors import INTERRUPTED, MissingError, TfptError, UsageError
from tfpt_tui.results.comparison.published import has_printed_numbers
from tfpt_tui.results.presentation.run_report import report_run
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs, recorded
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.plan.duel import DUEL_ENDED
from tfpt_tui.runs.record.state import RESUMABLE, machine_of, status_of
from tfpt_tui.runs.record.sweep import Sweep, left_of, read_sweep
from tfpt_tui.runs.supervision.queue import alive_here
from tfpt_tui.runs.tasks.preparation import list_preparations

EXIT_CODES = {error.__name__: error.exit_code for error in (MissingError, UsageError)}


def wait_for_sweep(
    sweep: Sweep, invocation: Invocation, headless: bool, seconds: Sequence[float | None] = ()
) -> int:
    """Show the plan until it is over, then its comparison or result; returns the exit code.

    ``seconds`` is how long each run is expected to take, as far as that is known.
    """
    if headless or not on_terminal():
        sweep, interrupted = follow_attempts(sweep, invocation.paths, seconds)
    else:
        code, interrupted = invocation.open_ui(), False
        if left_of(sweep):
            return leave([sweep], code, f"tfpt-tui, or: tfpt-tui runs tail {sweep.id}")
    show(report(sweep, invocation.paths))
    elsewhere = machine_of(sweep.directory)
    if not elsewhere and any(status_of(run) in RESUMABLE for run in sweep.runs if run.path.is_dir()):
        say(f"resume what did not complete: tfpt-tui runs resume {sweep.id}")
    return INTERRUPTED if interrupted else exit_code(sweep)


def leave(sweeps: Sequence[Sweep], code: int, how_to_follow: str) -> int:
    """Say whether the runs that are left go on without the app, which was left with ``code``; the exit code."""
    left = [(run, sweep) for sweep in sweeps for run in left_of(sweep)]
    if all(run.stop.exists() or sweep.directory.stop.exists() for run, sweep in left):
        say("stopping the runs")
        return INTERRUPTED
    say(f"the runs continue; follow them with: {how_to_follow}")
    return code


def follow_attempts(sweep: Sweep, paths: Paths, seconds: Sequence[float | None] = ()) -> tuple[Sweep, bool]:
    """Follow a sweep to its end; the sweep as it is then, and whether Ctrl-C stopped it.

    A job of a cluster that begins again has planned other runs in the place of those that it lost.
    """
    interrupted = follow(sweep, seconds)
    while not interrupted and (now := read_sweep(sweep.directory, paths)).runs != sweep.runs:
        sweep, interrupted = now, follow(now)
    return sweep, interrupted


def tell_what_goes_on(paths: Paths) -> None:
    """What whoever leaves the app leaves behind at work on this machine."""
    runs = [run for run in alive_here(paths) if not run.stop.exists()]
    if runs:
        subject = f"{runs[0].id} continues" if len(runs) == 1 else f"{len(runs)} runs continue"
        say(f"{subject}; follow with: tfpt-tui")
    for preparation in list_preparations(paths):
        if preparation.status == "running":
            say(f"{preparation.request.out}: is still being prepared; follow with: tfpt-tui")


def report(sweep: Sweep, paths: Paths) -> str:
    """The result of a single run, the comparison of several, and what was printed where there is a printed table.

    The burn-in of a plan is not among them.
    """
    runs = tuple(recorded(sweep))
    results = [read_result(run) for run in runs]
    # Whoever waited for it is shown it: should a package have been updated meanwhile, the notes say so.
    request = ComparisonRequest(runs, across=True)
    if len(results) == 1:
        text = report_run(results[0], text_width())
    else:
        text = table_text(compare_runs(request, paths, results).table)
    name = sweep.plan.preset
    preset = None
    with suppress(TfptError):  # it may have been changed since, and is no reason to show nothing
        preset = find_preset(name, paths) if name in preset_files(paths) else None
    if preset and has_printed_numbers(preset):
        text += "\n" + table_text(compare_runs(replace(request, published=name), paths, results).table)
    return text


def exit_code(sweep: Sweep) -> int:
    """0 when every run completed, else the code of what went wrong first, not of arms that only ended with it."""
    results = [read_result(run) for run in sweep.runs if run.path.is_dir()]
    errors = [result.error.type if result.error else "" for result in results if not result.completed]
    errors.sort(key=lambda error: error == DUEL_ENDED)
    return EXIT_CODES.get(errors[0], 1) if errors else 0
