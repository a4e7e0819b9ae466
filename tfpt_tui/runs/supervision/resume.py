"""Go on with a sweep that was interrupted: only what did not complete is run, each in a record of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import UsageError, cannot
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, make_directory
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import machine_of, owner_of, state_of, status_of, write_state
from tfpt_tui.runs.record.sweep import Sweep, SweepRun, read_config, read_sweep, store_plan
from tfpt_tui.runs.supervision.submit import Interpreters, check_machine, hand_over


@dataclass(frozen=True)
class Rest:
    """What is left of a sweep: runs to be made, those that completed, and those that were deleted since."""

    pending: tuple[RunDirectory, ...]
    completed: tuple[RunDirectory, ...]
    deleted: tuple[RunDirectory, ...]


def rest_of(sweep: Sweep) -> Rest:
    """Sort the runs of a sweep by what is to be done with them.

    Raises:
        UsageError: the sweep is still being run, or nothing of it is left.
    """
    _check_idle(sweep)
    rest = _sorted(sweep, together=sweep.plan.duel is not None)
    if not rest.pending:
        raise UsageError(
            f"{sweep.id}: nothing is left to run: {len(rest.completed)} of {len(sweep.runs)} runs completed"
        )
    return rest


def _sorted(sweep: Sweep, together: bool) -> Rest:
    deleted = tuple(run for run in sweep.runs if not run.config.exists())
    kept = [run for run in sweep.runs if run not in deleted]
    completed = tuple(
        run
        for run in kept
        if status_of(run) == "completed" and not (together and _is_paired_again(run, kept, sweep))
    )
    return Rest(tuple(run for run in kept if run not in completed), completed, deleted)


def _is_paired_again(run: RunDirectory, kept: Sequence[RunDirectory], sweep: Sweep) -> bool:
    """Whether another row of its repeat did not complete, or another arm of its restart of a duel."""
    repeats = {entry.run: entry.repeat for entry in sweep.plan.runs}
    return any(repeats[other.id] == repeats[run.id] and status_of(other) != "completed" for other in kept)


def resume(directory: SweepDirectory, paths: Paths, settings: UserSettings) -> tuple[Sweep, Rest]:
    """Check the machine anew, and hand what is left of the sweep to a new supervisor; returns what was left.

    A run that had begun gets a new directory, which takes its place in the plan: the old one stays as the record
    of what happened. One that had not begun is used as it is.

    Raises:
        UsageError: a configuration is refused by now, nothing is left, or another process goes on with the sweep.
        MissingError: a dataset, a framework or a device is not there any more, or nothing can be written.
    """
    if machine := machine_of(directory):
        raise UsageError(f"{directory.id}: is of the machine {machine}, which alone can go on with it")
    with claimed(directory.path, "the sweep", "going on with it"):
        sweep = read_sweep(directory, paths)  # now that nobody else can change it
        rest = rest_of(sweep)
        interpreters = check_machine([read_config(run) for run in rest.pending], settings)
        resumed = _plan_anew(sweep, rest, paths, interpreters)
        directory.stop.unlink(missing_ok=True)
        hand_over(resumed, paths)
    return resumed, rest


def _check_idle(sweep: Sweep) -> None:
    if owner_of(sweep.directory.state):
        raise UsageError(f"{sweep.id}: is being run; follow it with: tfpt-tui runs tail {sweep.id}")


def plan_again(sweep: Sweep, paths: Paths, together: bool) -> None:
    """Plan what is left of a sweep whose supervisor is certainly gone, with the interpreters that it had.

    ``together`` runs all rows of a repeat again of which one is left, as arms of a duel always are.

    Raises:
        MissingError: it cannot be written.
    """
    had = {(one.framework, read_config(run).environment): one.interpreter for run, one in _planned(sweep)}
    _plan_anew(sweep, _sorted(sweep, together or sweep.plan.duel is not None), paths, had)


def _planned(sweep: Sweep) -> list[tuple[RunDirectory, SweepRun]]:
    """The runs whose configuration is there, each with what the plan says of it."""
    return [(run, one) for run, one in zip(sweep.runs, sweep.plan.runs, strict=True) if run.config.exists()]


def _plan_anew(sweep: Sweep, rest: Rest, paths: Paths, interpreters: Interpreters) -> Sweep:
    configs = {run.id: read_config(run) for run in rest.pending}
    now = datetime.now()
    entries: list[SweepRun] = []
    made: list[RunDirectory] = []
    try:
        for run, entry in zip(sweep.runs, sweep.plan.runs, strict=True):
            if run.id in configs:
                config = configs[run.id]
                fresh = _fresh(run, config.framework, sweep.id, paths, now)
                made += [fresh] if fresh != run else []
                entry = replace(
                    entry,
                    run=fresh.id,
                    interpreter=interpreters[config.framework, config.environment],
                    state="queued",
                    replaces=(*entry.replaces, run.id) if fresh != run else entry.replaces,
                )
            entries.append(entry)
        plan = replace(sweep.plan, runs=tuple(entries))
        store_plan(sweep.directory, plan)
    except BaseException as error:
        for run in made:
            shutil.rmtree(run.path, ignore_errors=True)
        if isinstance(error, OSError):
            raise cannot("resume the sweep", sweep.directory.path, error) from None
        raise
    return Sweep(sweep.directory, tuple(RunDirectory(paths.runs / entry.run) for entry in entries), plan)


def _fresh(run: RunDirectory, framework: str, sweep: str, paths: Paths, now: datetime) -> RunDirectory:
    """The run itself where no worker has told anything yet, else a new one with the same configuration."""
    if not run.events.exists():
        for leftover in (run.result, run.state, run.stop):
            leftover.unlink(missing_ok=True)
        return run
    fresh = RunDirectory(make_directory(paths.runs, framework, now))
    write_state(fresh.state, replace(state_of(identify(os.getpid())), sweep=sweep))
    shutil.copyfile(run.config, fresh.config)
    return fresh
