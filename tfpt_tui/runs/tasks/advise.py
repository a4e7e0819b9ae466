"""``tfpt-tui advise``: race configurations of the track best against the fastest so far, then climb back.

Every race, and the ladder at the end, is a plan like any other: its runs are recorded, the Monitor shows them, and
they survive a dropped connection. The races choose. The ladder measures what was chosen, a setting more on each
rung, in one duel of all rungs, so that its figures are free of the luck with which a race was won.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig, plain
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import read_record
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.documents import DocumentError
from tfpt_tui.errors import MissingError, TfptError, UsageError
from tfpt_tui.hardware.gpu import read_gpu
from tfpt_tui.runs.plan.candidates import (
    CHANGE_LEARNING,
    Choices,
    Gain,
    difference,
    first_candidate,
    next_race,
    rungs,
)
from tfpt_tui.runs.plan.duel import RACE_ROUNDS, ROUNDS, Duel
from tfpt_tui.runs.plan.plan import Plan, PlannedRun
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import (
    ASSUMED,
    NO_SPREAD,
    Spread,
    estimate,
    estimate_restart,
    fixed_interval,
    log_ratios,
)
from tfpt_tui.runs.record.result import RunResult, result_from
from tfpt_tui.runs.record.state import crash_error
from tfpt_tui.runs.record.sweep import Sweep, read_environment
from tfpt_tui.runs.supervision.memory_check import check_room_together
from tfpt_tui.runs.supervision.submit import submit

PRESET = "advise"
# Shorter turns than a duel's: many arms race, and a round has to be over before the machine changes.
TURN_S = 0.5
# What a worker needs to its first step, until a race has shown it: imports, compilation, the pack.
START_S = 8.0
# And to find the length of its turn, and to end.
BESIDE_S = 3.0
MOST_RACES = 4

# Waits until a plan is over; returns whether the user stopped it.
Follow = Callable[[Sweep], bool]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Loser:
    """A configuration that failed in a race, by what it differs in, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Raced:
    """A configuration of a race, by what it differs in from the first one there; it was so many times as fast.

    Rough: whoever is far behind is sent home after a few rounds.
    """

    what: str
    factor: float


@dataclass(frozen=True)
class Rung:
    """A rung of the ladder: the setting that it adds, how fast it is, and how many times as fast as the one below.

    ``low`` and ``high`` are the ends of the 95 % interval of ``factor``, which covers that processes differ. They
    are missing where others disturbed too many rounds, the factor too where hardly any round was finished.
    """

    config: RunConfig
    added: str
    images_per_s: float
    factor: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Learning:
    """Test accuracies after all epochs: with what was asked for, and with ``changed``, which changes what is
    learned; None of a training that failed.
    """

    changed: str
    asked: float | None
    advised: float | None


@dataclass(frozen=True)
class Advice:
    """What was found for one framework; ``whole`` is the advised configuration against the plain one.

    ``raced`` are the others of the races, the fastest first, and ``learning`` is there where the advice changes
    what is learned.
    ``seconds`` is what finding it took, with the ladder, without waiting for other plans; ``sweeps`` are the races
    and the ladder.
    """

    framework: str
    ladder: tuple[Rung, ...]
    whole: Rung
    raced: tuple[Raced, ...]
    losers: tuple[Loser, ...]
    candidates: int
    seconds: float
    sweeps: tuple[str, ...]
    learning: Learning | None = None

    @property
    def advised(self) -> Rung:
        """The highest rung, or the lowest where all the others together are proven to be slower."""
        return self.ladder[0 if self.is_slower else -1]

    @property
    def is_slower(self) -> bool:
        return self.whole.high is not None and self.whole.high < 1

    @property
    def config(self) -> RunConfig:
        return self.advised.config


class StoppedError(TfptError):
    """Whoever asked for the advice does not want it any more."""

    exit_code = 130


class _Races:
    """What the plans of one search share, and what they showed so far."""

    def __init__(self, settings: UserSettings, paths: Paths, follow: Follow) -> None:
        self.settings = settings
        self.paths = paths
        self.follow = follow
        self.sweeps: list[str] = []
        # What differed in a configuration that failed, and why.
        self.losers: dict[str, Loser] = {}
        self.raced: dict[str, Raced] = {}
        self.start_s = START_S
        self.waited_s = 0.0

    def run(self, title: str, arms: Sequence[RunConfig], duel: Duel | None = None) -> list[RunResult]:
        """Run a plan of these arms to its end, one after the other without a duel; the results are in their order.

        Raises:
            TfptError: this machine cannot run it, or it was stopped.
        """
        runs = tuple(PlannedRun(config, row, 1) for row, config in enumerate(arms, start=1))
        submitted = time.time()
        sweep = submit(Plan(PRESET, title, runs, duel=duel), self.settings, self.paths)
        self.sweeps.append(sweep.id)
        if self.follow(sweep) or sweep.directory.stop.exists():
            raise StoppedError(f"stopped; what was measured is in {sweep.id}")
        results = [_result(run) for run in sweep.runs]
        for config, result in zip(arms, results, strict=True):
            if not result.completed:
                what = _describe(config, arms[0])
                self.losers[what] = Loser(what, result.error.message if result.error else result.status)
        # Behind other plans on this machine, which is no part of the search.
        begun = min((one.started for one in results if one.started), default=submitted)
        self.waited_s += max(0.0, begun - submitted - BESIDE_S)
        starts = [sum(one.phases.values()) - one.phases.get("training", 0.0) for one in results if one.phases]
        self.start_s = sum(starts) / len(starts) if starts else self.start_s
        return results


def check_budget(config: RunConfig, choices: Choices, budget_s: float) -> None:
    """Refuse what is too short for one race and the ladder.

    Raises:
        UsageError: it is.
    """
    needed_s = _least_s(config, choices)
    if budget_s < needed_s:
        raise UsageError(
            f"--budget: {budget_s:.0f} s for {title_of(config.framework)} are too short for one race and its"
            f" ladder; at least {needed_s:.0f} s are needed for it"
        )


def _least_s(config: RunConfig, choices: Choices) -> float:
    return _ladder_s(choices.plain(config), first_candidate(config, choices), START_S) + 2 * _arm_s(START_S)


def advise(
    config: RunConfig,
    choices: Choices,
    budget_s: float,
    settings: UserSettings,
    paths: Paths,
    follow: Follow,
    say: Say,
) -> Advice:
    """Find the fastest of the ``choices`` within ``budget_s`` seconds, and measure what each setting brings.

    ``config`` says all else: framework, dataset, batch size. The budget is at least one race and the ladder.

    Raises:
        TfptError: this machine cannot run it, the first configuration fails, or the search was stopped.
    """
    lowest, first = choices.plain(config), first_candidate(config, choices)
    budget_s = max(budget_s, _least_s(config, choices))
    begun = time.monotonic()
    races = _Races(settings, paths, follow)
    tried, effects = set[RunConfig](), dict[str, float]()
    images = read_manifest(Path(config.data)).total("train")
    arms = [first, *(arm for arm in choices.alternatives(first) if arm.batch_size <= images)]
    for number in range(1, MOST_RACES + 1):
        spent_s = time.monotonic() - begun - races.waited_s
        left_s = budget_s - spent_s - _ladder_s(lowest, first, races.start_s)
        # The first race always has two: the budget is at least that.
        count = _arms_that_fit(arms, left_s, races.start_s, least=2 if number == 1 else 0)
        arms, rest = arms[:count], arms[count:]
        if len(arms) < 2:
            if not tried:
                say(f"{title_of(config.framework)}: no room for a race; the usual switches are measured")
            arms += rest
            break
        title = f"{title_of(config.framework)}: race {number}, {len(arms)} arms"
        say(title)
        gains = _gains(arms, races.run(title, arms, Duel(race=True, turn_s=TURN_S, budget_s=left_s)))
        raced = (Raced(_describe(gain.config, arms[0]), 1 / gain.ratio) for gain in gains)
        races.raced |= {one.what: one for one in raced}
        tried.update(arms)
        effects |= _effects_without(arms[0], gains)
        before, first = first, _chosen(arms[0], gains)
        later = [first.replace(**difference(arm, before)) for arm in rest]  # those that had no room yet
        following = dict.fromkeys([*next_race(before, gains, list(tried))[1:], *later])
        arms = [first, *(arm for arm in following if arm not in tried and arm != first)]
        if len(arms) < 2:
            break
    if untried := [_describe(arm, first) for arm in arms if arm not in tried and arm != first]:
        say(f"{title_of(config.framework)}: not tried (too little time or memory): {'; '.join(untried)}")
    say(f"{title_of(config.framework)}: the ladder")
    return _climb(lowest, first, effects, races, len(tried), begun)


def compare_learning(
    asked: RunConfig, advice: Advice, settings: UserSettings, paths: Paths, follow: Follow, say: Say
) -> Learning | None:
    """Train to the end with the advised settings, and without those of them that change what is learned.

    None where none of them does.

    Raises:
        TfptError: this machine cannot run it, or it was stopped.
    """
    usual = advice.config.replace(**{key: asked.value(key) for key in CHANGE_LEARNING})
    if usual == advice.config:
        return None
    changed = _describe(advice.config, usual)
    say(f"{title_of(asked.framework)}: does it learn the same with {changed}?")
    races = _Races(settings, paths, follow)
    results = races.run(f"{title_of(asked.framework)}: accuracy with {changed}", [usual, advice.config])
    return Learning(changed, *(result.test.accuracy for result in results))


def _climb(
    lowest: RunConfig,
    advised: RunConfig,
    effects: dict[str, float],
    races: _Races,
    candidates: int,
    begun: float,
) -> Advice:
    """Measure all rungs beside each other, or as many as have room: the highest ones make one step then."""
    configs = rungs(lowest, advised, effects)
    while len(configs) > 2 and not _have_room(configs):
        del configs[-2]
    _check_room(configs)
    title = f"{title_of(advised.framework)}: the ladder of {len(configs)} rungs"
    results = races.run(title, configs, Duel(turn_s=TURN_S))
    broken = [result for result in results if not (result.completed and result.slices)]
    if broken:
        error = broken[0].error
        raise TfptError(f"{broken[0].run}: no ladder: {error.message if error else broken[0].status}")
    spread = _spread_of(results[0])
    ladder = [_rung(configs[0], "plain", results[0], results[0], spread)]
    for below, config, result, lower in zip(configs, configs[1:], results[1:], results, strict=False):
        ladder.append(_rung(config, _describe(config, below), result, lower, spread))
    whole = _rung(configs[-1], "all of it", results[-1], results[0], spread)
    return Advice(
        advised.framework,
        tuple(ladder),
        whole,
        tuple(sorted(races.raced.values(), key=lambda one: -one.factor)),
        tuple(races.losers.values()),
        candidates,
        time.monotonic() - begun - races.waited_s,
        tuple(races.sweeps),
    )


def _rung(config: RunConfig, added: str, own: RunResult, below: RunResult, spread: Spread) -> Rung:
    rate = own.training.turn_images_per_s or 0.0
    if own is below:
        return Rung(config, added, rate)
    restart = estimate_restart(log_ratios(own.slices, below.slices))
    if restart is None:
        rough = log_ratios(own.slices, below.slices, quiet=False)
        return Rung(config, added, rate, math.exp(-statistics.fmean(rough)) if rough else None)
    found = estimate([restart], spread)
    interval = fixed_interval(found)
    return Rung(config, added, rate, *(math.exp(-log) for log in (found.log_ratio, interval.high, interval.low)))


def _gains(arms: Sequence[RunConfig], results: Sequence[RunResult]) -> list[Gain]:
    """All arms but the first beside it, as far as they took turns: what these processes showed."""
    if not (results[0].completed and results[0].slices):
        error = results[0].error
        raise TfptError(f"{results[0].run}: {error.message if error else results[0].status}")
    found = []
    raced = [(config, result) for config, result in zip(arms, results, strict=True) if result.completed]
    for config, result in raced[1:]:
        ratios = log_ratios(result.slices, results[0].slices)
        if restart := estimate_restart(ratios):
            one = estimate([restart], NO_SPREAD)
            interval = fixed_interval(one)
            found.append(Gain(config, *map(math.exp, (one.log_ratio, interval.low, interval.high))))
        elif ratios:  # sent home before more was known
            ratio = math.exp(sum(ratios) / len(ratios))
            found.append(Gain(config, ratio, 1.0, math.inf))
    return found


def _effects_without(first: RunConfig, gains: Sequence[Gain]) -> dict[str, float]:
    """How many times the time it takes without one of the settings of the first arm."""
    found: dict[str, float] = {}
    for gain in gains:
        changed = difference(gain.config, first)
        if len(changed) == 1:
            key = next(iter(changed))
            found[key] = max(gain.ratio, found.get(key, 0.0))
    return found


def _chosen(first: RunConfig, gains: Sequence[Gain]) -> RunConfig:
    """The fastest arm that is proven, else the first."""
    proven = [gain for gain in gains if gain.is_proven]
    return min(proven, key=lambda gain: gain.ratio).config if proven else first


def _ladder_s(lowest: RunConfig, advised: RunConfig, start_s: float) -> float:
    """About what the ladder will take."""
    count = len(rungs(lowest, advised, {}))
    return count * (start_s + BESIDE_S + ROUNDS * TURN_S)


def _arm_s(start_s: float) -> float:
    """About what an arm of a race takes."""
    return start_s + BESIDE_S + RACE_ROUNDS * TURN_S


def _arms_that_fit(arms: Sequence[RunConfig], left_s: float, start_s: float, least: int) -> int:
    """How many arms can be started and raced in the time that is left, and have room beside each other."""
    count = min(len(arms), max(least, int(left_s / _arm_s(start_s))))
    while count > 1 and not _have_room(arms[:count]):
        count -= 1
    return count


def _have_room(configs: Sequence[RunConfig]) -> bool:
    """Whether they do beside each other, in memory and on a GPU."""
    try:
        _check_room(configs)
    except MissingError:
        return False
    return True


def _check_room(configs: Sequence[RunConfig]) -> None:
    """Raises MissingError where they have no room beside each other."""
    check_room_together(configs, [read_manifest(Path(one.data)) for one in configs], read_gpu())


def _spread_of(result: RunResult) -> Spread:
    """How much processes were known to differ as the duel began."""
    part = result.environment.duel
    return Spread(part.spread_sd, part.spread_freedom) if part else ASSUMED


def _result(run: RunDirectory) -> RunResult:
    """Raises TfptError if its supervisor is gone without one, or what it wrote is damaged."""
    if not run.result.exists():
        raise TfptError(f"{run.id}: {crash_error(run).message}")
    try:
        return result_from(read_record(run.result), read_environment(run))
    except DocumentError as error:
        raise TfptError(f"{run.result}: {error}; delete the run") from None


def _describe(config: RunConfig, other: RunConfig) -> str:
    """Such as ``compile=on``, with everything in which it differs."""
    return ", ".join(f"{key}={plain(value)}" for key, value in difference(config, other).items()) or "the same"
