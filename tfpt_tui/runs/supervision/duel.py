"""One restart of a duel: its arms are started one after the other, then take turns until enough is known.

A round is one turn of every arm (arms.py); every second round is in the opposite order. One that others on the
machine disturbed is recorded, and one more is run.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import SETTINGS, RunConfig
from tfpt_tui.config.toml import read_record
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.documents import DocumentError, Value
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ANEW, ONLY_TURNS, WHOLE, RunError, RunWarning, Slice
from tfpt_tui.hardware.machine_snapshot import NO_SNAPSHOT, snapshot_from
from tfpt_tui.runs.plan.duel import MOST_ROUNDS, MOST_TIMES, RESTARTS, ROUNDS, Duel, fits_into_trainings
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import (
    ASSUMED,
    MIN_BLOCKS,
    Estimate,
    Interval,
    Restart,
    Spread,
    enough_rounds,
    estimate,
    estimate_restart,
    fixed_interval,
    is_answer,
    is_disturbed,
    log_ratios,
    sequence_interval,
)
from tfpt_tui.runs.record.result import result_from
from tfpt_tui.runs.record.shown_by_duels import Pair, keep_duel
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import Sweep, read_config
from tfpt_tui.runs.supervision.arms import (
    PATIENCE,
    PATIENCE_S,
    Arm,
    Length,
    NoEpochLeftError,
    TurnError,
    await_arm,
    end_arms,
    ended_with,
    ending_of_arm,
    failed,
    finish,
    size_turns,
    started_arm,
    take_turn,
    title_of_arm,
)
from tfpt_tui.runs.supervision.log import complain
from tfpt_tui.runs.supervision.memory_check import check_room_together
from tfpt_tui.runs.supervision.worker_run import (
    Supervisor,
    run_one,
    settle,
    tell,
)
from tfpt_tui.wording import show_duration

# Of slow arms a restart has fewer rounds, but never fewer than tell their spread.
RESTART_S = 150.0


@dataclass(frozen=True)
class Stage:
    """Which restart it is, of how many; ``begun`` is when its first worker was started, and ``deadline`` when the
    budget of the duel is spent (monotonic).
    """

    restart: int
    restarts: int
    begun: float
    deadline: float

    def left(self, rounds_begun: float, played: int, missed: int, rounds: int, duel: Duel) -> str:
        """How much longer it takes after so many of its rounds, some of which do not count, in words; "" before
        the first that does.
        """
        done = played - missed
        if not done:
            return ""
        now = time.monotonic()
        round_s = (now - rounds_begun) / played
        to_play = min(rounds * played / done, MOST_TIMES * rounds)
        restart_s = rounds_begun - self.begun + to_play * round_s
        left_s = (to_play - played) * round_s + (self.restarts - self.restart) * restart_s
        left_s = max(0.0, min(left_s, self.deadline - now))
        return f", {'at most' if duel.ends_early else 'about'} {show_duration(left_s)} left"


def run_restart(supervisor: Supervisor, runs: Sequence[RunDirectory], deadline: float, *, last: bool) -> bool:
    """Run the arms of one restart from their workers' start to their results, whatever happens.

    Returns whether no further restart is wanted: the question is answered, or the budget is spent at ``deadline``
    (monotonic; infinite without one). Where arms do not fit in memory together they run one after another.
    """
    duel = supervisor.sweep.plan.duel
    assert duel
    repeats = {planned.run: planned.repeat for planned in supervisor.sweep.plan.runs}
    stage = Stage(repeats[runs[0].id], max(repeats.values()), time.monotonic(), deadline)
    try:
        configs = [read_config(run) for run in runs]
        manifests = [read_manifest(Path(config.data)) for config in configs]
        check_room_together(configs, manifests, supervisor.gpu.latest())
        fits = fits_into_trainings(configs, manifests[0].total("train"))
    except TfptError as error:  # what cannot be read is each run's own error
        note = RunWarning(f"no duel: {error}; its arms ran one after another", "no_duel")
        for run in runs:
            run_one(supervisor, run, note)
        # Whole trainings take long: as many as a duel of planned length has restarts.
        return duel.ends_early and (stage.restart >= RESTARTS or time.monotonic() > deadline)
    endings: dict[RunDirectory, tuple[str, RunError | None]] = {}
    answered, latest = False, runs[0]
    with ExitStack() as stack:
        arms: list[Arm] = []
        try:
            tested = duel.accuracy and (last or duel.ends_early)
            kind = ONLY_TURNS if not tested else WHOLE if fits else ANEW
            for run in runs:
                latest = run
                arms.append(stack.enter_context(started_arm(supervisor, run, runs, duel, kind)))
                await_arm(supervisor, arms[-1], arms[-1].started.prepared.limit_s)
            start_s = time.monotonic() - stage.begun
            answered = _take_turns(supervisor, arms, duel, stage, within=duel.accuracy and fits)
            answered = answered or time.monotonic() + start_s > deadline  # no other one would come to its turns
            for arm in arms:
                finish(supervisor, arm, whole=tested and (last or answered))
                endings[arm.run] = ending_of_arm(supervisor, arm, "")
                settle(arm.run, *endings[arm.run])  # it is over, whatever becomes of the next one
        except TurnError as error:
            endings = _broken_off(supervisor, arms, error)
            answered = time.monotonic() > deadline
        except Exception as error:  # a mistake of ours must not cost the restarts that follow
            endings = failed(arms, runs[len(arms) :], latest, error)
            answered = time.monotonic() > deadline
        for arm in arms:
            if arm.run not in endings:
                endings[arm.run] = ending_of_arm(supervisor, arm, "")
    for run in runs:
        settle(run, *endings.get(run, ("stopped", None)))
    return answered


def _take_turns(supervisor: Supervisor, arms: Sequence[Arm], duel: Duel, stage: Stage, *, within: bool) -> bool:
    """Rounds until there are enough, the question is answered, time is up, or an arm has no epoch left.

    ``within`` if all rounds have to fit into the trainings that are planned.
    Returns whether no further restart is wanted.
    """
    earlier = _earlier_restarts(supervisor.sweep, len(arms))
    lengths = size_turns(supervisor, arms, whole=within, turn_s=duel.turn_s)
    slices: list[list[Slice]] = [[] for _ in arms]
    said, begun, rounds, missed = "", time.monotonic(), ROUNDS, 0
    for number in itertools.count(1) if lengths else ():
        again = f" ({missed} disturbed and run again)" if missed else ""
        shown = min(number - missed, rounds)
        where = f"duel: restart {stage.restart} of {stage.restarts}, round {shown} of {rounds}{again}"
        left = stage.left(begun, number - 1, missed, rounds, duel)
        try:
            turns = _play_round(supervisor, arms, lengths, number, where, left + said)
        except NoEpochLeftError:
            return False
        missed += any(turn is None or is_disturbed(turn) for turn in turns)
        for own, turn in zip(slices, turns, strict=True):
            own += [turn] if turn else []
        ratios = [log_ratios(own, slices[0]) for own in slices[1:]]
        done = min(map(len, ratios))
        now = time.monotonic()
        if standing := _standing(ratios, earlier, arms[0].spread, duel):
            if duel.ends_early and all(is_answer(one.interval, duel.until) for one in standing):
                # How much processes differ must not be assumed alone: others have to say the same.
                return any(earlier) or not arms[0].spread.is_assumed
            if duel.ends_early:
                rounds = _rounds_of(standing, begun - stage.begun, (now - begun) / done)
            said = _say_standing(arms, standing)
        if now > stage.deadline:
            return True
        if done >= rounds or (now - begun > RESTART_S and standing) or _is_hopeless(number, done, rounds):
            return False
    return False


def _is_hopeless(played: int, done: int, rounds: int) -> bool:
    """Whether more rounds would not be enough of those that count: others keep the machine busy all the time."""
    return played >= MOST_TIMES * rounds or (played >= rounds and MOST_TIMES * done < 2 * MIN_BLOCKS)


@dataclass(frozen=True)
class Standing:
    """How an arm stands against the first one: in this restart, in all of them, and how surely."""

    current: Restart
    found: Estimate
    interval: Interval


def _standing(
    ratios: Sequence[Sequence[float]], earlier: Sequence[Sequence[Restart]], spread: Spread, duel: Duel
) -> list[Standing]:
    """All arms but the first after these rounds and earlier restarts; nothing while the rounds are too few."""
    current = [restart for restart in map(estimate_restart, ratios) if restart]
    if len(current) < len(ratios):
        return []
    found = [estimate([*before, one], spread) for before, one in zip(earlier, current, strict=True)]
    interval_of = sequence_interval if duel.ends_early else fixed_interval
    return [
        Standing(one, whole, interval_of(whole, len(ratios))) for one, whole in zip(current, found, strict=True)
    ]


def _rounds_of(standing: Sequence[Standing], start_s: float, round_s: float) -> int:
    """How many rounds this restart is to have in all, where the duel ends with its answer; an even number."""
    wanted = max(enough_rounds(one.current, one.found.spread, start_s, round_s) for one in standing)
    return 2 * round(min(max(wanted, 2 * MIN_BLOCKS), MOST_ROUNDS) / 2)


def _say_standing(arms: Sequence[Arm], standing: Sequence[Standing]) -> str:
    """How the arms stand; of more than three only the fastest has room."""
    places = range(1, len(arms))
    if len(arms) > 3:
        places = range(1 + (fastest := _fastest(standing)), 2 + fastest)
    return "".join(_say(arms, place, standing[place - 1].interval) for place in places)


def _fastest(standing: Sequence[Standing]) -> int:
    return min(range(len(standing)), key=lambda place: standing[place].found.log_ratio)


def _say(arms: Sequence[Arm], place: int, interval: Interval) -> str:
    """How an arm and the first one stand so far."""
    own, other = title_of_arm(arms, place), title_of_arm(arms, 0)
    low, high = math.exp(interval.low), math.exp(interval.high)
    middle = math.sqrt(low * high)
    return f"; {own} takes {middle:.2f}x [{low:.2f}, {high:.2f}] the time of {other}"


def _earlier_restarts(sweep: Sweep, arms: int) -> list[list[Restart]]:
    """What the restarts showed that are recorded, of every arm but the first."""
    restarts: dict[int, list[tuple[int, Sequence[Slice]]]] = {}
    for run, planned in zip(sweep.runs, sweep.plan.runs, strict=True):
        if run.result.exists() and status_of(run) == "completed":
            result = result_from(read_record(run.result), NO_SNAPSHOT)
            restarts.setdefault(planned.repeat, []).append((planned.row, result.slices))
    found: list[list[Restart]] = [[] for _ in range(arms - 1)]
    for rows in restarts.values():
        if len(rows) < arms:
            continue
        slices = [own for _, own in sorted(rows, key=lambda row: row[0])]
        for place, own in enumerate(slices[1:]):
            if restart := estimate_restart(log_ratios(own, slices[0])):
                found[place].append(restart)
    return found


def keep_what_it_showed(sweep: Sweep) -> None:
    """Keep for later duels and comparisons what the restarts of this one showed; they can do without."""
    try:
        arms = _earlier_restarts(sweep, len({planned.row for planned in sweep.plan.runs}))
        if not all(arms):
            return
        done = [run for run in sweep.runs if run.result.exists()]
        snapshot = snapshot_from(read_record(done[0].environment))
        known = Spread(snapshot.duel.spread_sd, snapshot.duel.spread_freedom) if snapshot.duel else ASSUMED
        rows = {planned.row: run for run, planned in zip(sweep.runs, sweep.plan.runs, strict=True) if run in done}
        baseline, *others = (read_config(rows[row]) for row in sorted(rows))
        frameworks = tuple(sorted({config.framework for config in (baseline, *others)}))
        duel = sweep.plan.duel
        interval_of = sequence_interval if duel and duel.ends_early else fixed_interval
        pairs = [
            _pair(
                sweep.id, frameworks, restarts, interval_of(estimate(restarts, known), len(arms)), config, baseline
            )
            for config, restarts in zip(others, arms, strict=True)
        ]
        keep_duel(find_paths().duels, snapshot.fingerprint.machine, pairs)
    except (OSError, TfptError, DocumentError) as error:
        complain(error)


def _pair(
    sweep: str,
    frameworks: tuple[str, ...],
    restarts: Sequence[Restart],
    interval: Interval,
    config: RunConfig,
    baseline: RunConfig,
) -> Pair:
    ratio, low, high = map(math.exp, (estimate(restarts).log_ratio, interval.low, interval.high))
    where = config.track, config.batch_size
    return Pair(sweep, frameworks, tuple(restarts), *_only_difference(config, baseline), ratio, low, high, *where)


def _only_difference(config: RunConfig, baseline: RunConfig) -> tuple[str, Value, Value]:
    """The setting in which two arms differ, with both values; empty if they differ in several or not at all."""
    keys = [key for key in SETTINGS if key != "seed" and config.value(key) != baseline.value(key)]
    return (keys[0], config.value(keys[0]), baseline.value(keys[0])) if len(keys) == 1 else ("", "", "")


def _play_round(
    supervisor: Supervisor,
    arms: Sequence[Arm],
    lengths: Sequence[Length],
    number: int,
    where: str,
    standing: str,
) -> list[Slice | None]:
    """One turn of each arm, by the places of the arms; None of one in which the machine slept.

    ``where`` and ``standing`` are said of the duel, with whose turn it is between them.

    Raises:
        NoEpochLeftError: the training of one of them came to its end.
    """
    places = range(len(arms))
    turns: dict[int, Slice | None] = {}
    for position, place in enumerate(places if number % 2 else reversed(places), start=1):
        length = lengths[place]
        limit_s = PATIENCE * length.expected_s + PATIENCE_S
        tell(supervisor, "running", f"{where}, {title_of_arm(arms, place)}'s turn{standing}")
        turns[place] = take_turn(supervisor, arms[place], length.images, number, position, limit_s)
    return [turns[place] for place in places]


def _broken_off(
    supervisor: Supervisor, arms: Sequence[Arm], error: TurnError
) -> dict[RunDirectory, tuple[str, RunError | None]]:
    """End all arms: the record of the one that gave no answer says why, those of the others that it did."""
    end_arms(arms)
    status, reason = ending_of_arm(supervisor, error.arm, error.cause)
    if status == "timeout":
        reason = RunError("Timeout", str(error))
    endings: dict[RunDirectory, tuple[str, RunError | None]] = {error.arm.run: (status, reason)}
    why = f"{error.arm.run.id}: {status}{f': {reason.message}' if reason else ''}"
    for arm in arms:
        if arm is not error.arm:
            status, reason = ending_of_arm(supervisor, arm, "stopped")
            if status == "stopped" and error.cause != "stopped":
                reason = ended_with(why)
            endings[arm.run] = status, reason
    return endings
