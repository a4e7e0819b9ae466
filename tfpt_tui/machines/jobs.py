"""What the schedulers have in common: a sweep for each job, which waits until the job begins, and its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.environments.interpreters import interpreter_of
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_sweeps
from tfpt_tui.runs.record.state import State, write_state
from tfpt_tui.runs.record.sweep import Sweep, read_sweep, record_plan, remove
from tfpt_tui.runs.supervision.finalize import finalize

SCHEMA = 1
JOB = "job.toml"
RECENT_SWEEPS = 50
ASK_EVERY_S = 5.0


@dataclass(frozen=True)
class Job:
    """``id`` is the scheduler's."""

    id: str = ""


class Scheduler(Protocol):
    """Whoever runs jobs: asked by the agent of its machine."""

    def watch(self) -> None:
        """Begin to ask how the jobs are, in a thread."""

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
        MissingError: no environment of that name, or the scheduler refuses a job; those before it go on.
    """
    interpreters = {run.place: interpreter_of(run.place[0], settings, run.place[1]) for run in plan.runs}
    sweeps: list[str] = []
    for part in parts_of(plan):
        sweep = record_plan(part, interpreters, paths, number)
        number += len(part.runs)
        try:
            _wait_for_a_job(sweep)
            write_toml(sweep.directory.path / JOB, {"schema": SCHEMA, **asdict(Job(submit(sweep)))})
        except OSError as error:
            remove(sweep)
            raise cannot("submit the job", sweep.directory.path, error) from None
        except TfptError:
            remove(sweep)
            raise
        sweeps.append(sweep.id)
    return sweeps


def parts_of(plan: Plan) -> list[Plan]:
    """What may run on different nodes: each repeat with all its rows; of a duel, or with a burn-in, the whole."""
    repeats = list(dict.fromkeys(run.repeat for run in plan.runs))
    if plan.duel or 0 in repeats:
        return [plan]
    return [replace(plan, runs=tuple(run for run in plan.runs if run.repeat == repeat)) for repeat in repeats]


def read_job(sweep: SweepDirectory) -> Job | None:
    """The job of a sweep, None where it has none."""
    try:
        return build(Job, read_record(sweep.path / JOB, SCHEMA))
    except (TfptError, DocumentError):
        return None


def recent_jobs(paths: Paths) -> dict[SweepDirectory, Job]:
    """The sweeps of jobs, newest first."""
    jobs = ((sweep, read_job(sweep)) for sweep in list_sweeps(paths)[:RECENT_SWEEPS])
    return {sweep: job for sweep, job in jobs if job}


def is_open(sweep: SweepDirectory, paths: Paths) -> bool:
    """Whether it has a job, and a run without a result."""
    if read_job(sweep) is None:
        return False
    return any(run.path.is_dir() and not run.result.exists() for run in runs_of(sweep, paths))


def is_unwanted(sweep: SweepDirectory, paths: Paths) -> bool:
    """Whether it is to stop, or every run that is left of it."""
    left = [run for run in runs_of(sweep, paths) if not run.result.exists()]
    return sweep.stop.exists() or (bool(left) and all(run.stop.exists() for run in left))


def settle_job(directory: SweepDirectory, status: str, reason: str, paths: Paths) -> None:
    """Give the runs a result that their job, which is over, could not."""
    for run in runs_of(directory, paths):
        if run.path.is_dir() and not run.result.exists():
            finalize(run, status, RunError("Lost", reason))


def runs_of(directory: SweepDirectory, paths: Paths) -> tuple[RunDirectory, ...]:
    """The runs of its plan; none where that is damaged: nothing of it can be settled."""
    try:
        return read_sweep(directory, paths).runs
    except TfptError:
        return ()


def keep_looking(look: Callable[[], None]) -> None:
    """Call it every few seconds in a thread, for as long as this process lives."""

    def go_on() -> None:
        while True:
            with suppress(TfptError, OSError):  # a full disk: the next look settles what this one could not
                look()
            time.sleep(ASK_EVERY_S)

    threading.Thread(target=go_on, name="jobs", daemon=True).start()


def _wait_for_a_job(sweep: Sweep) -> None:
    queued = State(job=True)
    write_state(sweep.directory.state, queued)
    for run, planned in zip(sweep.runs, sweep.plan.runs, strict=True):
        write_state(run.state, replace(queued, sweep=sweep.id, burn_in=planned.burn_in))
