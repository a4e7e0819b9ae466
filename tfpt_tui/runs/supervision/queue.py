"""What a plan that is started now has to wait for: only one trains on a machine at a time."""

from __future__ import annotations

from tfpt_tui.config.paths import Paths
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, list_runs, list_sweeps
from tfpt_tui.runs.record.lock import holder
from tfpt_tui.runs.record.state import machine_of, owner_of, status_of
from tfpt_tui.runs.record.sweep import left_of, read_sweep

# An older one that is alive waits behind more plans than anybody makes.
RECENT_SWEEPS = 20
RECENT_RUNS = 200


def alive_here(paths: Paths) -> list[RunDirectory]:
    """The runs that are alive on this machine; another one with which it shares the directory has its own."""
    alive = [run for run in list_runs(paths)[:RECENT_RUNS] if status_of(run) in ALIVE]
    owners = [(run, owner_of(run.state)) for run in alive if not machine_of(run)]
    return [run for run, owner in owners if owner is None or owner.is_ours_to_see]


def waits_for(paths: Paths) -> str:
    """Such as ``3 runs of sweep 20261122-165501-demo-3f9a``, "" where it starts at once."""
    left = {sweep: runs for sweep in list_sweeps(paths)[:RECENT_SWEEPS] if (runs := _runs_left(sweep, paths))}
    if not left:
        return holder()
    runs = sum(left.values())
    sweeps = f"sweep {next(iter(left)).id}" if len(left) == 1 else f"{len(left)} sweeps"
    return f"{runs} run{'' if runs == 1 else 's'} of {sweeps}"


def describe_start(runs: int, waits: str) -> str:
    """What has become of so many runs that were handed over, with what they wait for."""
    counted = f"{runs:,} run{'' if runs == 1 else 's'}"
    return f"{counted} {'waits' if runs == 1 else 'wait'} for {waits}" if waits else f"{counted} under way"


def _runs_left(sweep: SweepDirectory, paths: Paths) -> int:
    owner = owner_of(sweep.state)
    if not owner or not owner.is_ours_to_see:
        return 0
    try:
        return len(left_of(read_sweep(sweep, paths)))
    except TfptError:
        return 0  # a broken plan runs nothing
