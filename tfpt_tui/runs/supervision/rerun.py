"""Recorded configurations once more, as sweeps of their own; the arms of a duel take turns again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import load_preset
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.plan.duel import MOST_RESTARTS
from tfpt_tui.runs.plan.plan import Plan, PlannedRun, make_plan
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.state import machine_of, read_state
from tfpt_tui.runs.record.sweep import Sweep, SweepRun, read_config, read_sweep


@dataclass(frozen=True)
class Rerun:
    """A plan, and the recorded runs whose configurations it has, in its order. ``machine`` is another one's name,
    which ran them.
    """

    plan: Plan
    runs: tuple[RunDirectory, ...]
    machine: str = ""


def reruns_of(runs: Sequence[RunDirectory], paths: Paths) -> list[Rerun]:
    """The plans that run these once more: one for each duel among them, and one of each machine for all others.

    An arm of a duel brings the other arms of its restart: the figures of one are of turns with the others. What
    only warmed the machine up is left out, unless there is nothing else.

    Raises:
        UsageError: the configuration of a run is broken, or refused by now.
        MissingError: it cannot be read.
    """
    duels: dict[str, tuple[Sweep, set[int]]] = {}
    alone: dict[str, list[RunDirectory]] = {}
    for run in [run for run in runs if not read_state(run.state).burn_in] or runs:
        sweep = _duel_of(run, paths)
        if sweep:
            chosen = {entry.repeat for entry in sweep.plan.runs if entry.run == run.id}
            duels.setdefault(sweep.id, (sweep, set()))[1].update(chosen)
        else:
            alone.setdefault(machine_of(run), []).append(run)
    return [
        *(_duel_again(sweep, sorted(restarts)) for sweep, restarts in duels.values()),
        *(_rows_again(those, machine, paths) for machine, those in alone.items()),
    ]


def _sweep_of(run: RunDirectory, paths: Paths) -> Sweep | None:
    """The sweep of a run, None where it has none, or that of another machine, or a damaged one."""
    name = read_state(run.state).sweep
    try:
        return read_sweep(SweepDirectory(paths.sweeps / name), paths) if name else None
    except TfptError:
        return None  # the configuration of the run is all there is


def _duel_of(run: RunDirectory, paths: Paths) -> Sweep | None:
    """The sweep of a run that took turns with others which are all still there, None where it did not."""
    sweep = _sweep_of(run, paths)
    if not sweep or not sweep.plan.duel:
        return None
    own = next((entry for entry in sweep.plan.runs if entry.run == run.id and not entry.burn_in), None)
    return sweep if own and all(one.config.exists() for one, _ in _arms(sweep, own.repeat)) else None


def _arms(sweep: Sweep, repeat: int) -> list[tuple[RunDirectory, SweepRun]]:
    planned = zip(sweep.runs, sweep.plan.runs, strict=True)
    return [(run, entry) for run, entry in planned if entry.repeat == repeat and not entry.burn_in]


def _duel_again(sweep: Sweep, restarts: Sequence[int]) -> Rerun:
    """Those restarts; of a duel that ends with its answer as many as that may take."""
    plan = sweep.plan
    if plan.duel and plan.duel.ends_early:
        restarts = list(islice(cycle(restarts), MOST_RESTARTS))
    again = [
        (run, PlannedRun(read_config(run), entry.row, number))
        for number, repeat in enumerate(restarts, start=1)
        for run, entry in _arms(sweep, repeat)
    ]
    runs = tuple(planned for _, planned in again)
    own = Plan(plan.preset, plan.title, runs, plan.cooldown_s, plan.duel)
    return Rerun(own, tuple(run for run, _ in again), machine_of(sweep.directory))


def _rows_again(runs: Sequence[RunDirectory], machine: str, paths: Paths) -> Rerun:
    """With the pauses that were between them."""
    presets = [load_preset(run.config) for run in runs]
    preset = dataclasses.replace(presets[0], rows=tuple(preset.rows[0] for preset in presets))
    sweep = _sweep_of(runs[0], paths)
    return Rerun(make_plan(preset, cooldown_s=sweep.plan.cooldown_s if sweep else None), tuple(runs), machine)
