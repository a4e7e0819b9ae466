"""Stay with a plan that was started: in the app on a terminal, else in plain text, to its result."""

from __future__ import annotations

from tfpt_tui.cli.follow import follow
from tfpt_tui.cli.invocation import Invocation, on_terminal, say, show
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.events import ALIVE
from tfpt_tui.results.comparison import compare
from tfpt_tui.results.report import report_run
from tfpt_tui.results.result import read_result
from tfpt_tui.results.table import as_text
from tfpt_tui.runs.state import status_of
from tfpt_tui.runs.sweep import Sweep

INTERRUPTED = 130
EXIT_CODES = {error.__name__: error.exit_code for error in (MissingError, UsageError)}


def attend(sweep: Sweep, invocation: Invocation, headless: bool) -> int:
    """Show the plan until it is over, then its comparison or result; returns the exit code."""
    if headless or not on_terminal():
        interrupted = follow(sweep)
    else:
        invocation.open_ui()
        interrupted = False
        if any(status_of(run) in ALIVE for run in sweep.runs):
            say(f"the runs go on; see them again with: tfpt-tui, or: tfpt-tui runs tail {sweep.id}")
            return 0
    show(report(sweep))
    return INTERRUPTED if interrupted else exit_code(sweep)


def report(sweep: Sweep) -> str:
    """The result of a single run, the comparison of several."""
    results = [read_result(run) for run in sweep.runs]
    return report_run(results[0]) if len(results) == 1 else as_text(compare(results))


def exit_code(sweep: Sweep) -> int:
    """0 when every run completed, else the code of what went wrong first."""
    for result in map(read_result, sweep.runs):
        if result["status"] != "completed":
            return EXIT_CODES.get(result.get("error", {}).get("type", ""), 1)
    return 0
