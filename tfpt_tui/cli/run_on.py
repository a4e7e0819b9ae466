"""``tfpt-tui run --on``: begin a plan on other machines, and stay with what they record."""

from __future__ import annotations

from collections.abc import Sequence

from tfpt_tui.cli.follow import follow_together
from tfpt_tui.cli.forecast import short_trainings
from tfpt_tui.cli.invocation import Invocation, on_terminal, say, show, table_text
from tfpt_tui.cli.wait_for_sweep import exit_code, leave, wait_for_sweep
from tfpt_tui.config.machines import Machine
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import HERE
from tfpt_tui.errors import INTERRUPTED
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs, recorded
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.sweep import Sweep, left_of, note_latest, read_sweep


def run_on_machines(
    plan: Plan, machines: Sequence[Machine], provide: str, invocation: Invocation, *, detach: bool, headless: bool
) -> int:
    """Begin the plan on each of these machines, and show it until it is over everywhere; returns the exit code.

    Raises:
        TfptError: as :func:`tfpt_tui.machines.submission.begin` says, or nothing is heard of what was begun.
    """
    from tfpt_tui.machines.datasets import digest_of
    from tfpt_tui.machines.follower import await_copy, following
    from tfpt_tui.machines.submission import begin

    paths = invocation.paths
    if all(digest_of(run.config.data) for run in plan.runs):  # else only the machines know how large it is
        for note in short_trainings(plan):
            say(f"warning: {note}")
    begun = begin(plan, machines, provide, invocation.settings, paths, say)
    with following(machines, paths):
        sweeps = [
            (machine.name, await_copy(SweepDirectory(paths.sweeps / name), paths, _is_there))
            for machine, names in begun
            for name in names
        ]
        note_latest(sweeps[0][1], paths)
        for name, sweep in sweeps:
            where = "" if name == HERE else f" on {name}"
            say(
                f"sweep {sweep.id} of {len(sweep.runs)} runs{where}; follow it with: tfpt-tui runs tail {sweep.id}"
            )
        if detach:
            show("".join(f"{run.id}\n" for _, sweep in sweeps for run in sweep.runs))
            return 0
        if len(sweeps) == 1:
            return wait_for_sweep(sweeps[0][1], invocation, headless)
        return _wait_for_all(sweeps, invocation, headless)


def _wait_for_all(sweeps: Sequence[tuple[str, Sweep]], invocation: Invocation, headless: bool) -> int:
    interrupted = False
    if headless or not on_terminal():
        interrupted = follow_together(sweeps)
        while not interrupted and (begun := _begun_again(sweeps, invocation.paths)):
            interrupted = follow_together(begun)
            latest = {sweep.id: sweep for _, sweep in begun}
            sweeps = [(name, latest.get(sweep.id, sweep)) for name, sweep in sweeps]
    else:
        code, begun_there = invocation.open_ui(), [sweep for _, sweep in sweeps]
        if any(map(left_of, begun_there)):
            return leave(begun_there, code, "tfpt-tui")
    runs = tuple(run for _, sweep in sweeps for run in recorded(sweep))
    show(table_text(compare_runs(ComparisonRequest(runs, across=True), invocation.paths).table))
    return INTERRUPTED if interrupted else max(exit_code(sweep) for _, sweep in sweeps)


def _begun_again(sweeps: Sequence[tuple[str, Sweep]], paths: Paths) -> list[tuple[str, Sweep]]:
    """Those whose job has planned other runs since in the place of those that it lost, as they are now."""
    now = [(name, read_sweep(sweep.directory, paths)) for name, sweep in sweeps]
    return [one for one, (_, before) in zip(now, sweeps, strict=True) if one[1].runs != before.runs]


def _is_there(sweep: Sweep) -> bool:
    return all(run.config.exists() for run in sweep.runs)
