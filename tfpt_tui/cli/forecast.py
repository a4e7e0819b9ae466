"""How long a plan will take: told before it starts, and again whenever a run of it is over."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.cli.invocation import say
from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.results.requests.duration import (
    SAME,
    Pace,
    corrected_s,
    duel_s,
    expect_s,
    pace_of,
    paces_here,
)
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.runs.plan.plan import Plan, PlannedRun
from tfpt_tui.runs.plan.shortness import too_short
from tfpt_tui.runs.record.result import make_result
from tfpt_tui.runs.supervision.submit import Interpreters
from tfpt_tui.runs.tasks.calibration import calibrate
from tfpt_tui.wording import show_duration

# A calibration takes as long as a short run: it pays for plans of more runs than these.
FEW_RUNS = 2


def forecast(plan: Plan, interpreters: Interpreters, paths: Paths) -> list[float | None]:
    """Say how many runs there are and how long they take; the seconds of each, None where nothing tells of it."""
    configs = [run.config for run in plan.runs]
    paces = paces_here(read_summaries(paths))
    seconds = expect_s(configs, paces)
    unknown = [run for run, known in zip(plan.runs, seconds, strict=True) if known is None]
    if unknown and len(plan.runs) > FEW_RUNS and _is_of_one_kind(unknown):
        paces += _calibrate(unknown, interpreters)
        seconds = expect_s(configs, paces)
    if plan.duel:
        _forecast_duel(plan, paces)
        return []
    count = f"{len(plan.runs)} run{'' if len(plan.runs) == 1 else 's'}"
    known = [one for one in seconds if one is not None]
    if len(known) == len(seconds):
        pauses_s = plan.cooldown_s * (len(plan.runs) - 1)
        say(f"{count}, about {show_duration(sum(known) + pauses_s)}")
    elif len(plan.runs) > FEW_RUNS:
        say(f"{count}; no estimate: no comparable runs on this machine yet")
    return seconds


def _forecast_duel(plan: Plan, paces: Sequence[Pace]) -> None:
    """Say how long all restarts of a duel take; one that ends with its answer takes that at the most."""
    assert plan.duel
    arms = [run.config for run in plan.runs if run.repeat == 1]
    restarts = len(plan.runs) // len(arms)
    seconds = duel_s(arms, restarts, plan.duel.accuracy, paces)
    if plan.duel.budget_s:
        seconds = min(seconds or plan.duel.budget_s, plan.duel.budget_s)
    length = "" if seconds is None else f", about {show_duration(seconds)}"
    most = "up to " if plan.duel.ends_early else ""
    say(f"a duel of {len(arms)} arms, {most}{restarts} restart{'s' * (restarts > 1)}{length}")


def short_trainings(plan: Plan) -> list[str]:
    """Which runs are too short for their test accuracy to mean anything, where it is measured."""
    configs = [run.config for run in plan.runs]
    manifests = {data: read_manifest(Path(data)) for data in dict.fromkeys(config.data for config in configs)}
    return list(too_short(configs, [manifests[config.data] for config in configs], plan.duel))


def forecast_rest(configs: Sequence[RunConfig], paths: Paths) -> str:
    """How long the runs that are left of a plan take, in words; "" where nothing tells of one of them."""
    seconds = expect_s(configs, paces_here(read_summaries(paths)))
    known = [one for one in seconds if one is not None]
    return f"about {show_duration(sum(known))}" if len(known) == len(seconds) else ""


def _is_of_one_kind(runs: Sequence[PlannedRun]) -> bool:
    """Whether calibrating each framework once says how long all of them take."""
    kinds = {tuple(getattr(run.config, key) for key in SAME) for run in runs}
    return len(kinds) == len({run.config.framework for run in runs})


def _calibrate(runs: Sequence[PlannedRun], interpreters: Interpreters) -> list[Pace]:
    """The pace of the first run of each framework, from a calibration."""
    first = {run.config.framework: run for run in reversed(runs)}
    paces = []
    for framework, run in first.items():
        say(f"running {title_of(framework)} for a few seconds to estimate how long the plan takes")
        record = calibrate(run.config, interpreters[run.place])
        if record:
            pace = pace_of(make_result("calibration", "completed", None, run.config, record, {}))
            paces += [pace] if pace else []
    return paces


@dataclass
class Countdown:
    """Corrects the forecast by how long the runs really take."""

    left_s: list[float]
    finished: list[tuple[float, float]] = field(default_factory=list)
    begun: float = math.nan

    def begin(self) -> None:
        """The first run has begun: how long it waited for another plan tells nothing of the pace."""
        if math.isnan(self.begun):
            self.begun = time.monotonic()

    def finish(self, *, completed: bool = True) -> str:
        """A run is over: what is left, in words, "" where nothing is. One that did not complete tells nothing."""
        self.begin()  # one that was stopped while it waited never did
        now = time.monotonic()
        expected = self.left_s.pop(0)
        self.finished += [(expected, now - self.begun)] if completed else []
        self.begun = now
        return f"about {show_duration(corrected_s(self.left_s, self.finished))} left" if self.left_s else ""
