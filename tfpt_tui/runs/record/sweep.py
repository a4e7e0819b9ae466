"""``sweeps/ID/plan.toml``: every run of a plan in the order to be run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory, first_number, make_directory
from tfpt_tui.runs.record.state import read_state

if TYPE_CHECKING:
    from tfpt_tui.runs.plan.plan import Place, Plan, PlannedRun

SCHEMA = 1


@dataclass(frozen=True)
class Sweep:
    """A plan on disk. ``document`` is plan.toml as it was read."""

    directory: SweepDirectory
    runs: tuple[RunDirectory, ...]
    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.directory.id


def record_plan(plan: Plan, interpreters: Mapping[Place, str], paths: Paths) -> Sweep:
    """Write the plan and the configuration of every run, before the first one starts.

    ``interpreters`` are the Pythons that run the workers.

    Raises:
        MissingError: the directories cannot be written; nothing is left of the plan then.
    """
    now = datetime.now()
    directory = SweepDirectory(make_directory(paths.sweeps, _label(plan.preset), now))
    runs: list[RunDirectory] = []
    sweep = Sweep(directory, (), {})
    try:
        for number, planned in enumerate(plan.runs, start=first_number(len(plan.runs))):
            runs.append(RunDirectory(make_directory(paths.runs, planned.config.framework, now, number)))
            sweep = Sweep(directory, tuple(runs), {})
            write_toml(runs[-1].config, _config_document(plan, planned))
        document = _plan_document(plan, interpreters, directory, runs, now)
        write_toml(directory.plan, document)
    except (OSError, TfptError) as error:
        remove(sweep)
        if isinstance(error, OSError):
            raise cannot("record a run", paths.runs, error) from None
        raise
    return Sweep(directory, tuple(runs), document)


def read_sweep(directory: SweepDirectory, paths: Paths) -> Sweep:
    """Read a sweep.

    Raises:
        MissingError: there is no plan.
        UsageError: the plan is broken.
    """
    document = read_toml(directory.plan)
    try:
        runs = tuple(RunDirectory(paths.runs / run["run"]) for run in document["runs"])
    except (KeyError, TypeError) as error:
        raise UsageError(f"{directory.plan}: not a plan of tfpt-tui: {error} is missing or wrong") from None
    return Sweep(directory, runs, document)


def measured_runs(sweep: Sweep) -> tuple[RunDirectory, ...]:
    """The runs of a sweep that count: those that only warmed the machine up are left out."""
    planned = zip(sweep.runs, sweep.document["runs"], strict=True)
    return tuple(run for run, entry in planned if not entry.get("burn_in"))


def interpreter_for(sweep: Sweep, run: RunDirectory) -> str:
    """The Python that the plan chose for the worker of a run."""
    entry = next(entry for entry in sweep.document["runs"] if entry["run"] == run.id)
    return str(entry["interpreter"])


def latest_sweep(paths: Paths) -> Sweep | None:
    """The newest sweep that still has runs, None when there is none; broken plans are passed over."""
    for plan in sorted(paths.sweeps.glob("*/plan.toml"), reverse=True):
        try:
            sweep = read_sweep(SweepDirectory(plan.parent), paths)
        except TfptError:
            continue
        if any(run.path.is_dir() for run in sweep.runs):
            return sweep
    return None


def write_plan(sweep: Sweep, states: Mapping[str, str]) -> None:
    """Write plan.toml anew with the present state of its runs, by run ID."""
    runs = [{**run, "state": states.get(run["run"], run["state"])} for run in sweep.document["runs"]]
    write_toml(sweep.directory.plan, {**sweep.document, "runs": runs})


def read_config(run: RunDirectory) -> RunConfig:
    """The configuration of a run as it was requested.

    Raises:
        MissingError: the run has none.
        UsageError: it is broken.
    """
    rows = read_toml(run.config).get("rows") or [{}]
    return RunConfig.from_row(rows[0], str(run.config))


def read_environment(run: RunDirectory) -> dict[str, Any]:
    """What was known of the machine before the run; empty where nothing is, and the run is a run all the same."""
    try:
        return read_toml(run.environment)
    except TfptError:
        return {}


def origin_of(run: RunDirectory) -> dict[str, Any]:
    """The preset and the sweep of the run, as far as they are known, and whether it only warmed the machine up."""
    try:
        preset = str(read_toml(run.config).get("preset", {}).get("name", ""))
    except TfptError:
        preset = ""
    state = read_state(run.state)
    known = {"preset": preset, "sweep": str(state.get("sweep", "")), "burn_in": bool(state.get("burn_in"))}
    return {name: value for name, value in known.items() if value}


def _label(preset: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", preset.lower()).strip("-")[:40] or "plan"


def _config_document(plan: Plan, planned: PlannedRun) -> dict[str, Any]:
    """A preset with one row: the run can be started again from this file."""
    row: dict[str, Any] = planned.config.to_mapping()
    if planned.published:
        row["published"] = dict(planned.published)
    return {"preset": {"name": plan.preset, "title": plan.title}, "rows": [row]}


def _plan_document(
    plan: Plan,
    interpreters: Mapping[Place, str],
    directory: SweepDirectory,
    runs: list[RunDirectory],
    now: datetime,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "sweep": directory.id,
        "preset": plan.preset,
        "title": plan.title,
        "created": now.replace(microsecond=0),
        "cooldown_s": plan.cooldown_s,
        "runs": [
            {
                "run": run.id,
                "framework": planned.config.framework,
                "interpreter": interpreters[planned.place],
                "row": planned.row,
                "repeat": planned.repeat,
                "burn_in": planned.burn_in,
                "state": "queued",
            }
            for run, planned in zip(runs, plan.runs, strict=True)
        ],
    }


def remove(sweep: Sweep) -> None:
    for path in (*(run.path for run in sweep.runs), sweep.directory.path):
        shutil.rmtree(path, ignore_errors=True)
