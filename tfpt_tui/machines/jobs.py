"""What the schedulers have in common: a sweep for each job, which waits until the job begins, and its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.environments.interpreters import interpreter_of
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.directory import SweepDirectory, list_sweeps
from tfpt_tui.runs.record.state import State, write_state
from tfpt_tui.runs.record.sweep import Sweep, record_plan, remove, runs_of
from tfpt_tui.runs.supervision.finalize import finalize

SCHEMA = 1
JOB = "job.toml"
ID_TO_COME = " " * 64  # as much room as one takes
RECENT_SWEEPS = 50
ASK_EVERY_S = 5.0


class Scheduler(Protocol):
    """Whoever runs jobs: asked by the agent of its machine."""

    def look(self) -> None:
        """Ask how the jobs are, and settle what those left undone that are over."""

    def holds(self, sweep: SweepDirectory) -> bool:
        """Whether the sweep's job waits or runs, or will once more; one of which nothing is known yet may."""

    def stop(self, sweep: SweepDirectory) -> None:
        """Note that somebody wants its job to end, which may wait where nobody reads the request."""


def submit_parts(
    plan: Plan, settings: UserSettings, paths: Paths, number: int, submit: Callable[[Sweep], str]
) -> list[str]:
    """Record each part of the plan as a sweep, and submit it; returns the IDs of the sweeps.

    ``submit`` gives the scheduler's ID of the job.

    Raises:
        MissingError: no environment of that name, or the scheduler refuses a job; those before it go on, which the
            line says.
    """
    interpreters = {run.place: interpreter_of(run.place[0], settings, run.place[1]) for run in plan.runs}
    sweeps: list[str] = []
    parts = parts_of(plan)
    for part in parts:
        sweep = record_plan(part, interpreters, paths, number)
        number += len(part.runs)
        try:
            write_states(sweep, State(job=True))
            # First without: where there is no room for it, nothing may be submitted.
            write_toml(sweep.directory.path / JOB, {"schema": SCHEMA, "id": ID_TO_COME})
            write_toml(sweep.directory.path / JOB, {"schema": SCHEMA, "id": submit(sweep)})
        except (OSError, TfptError) as problem:
            remove(sweep)
            error = problem if isinstance(problem, TfptError) else cannot("submit the job", paths.sweeps, problem)
            if not sweeps:
                raise error from None
            before = f"{len(sweeps)} of its {len(parts)} jobs were submitted before, and go on: {' '.join(sweeps)}"
            raise type(error)(f"{error}; {before}") from None
        sweeps.append(sweep.id)
    return sweeps


def parts_of(plan: Plan) -> list[Plan]:
    """What may run on different nodes: each repeat with all its rows; of a duel, or with a burn-in, the whole."""
    repeats = list(dict.fromkeys(run.repeat for run in plan.runs))
    if plan.duel or 0 in repeats:
        return [plan]
    return [replace(plan, runs=tuple(run for run in plan.runs if run.repeat == repeat)) for repeat in repeats]


def read_job(sweep: SweepDirectory) -> str:
    """The scheduler's ID of a sweep's job, "" where it has none."""
    try:
        return str(read_record(sweep.path / JOB, SCHEMA).get("id", "")).strip()
    except TfptError:
        return ""


def jobs_of(wanted: Iterable[SweepDirectory], paths: Paths) -> dict[SweepDirectory, str]:
    """The jobs of these sweeps and of the newest ones."""
    jobs = {sweep: read_job(sweep) for sweep in (*list_sweeps(paths)[:RECENT_SWEEPS], *wanted)}
    return {sweep: job for sweep, job in jobs.items() if job}


def is_open(sweep: SweepDirectory, paths: Paths) -> bool:
    """Whether it has a job, and a run without a result."""
    if not read_job(sweep):
        return False
    return any(run.path.is_dir() and not run.result.exists() for run in runs_of(sweep, paths))


def is_unwanted(sweep: SweepDirectory, paths: Paths) -> bool:
    """Whether it is to stop, or every run that is left of it."""
    left = [run for run in runs_of(sweep, paths) if not run.result.exists()]
    return sweep.stop.exists() or (bool(left) and all(run.stop.exists() for run in left))


def settle_job(directory: SweepDirectory, status: str, reason: str, paths: Paths) -> None:
    """Give the runs a result that their job, which is over, could not; on a full disk the next look does it."""
    for run in runs_of(directory, paths):
        if run.path.is_dir() and not run.result.exists():
            with suppress(OSError):
                finalize(run, status, RunError("Lost", reason))


def keep_looking(look: Callable[[], None]) -> None:
    """Call it every few seconds in a thread, for as long as this process lives."""

    def go_on() -> None:
        while True:
            with suppress(TfptError):  # the directory of sweeps cannot be read: the next look may do better
                look()
            time.sleep(ASK_EVERY_S)

    threading.Thread(target=go_on, name="jobs", daemon=True).start()


def write_states(sweep: Sweep, state: State) -> None:
    """Give the sweep this state, and those of its runs that have no result."""
    write_state(sweep.directory.state, state)
    for run, planned in zip(sweep.runs, sweep.plan.runs, strict=True):
        if not run.result.exists():
            write_state(run.state, replace(state, sweep=sweep.id, burn_in=planned.burn_in))
