"""Run once more what was run, or go on with a plan, on the machine where it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tfpt_tui.config.machines import SSH, find_machine, find_machines
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import UsageError
from tfpt_tui.events import ALIVE
from tfpt_tui.machines.connection import connected
from tfpt_tui.machines.follower import await_copy, fetch, following
from tfpt_tui.machines.mirror import OVER, Mirror
from tfpt_tui.machines.submission import begin
from tfpt_tui.machines.wire import Request, Submitted
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.state import machine_of, read_state, status_of
from tfpt_tui.runs.record.sweep import Sweep, read_sweep
from tfpt_tui.runs.supervision.queue import describe_start, waits_for
from tfpt_tui.runs.supervision.rerun import reruns_of
from tfpt_tui.runs.supervision.resume import Rest, rest_of, resume
from tfpt_tui.runs.supervision.submit import submit


def run_again(runs: Sequence[RunDirectory], settings: UserSettings, paths: Paths) -> str:
    """Submit these runs once more, each on its machine; returns what has become of them, in words.

    Raises:
        TfptError: as :func:`reruns_of`, :func:`submit` and :func:`begin` say; plans before it were submitted.
    """
    waits, started = waits_for(paths), Counter[str]()
    for again in reruns_of(runs, paths):
        if again.machine:
            begin(again.plan, find_machines(again.machine, settings.machines), "", settings, paths, _no_news)
        else:
            submit(again.plan, settings, paths)
        started[again.machine] += len(again.plan.runs)
    return "; ".join(
        f"{describe_start(count, '')} on {machine}" if machine else describe_start(count, waits)
        for machine, count in started.items()
    )


def _no_news(line: str) -> None:
    """The datasets are there already: nothing needs to be said about them."""


def left_of(directory: SweepDirectory, settings: UserSettings, paths: Paths) -> Rest:
    """What is left of a sweep, and can be run.

    Raises:
        UsageError: it is being run, nothing of it is left, or it was a job of a cluster.
        MissingError: nothing is set for its machine.
    """
    rest = rest_of(read_sweep(directory, paths))
    state = read_state(directory.state)
    if not state.machine:
        return rest
    if state.status != OVER:
        raise UsageError(
            f"{directory.id}: is being run on {state.machine}; follow it with: tfpt-tui runs tail {directory.id}"
        )
    if find_machine(state.machine, settings.machines).kind != SSH:
        raise UsageError(
            f"{directory.id}: its job on {state.machine} is over; another one runs what did not complete:"
            f" tfpt-tui runs rerun --failed {directory.id}"
        )
    return rest


def go_on(directory: SweepDirectory, settings: UserSettings, paths: Paths) -> tuple[Sweep, Rest]:
    """Go on with a sweep where it was; returns it, and what was left.

    Raises:
        TfptError: as :func:`resume` and :func:`left_of` say, or its machine cannot be reached.
    """
    name = machine_of(directory)
    if not name:
        return resume(directory, paths, settings)
    machine = find_machine(name, settings.machines)
    fetch(machine, paths)
    rest = left_of(directory, settings, paths)
    begun = [run for run in rest.pending if run.events.exists()]
    with connected(machine, Request("resume", sweep=directory.id)) as connection:
        connection.hear_one(Submitted)
    Mirror(machine.name, paths).expect(directory.id)

    def goes_on(sweep: Sweep) -> bool:
        """Others have taken the place of the runs that had begun, and all of it is queued or over."""
        runs = [run for run in sweep.runs if run not in rest.deleted]
        return all(run not in begun and (run.events.exists() or status_of(run) in ALIVE) for run in runs)

    with following([machine], paths):
        return await_copy(directory, paths, goes_on), rest
