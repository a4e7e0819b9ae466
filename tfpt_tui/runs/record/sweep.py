"""``sweeps/ID/plan.toml``: every run of a plan in the order to be run."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.events import ALIVE
from tfpt_tui.files import TEMPORARY, open_regular, write_atomically
from tfpt_tui.hardware.machine_snapshot import ENVIRONMENT_SCHEMA, MachineSnapshot, snapshot_from
from tfpt_tui.runs.plan.duel import Duel
from tfpt_tui.runs.record.directory import (
    RUN_ID,
    RunDirectory,
    SweepDirectory,
    by_age,
    find_run,
    find_sweep,
    first_number,
    list_runs,
    list_sweeps,
    make_directory,
)
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.state import machine_of, owner_of, read_state, state_of, status_of, write_state

if TYPE_CHECKING:
    from tfpt_tui.runs.plan.plan import Place, Plan, PlannedRun

SCHEMA = 1
RECENT_SWEEPS = 100  # among which those that one command began are looked for
LATEST = ".latest"  # among the sweeps: the ID of the one that was recorded last


@dataclass(frozen=True)
class PresetOrigin:
    name: str = ""


@dataclass(frozen=True)
class ConfigDocument:
    """``config.toml``: a preset with one row, whose settings the schema checks."""

    preset: PresetOrigin = PresetOrigin()
    rows: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True)
class SweepRun:
    """A run of a sweep: the Python of its worker, its row and repeat in the plan, and what became of it.

    ``replaces`` are the runs in whose place it was made, when the sweep was resumed.
    """

    run: str
    framework: str = ""
    interpreter: str = ""
    row: int = 0
    repeat: int = 0
    burn_in: bool = False
    state: str = "queued"
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class SweepPlan:
    """``plan.toml``; field names are those of the file. ``submission`` is that of its :class:`Plan`."""

    sweep: str = ""
    preset: str = ""
    title: str = ""
    created: datetime | None = None
    cooldown_s: float = 0.0
    duel: Duel | None = None
    submission: str = ""
    runs: tuple[SweepRun, ...] = ()


@dataclass(frozen=True)
class Sweep:
    """A plan on disk; ``runs`` are the directories of those of the plan, in its order."""

    directory: SweepDirectory
    runs: tuple[RunDirectory, ...]
    plan: SweepPlan

    @property
    def id(self) -> str:
        return self.directory.id


def record_plan(plan: Plan, interpreters: Mapping[Place, str], paths: Paths, number: int | None = None) -> Sweep:
    """Write the plan and the configuration of every run, before the first one starts.

    ``interpreters`` are the Pythons that run the workers. The IDs of the runs count on from ``number``, by default
    a random one.

    Raises:
        MissingError: the directories cannot be written; nothing is left of the plan then.
    """
    now = datetime.now()
    directory = SweepDirectory(make_directory(paths.sweeps, _label(plan.preset), now))
    # Until a supervisor takes over, they are this process's: should it be killed, others know what they see.
    owner = state_of(identify(os.getpid()))
    runs: list[RunDirectory] = []
    try:
        write_state(directory.state, owner)
        first = first_number(len(plan.runs)) if number is None else number
        for place, planned in enumerate(plan.runs, start=first):
            runs.append(RunDirectory(make_directory(paths.runs, planned.config.framework, now, place)))
            write_state(runs[-1].state, replace(owner, sweep=directory.id, burn_in=planned.burn_in))
            write_toml(runs[-1].config, _config_document(plan, planned))
        recorded = _planned(plan, interpreters, directory, runs, now)
        store_plan(directory, recorded)
    except BaseException as error:
        remove(Sweep(directory, tuple(runs), SweepPlan()))
        if isinstance(error, OSError):
            raise cannot("record a run", paths.runs, error) from None
        raise
    return Sweep(directory, tuple(runs), recorded)


def remove_abandoned(paths: Paths) -> None:
    """Remove what submissions left that were killed before their plan was whole: nothing of it could ever run."""
    unplanned = [sweep for sweep in list_sweeps(paths) if _is_abandoned(sweep)]
    names = {sweep.id for sweep in unplanned}
    for run in list_runs(paths) if unplanned else ():
        if read_state(run.state).sweep in names and not run.events.exists() and not run.result.exists():
            shutil.rmtree(run.path, ignore_errors=True)
    for sweep in unplanned:
        shutil.rmtree(sweep.path, ignore_errors=True)


def _is_abandoned(sweep: SweepDirectory) -> bool:
    """Whether it holds only the state of a process that is gone.

    One without a state is about to be filled, or the user's own.
    """
    if machine_of(sweep) or read_state(sweep.state).supervisor is None or owner_of(sweep.state):
        return False
    names = {entry.name for entry in sweep.path.iterdir()}
    return all(name == sweep.state.name or TEMPORARY.fullmatch(name) for name in names)


def read_sweep(directory: SweepDirectory, paths: Paths) -> Sweep:
    """Read a sweep.

    Raises:
        MissingError: there is no plan.
        UsageError: the plan is broken.
    """
    document = read_record(directory.plan, SCHEMA)
    try:
        if "runs" not in document:
            raise DocumentError("runs is missing")
        plan = build(SweepPlan, document)
        runs = tuple(RunDirectory(paths.runs / run.run) for run in plan.runs)
        for run in runs:
            if not RUN_ID.fullmatch(run.id) or run.path.parent != paths.runs or run.path.is_symlink():
                raise DocumentError(f"{run.path} is no directory of a run")
    except DocumentError as error:
        raise UsageError(f"{directory.plan}: not a plan of tfpt-tui: {error}") from None
    return Sweep(directory, runs, plan)


def left_of(sweep: Sweep) -> list[RunDirectory]:
    """The runs that are not over; one that was deleted is."""
    return [run for run in sweep.runs if run.path.is_dir() and status_of(run) in ALIVE]


def runs_of(directory: SweepDirectory, paths: Paths) -> tuple[RunDirectory, ...]:
    """The runs of its plan; none where that is damaged or gone."""
    try:
        return read_sweep(directory, paths).runs
    except TfptError:
        return ()


def find_run_or_sweep(prefix: str, paths: Paths) -> RunDirectory | Sweep:
    """The run whose ID begins so, else the sweep.

    Raises:
        UsageError: none does, or several do, or the plan of the sweep is broken.
    """
    try:
        return find_run(paths, prefix)
    except UsageError as error:
        try:
            directory = find_sweep(paths, prefix)
        except UsageError:
            raise error from None
        return read_sweep(directory, paths)


def store_plan(directory: SweepDirectory, plan: SweepPlan) -> None:
    """Write plan.toml. Raises OSError where the disk is full or read-only."""
    document = dataclasses.asdict(plan)
    for run in document["runs"]:
        run |= {"replaces": run["replaces"] or None}
    document |= {"submission": plan.submission or None}
    write_toml(directory.plan, {"schema": SCHEMA, **document})


def measured_runs(sweep: Sweep) -> tuple[RunDirectory, ...]:
    """The runs of a sweep that count: those that only warmed the machine up are left out."""
    planned = zip(sweep.runs, sweep.plan.runs, strict=True)
    return tuple(run for run, entry in planned if not entry.burn_in)


def interpreter_for(sweep: Sweep, run: RunDirectory) -> str:
    """The Python that the plan chose for the worker of a run."""
    return next(entry.interpreter for entry in sweep.plan.runs if entry.run == run.id)


def check_over(runs: Iterable[RunDirectory], paths: Paths, machines: Collection[str]) -> None:
    """See to it that these runs can be deleted. From a machine that is not among ``machines`` nothing comes again.

    Raises:
        UsageError: one is alive, or it is of a plan that goes on elsewhere: its machine would send it again.
    """
    for run in runs:
        state = read_state(run.state)
        if state.machine and state.machine not in machines:
            continue
        if status_of(run) in ALIVE:
            raise UsageError(f"{run.id}: is {status_of(run)}; stop it first: tfpt-tui runs stop {run.id}")
        if state.machine and _goes_on(state.sweep, paths):
            raise UsageError(
                f"{run.id}: its plan goes on on {state.machine}, which would send it again; delete it when that is"
                f" over, or stop it: tfpt-tui runs stop {state.sweep}"
            )


def _goes_on(sweep: str, paths: Paths) -> bool:
    return any(status_of(run) in ALIVE for run in runs_of(SweepDirectory(paths.sweeps / sweep), paths))


def note_latest(sweep: Sweep, paths: Paths) -> None:
    """Remember that nothing was recorded after it; without room for that, names tell."""
    with suppress(OSError):
        write_atomically(paths.sweeps / LATEST, sweep.id)


def latest_sweep(paths: Paths) -> Sweep | None:
    """The newest sweep that still has runs, None if no sweep has any; broken plans are skipped.

    Names go by the clock, which may have been set back since: the one that was recorded last is known by a file.
    """
    sweeps = list_sweeps(paths)
    with suppress(OSError), open_regular(paths.sweeps / LATEST) as file:
        last = file.read().decode("utf-8", "replace")
        sweeps.sort(key=lambda sweep: sweep.id != last)
    for directory in sweeps:
        try:
            sweep = read_sweep(directory, paths)
        except TfptError:
            continue
        if any(run.path.is_dir() for run in sweep.runs):
            return sweep
    return None


def latest_submission(paths: Paths) -> list[Sweep]:
    """The newest sweep that still has runs, with those that the same command began on other machines.

    They are in its order: the numbers of their runs count on.
    """
    latest = latest_sweep(paths)
    if latest is None or not latest.plan.submission:
        return [latest] if latest else []
    found = []
    for directory in list_sweeps(paths)[:RECENT_SWEEPS]:
        with suppress(TfptError):
            sweep = read_sweep(directory, paths)
            found += [sweep] if sweep.plan.submission == latest.plan.submission else []
    return sorted(found, key=lambda sweep: by_age(sweep.plan.runs[0].run)[1])


def write_plan(sweep: Sweep, states: Mapping[str, str]) -> None:
    """Write plan.toml anew with the present state of its runs, by run ID."""
    runs = tuple(replace(run, state=states.get(run.run, run.state)) for run in sweep.plan.runs)
    store_plan(sweep.directory, replace(sweep.plan, runs=runs))


def read_config(run: RunDirectory) -> RunConfig:
    """The configuration of a run as it was requested.

    Raises:
        MissingError: the run has none.
        UsageError: it is broken.
    """
    try:
        document = build(ConfigDocument, read_record(run.config))
    except DocumentError as error:
        raise UsageError(f"{run.config}: {error}") from None
    return RunConfig.from_row(document.rows[0] if document.rows else {}, str(run.config))


def read_environment(run: RunDirectory) -> MachineSnapshot:
    """What was known about the machine before the run; empty where its file is missing or broken."""
    try:
        snapshot = snapshot_from(read_record(run.environment, ENVIRONMENT_SCHEMA))
        if snapshot.duel and not all(map(RUN_ID.fullmatch, snapshot.duel.arms)):
            raise DocumentError("its arms are no runs")
        return snapshot
    except (TfptError, DocumentError):
        return MachineSnapshot()


def with_origin(result: RunResult, run: RunDirectory) -> RunResult:
    """With the preset and the sweep of the run, as far as known, and whether it only warmed the machine up."""
    try:
        preset = build(ConfigDocument, read_record(run.config)).preset.name
    except (TfptError, DocumentError):
        preset = ""
    state = read_state(run.state)
    return replace(result, preset=preset, sweep=state.sweep, burn_in=state.burn_in)


def _label(preset: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", preset.lower()).strip("-")[:40] or "plan"


def _config_document(plan: Plan, planned: PlannedRun) -> dict[str, Any]:
    """A preset with one row: the run can be started again from this file."""
    row = {**planned.config.to_mapping(), "published": dict(planned.published) or None}
    return {"preset": {"name": plan.preset, "title": plan.title}, "rows": [row]}


def _planned(
    plan: Plan,
    interpreters: Mapping[Place, str],
    directory: SweepDirectory,
    runs: list[RunDirectory],
    now: datetime,
) -> SweepPlan:
    return SweepPlan(
        sweep=directory.id,
        preset=plan.preset,
        title=plan.title,
        created=now.replace(microsecond=0),
        cooldown_s=plan.cooldown_s,
        duel=plan.duel,
        submission=plan.submission,
        runs=tuple(
            SweepRun(
                run=run.id,
                framework=planned.config.framework,
                interpreter=interpreters[planned.place],
                row=planned.row,
                repeat=planned.repeat,
                burn_in=planned.burn_in,
            )
            for run, planned in zip(runs, plan.runs, strict=True)
        ),
    )


def remove(sweep: Sweep) -> None:
    for path in (*(run.path for run in sweep.runs), sweep.directory.path):
        shutil.rmtree(path, ignore_errors=True)
