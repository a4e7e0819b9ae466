"""One restart of a duel: its arms are started one after the other, then take turns until enough is known.

Only one arm ever runs. Whoever has no turn has synchronised its device, waits at its gate, and is stopped by the
kernel with all its threads and loaders (SIGSTOP): whatever it would prefetch or poll for, it does in its own time.
A round is one turn of every arm; every second round is in the opposite order.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import SETTINGS, RunConfig, plain
from tfpt_tui.config.toml import read_record
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.documents import DocumentError, Value
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import RunError, RunWarning, Slice
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.machine_snapshot import NO_SNAPSHOT, DuelPart, MachineSnapshot, snapshot_from
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.runs.plan.duel import ALIKE, MOST_ROUNDS, ROUNDS, TURN_S, Duel, longest_turn
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import (
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
    log_ratios,
    sequence_interval,
)
from tfpt_tui.runs.record.processes import halt_group, kill_group, resume_group
from tfpt_tui.runs.record.result import result_from
from tfpt_tui.runs.record.shown_by_duels import Pair, keep_duel, shown_spread
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import Sweep, read_config
from tfpt_tui.runs.supervision.gate import Gate
from tfpt_tui.runs.supervision.memory_check import check_room_together
from tfpt_tui.runs.supervision.worker_run import (
    TICK_S,
    StartedRun,
    Supervisor,
    end_worker,
    ended,
    ending_of,
    prepare_run,
    run_one,
    settle,
    start_run,
    stop_requested,
    tell,
)
from tfpt_tui.wording import show_duration

# Turns to find the length of a turn: long enough to be timed, and no longer than they need be.
SIZING_S = 0.25
GROWTH = 4
# A turn that takes so much longer than the one before it does not come back.
PATIENCE = 20
PATIENCE_S = 60.0
# Of slow arms a restart has fewer rounds, but never fewer than tell their spread.
RESTART_S = 150.0


class TurnError(Exception):
    """An arm gave no answer: ``cause`` is why it is ended, "" where it ended by itself."""

    def __init__(self, arm: Arm, cause: str, message: str = "") -> None:
        super().__init__(message)
        self.arm = arm
        self.cause = cause


@dataclass(frozen=True)
class Arm:
    """One of the workers that take turns."""

    started: StartedRun
    gate: Gate
    recorder: Recorder

    @property
    def run(self) -> RunDirectory:
        return self.started.run

    @property
    def spread(self) -> Spread:
        """How much processes were known to differ as it began."""
        part = self.started.prepared.environment.duel
        assert part
        return Spread(part.spread_sd, part.spread_freedom)


@dataclass(frozen=True)
class Stage:
    """Which restart it is, of how many; ``begun`` is when its first worker was started, and ``deadline`` when the
    budget of the duel is spent (monotonic).
    """

    restart: int
    restarts: int
    begun: float
    deadline: float

    def left(self, rounds_begun: float, done: int, rounds: int, duel: Duel) -> str:
        """How much longer it takes after so many of its rounds, in words; "" before the first."""
        if not done:
            return ""
        now = time.monotonic()
        round_s = (now - rounds_begun) / done
        restart_s = rounds_begun - self.begun + rounds * round_s
        left_s = (rounds - done) * round_s + (self.restarts - self.restart) * restart_s
        if duel.budget_s:
            left_s = max(0.0, min(left_s, self.deadline - now))
        return f", {'at most' if duel.ends_early else 'about'} {show_duration(left_s)} left"


@dataclass(frozen=True)
class Length:
    """Of a turn: its images, and the seconds that they are expected to take."""

    images: int
    expected_s: float


def run_restart(supervisor: Supervisor, runs: Sequence[RunDirectory], deadline: float, *, last: bool) -> bool:
    """Run the arms of one restart from their workers' start to their results, whatever happens.

    Returns whether no further restart is wanted: the question is answered, or the budget is spent at ``deadline``
    (monotonic; only of a duel with a budget). Where arms do not fit in memory together they run one after another.
    """
    duel = supervisor.sweep.plan.duel
    assert duel
    repeats = {planned.run: planned.repeat for planned in supervisor.sweep.plan.runs}
    stage = Stage(repeats[runs[0].id], max(repeats.values()), time.monotonic(), deadline)
    try:
        configs = [read_config(run) for run in runs]
        manifests = [read_manifest(Path(config.data)) for config in configs]
        check_room_together(configs, manifests, supervisor.gpu.latest())
    except TfptError as error:  # what cannot be read is each run's own error
        note = RunWarning(f"no duel: {error}; its arms ran one after another", "no_duel")
        for run in runs:
            run_one(supervisor, run, note)
        return False
    endings: dict[RunDirectory, tuple[str, RunError | None]] = {}
    answered = False
    with ExitStack() as stack:
        arms: list[Arm] = []
        try:
            whole = duel.accuracy and (last or duel.ends_early)
            for run in runs:
                arms.append(stack.enter_context(_started(supervisor, run, runs, duel, whole=whole)))
                _await(supervisor, arms[-1], arms[-1].started.prepared.limit_s)
            answered = _take_turns(supervisor, arms, duel, stage)
            for arm in arms:
                _finish(supervisor, arm, whole=whole and (last or answered))
        except TurnError as error:
            endings = _broken_off(supervisor, arms, error)
        except Exception as error:  # a mistake of ours must not cost the restarts that follow
            endings = _failed(arms, runs[len(arms) :], error)
        for arm in arms:
            if arm.run not in endings:
                endings[arm.run] = _ending(supervisor, arm, "")
    for run in runs:
        settle(run, *endings.get(run, ("stopped", None)))
    return answered


@contextmanager
def _started(
    supervisor: Supervisor,
    run: RunDirectory,
    runs: Sequence[RunDirectory],
    duel: Duel,
    *,
    whole: bool,
) -> Iterator[Arm]:
    """An arm whose worker was started; at the end it is gone with all its children."""
    prepared = prepare_run(supervisor, run)
    frameworks = {read_config(one).framework for one in runs}
    spread = shown_spread(find_paths().duels, _machine(prepared.environment), frameworks)
    arms = tuple(one.id for one in runs)
    part = DuelPart(arms, duel.until, duel.budget_s, spread.sd, spread.freedom, whole)
    prepared = replace(prepared, environment=replace(prepared.environment, duel=part))
    gate = Gate(whole=whole)
    try:
        started = start_run(supervisor, prepared, gate)
        gate.begun()
        try:
            with Recorder(run.hardware, started.worker.pid, supervisor.gpu) as recorder:
                yield Arm(started, gate, recorder)
        finally:
            kill_group(started.worker.pid)
            started.worker.wait()
    finally:
        gate.close()


def _take_turns(supervisor: Supervisor, arms: Sequence[Arm], duel: Duel, stage: Stage) -> bool:
    """Rounds until there are enough, the question is answered, time is up, or an arm has no epoch left.

    Returns whether no further restart is wanted.
    """
    earlier = _earlier_restarts(supervisor.sweep, len(arms))
    lengths = _size(supervisor, arms, whole=duel.accuracy)
    ratios: list[list[float]] = [[] for _ in arms[1:]]
    said, begun, rounds = "", time.monotonic(), ROUNDS
    for number in itertools.count(1) if lengths else ():
        where = f"duel: restart {stage.restart} of {stage.restarts}, round {number} of {rounds}"
        turns = _play_round(
            supervisor, arms, lengths, number, where, stage.left(begun, number - 1, rounds, duel) + said
        )
        if turns is None:
            return False
        if all("seconds" in turn for turn in turns):
            paces = [turn["seconds"] / turn["images"] for turn in turns]
            for place, pace in enumerate(paces[1:]):
                ratios[place].append(math.log(pace / paces[0]))
        now = time.monotonic()
        if standing := _standing(ratios, earlier, arms[0].spread, duel):
            if duel.ends_early and all(is_answer(one.interval, duel.until) for one in standing):
                return True
            if duel.ends_early:
                rounds = _rounds_of(standing, begun - stage.begun, (now - begun) / number)
            said = "".join(_say(arms, place, one.interval) for place, one in enumerate(standing, start=1))
        if duel.budget_s and now > stage.deadline:
            return True
        if number >= rounds or (now - begun > RESTART_S and standing):
            return False
    return False


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


def _title(arms: Sequence[Arm], place: int) -> str:
    """The framework of an arm, with the settings in which the arms differ where others have the same."""
    configs = [arm.started.prepared.config for arm in arms]
    own, frameworks = configs[place], [config.framework for config in configs]
    if frameworks.count(own.framework) == 1:
        return title_of(own.framework)
    differing = [
        key
        for key, setting in SETTINGS.items()
        if key != "framework" and len({one.value(key) for one in configs}) > 1
        if setting.applies_to(own.framework, own.track)
    ]
    return f"{title_of(own.framework)} ({', '.join(f'{key} {plain(own.value(key))}' for key in differing)})"


def _say(arms: Sequence[Arm], place: int, interval: Interval) -> str:
    """How an arm and the first one stand so far."""
    own, other = _title(arms, place), _title(arms, 0)
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
        arms = _earlier_restarts(sweep, max(planned.row for planned in sweep.plan.runs))
        if not all(arms):
            return
        done = [run for run in sweep.runs if run.result.exists()]
        machine = snapshot_from(read_record(done[0].environment)).fingerprint.machine
        rows = {planned.row: run for run, planned in zip(sweep.runs, sweep.plan.runs, strict=True) if run in done}
        baseline, *others = (read_config(rows[row]) for row in sorted(rows))
        frameworks = tuple(sorted({config.framework for config in (baseline, *others)}))
        pairs = [
            _pair(sweep.id, frameworks, restarts, _only_difference(config, baseline))
            for config, restarts in zip(others, arms, strict=True)
        ]
        keep_duel(find_paths().duels, machine, pairs)
    except (OSError, TfptError, DocumentError) as error:
        print(error, file=sys.stderr)


def _pair(
    sweep: str, frameworks: tuple[str, ...], restarts: Sequence[Restart], difference: tuple[str, Value, Value]
) -> Pair:
    found = estimate(restarts)
    interval = fixed_interval(found)
    ratio, low, high = map(math.exp, (found.log_ratio, interval.low, interval.high))
    return Pair(sweep, frameworks, tuple(restarts), *difference, ratio, low, high)


def _only_difference(config: RunConfig, baseline: RunConfig) -> tuple[str, Value, Value]:
    """The setting in which two arms differ, with both values; empty if they differ in several or not at all."""
    keys = [key for key in SETTINGS if key != "seed" and config.value(key) != baseline.value(key)]
    return (keys[0], config.value(keys[0]), baseline.value(keys[0])) if len(keys) == 1 else ("", "", "")


def _machine(snapshot: MachineSnapshot) -> str:
    return fingerprint(snapshot, on_gpu=snapshot.gpu.used is not None).machine


def _size(supervisor: Supervisor, arms: Sequence[Arm], *, whole: bool) -> list[Length]:
    """How long a turn of each arm is; nothing where an arm has no epoch left before that is known.

    All do the same small turns first, each several times as many images as the one before, until one can be timed.
    Where the trainings end with their last epoch, all rounds fit into them.
    """
    configs = [arm.started.prepared.config for arm in arms]
    train_images = read_manifest(Path(configs[0].data)).total("train")
    most = longest_turn(configs, train_images) if whole else sys.maxsize
    images = 1
    while True:
        tell(supervisor, "running", "duel: finding the length of a turn")
        turns = [_turn(supervisor, arm, images, 0, 0, arm.started.prepared.limit_s) for arm in arms]
        if any("ended" in turn for turn in turns):
            return []
        if any("seconds" not in turn for turn in turns):
            continue  # the machine slept
        seconds = [turn["seconds"] for turn in turns]
        images = GROWTH * max(turn["images"] for turn in turns)
        if min(seconds) >= SIZING_S or max(seconds) >= ALIKE * TURN_S or images > most:
            break
    rates = [turn["images"] / turn["seconds"] for turn in turns]
    if max(rates) > ALIKE * min(rates):
        return [Length(max(1, min(most, round(rate * TURN_S))), TURN_S) for rate in rates]
    middle = math.exp(math.fsum(map(math.log, rates)) / len(rates))
    batch = max(turn["images"] // turn["steps"] for turn in turns)
    alike = max(1, round(min(most, middle * TURN_S) / batch)) * batch
    return [Length(alike, alike / rate) for rate in rates]


def _play_round(
    supervisor: Supervisor, arms: Sequence[Arm], lengths: Sequence[Length], number: int, where: str, standing: str
) -> list[Mapping[str, Any]] | None:
    """One turn of each arm, by the places of the arms; None once one of them has no epoch left.

    ``where`` and ``standing`` are said of the duel, with whose turn it is between them.
    """
    places = list(range(len(arms)))
    turns: dict[int, Mapping[str, Any]] = {}
    for position, place in enumerate(places if number % 2 else reversed(places), start=1):
        length = lengths[place]
        limit_s = PATIENCE * length.expected_s + PATIENCE_S
        tell(supervisor, "running", f"{where}, {_title(arms, place)}'s turn{standing}")
        turns[place] = _turn(supervisor, arms[place], length.images, number, position, limit_s)
        if turns[place].get("ended"):
            return None
    return [turns[place] for place in places]


def _turn(
    supervisor: Supervisor, arm: Arm, images: int, number: int, position: int, limit_s: float
) -> Mapping[str, Any]:
    """Let an arm train on so many images, and wait until it is at its gate again, stopped."""
    arm.recorder.begin()
    arm.gate.order(images=images, round=number, position=position)
    return _await(supervisor, arm, limit_s)


def _await(supervisor: Supervisor, arm: Arm, limit_s: float) -> Mapping[str, Any]:
    """What the arm says when it comes to its gate; it is stopped there.

    Raises:
        TurnError: it ended, is to stop, or does not come.
    """
    worker = arm.started.worker
    resume_group(worker)
    deadline = time.monotonic() + limit_s
    while (answer := arm.gate.answer(TICK_S)) is None:
        if ended(worker, 0):
            raise TurnError(arm, "")
        _look_after(supervisor, arm, deadline, f"no answer within {limit_s:.0f} s of its turn")
    halt_group(worker)
    arm.recorder.tick()
    return answer


def _look_after(supervisor: Supervisor, arm: Arm, deadline: float, late: str) -> None:
    """Keep the record of the arm that runs.

    Raises:
        TurnError: it is to stop, or its time is over, which ``late`` says.
    """
    arm.recorder.tick()
    arm.started.keeper.catch_up()
    if stop_requested(supervisor.sweep, arm.run) or not arm.run.path.is_dir():
        raise TurnError(arm, "stopped")
    if time.monotonic() > deadline:
        raise TurnError(arm, "timeout", late)


def _finish(supervisor: Supervisor, arm: Arm, *, whole: bool) -> None:
    """Let an arm train on to its end and be evaluated, or end where it is; wait until it is gone."""
    if whole:
        tell(supervisor, "running", f"after the duel: {arm.run.id} trains on to its last epoch")
        arm.gate.order(free=True)
    else:
        arm.gate.order(over=True)
    arm.recorder.begin()
    resume_group(arm.started.worker)
    limit_s = arm.started.prepared.limit_s
    deadline = time.monotonic() + limit_s
    while not ended(arm.started.worker, TICK_S):
        _look_after(supervisor, arm, deadline, f"not done {limit_s:.0f} s after the duel")


def _broken_off(
    supervisor: Supervisor, arms: Sequence[Arm], error: TurnError
) -> dict[RunDirectory, tuple[str, RunError | None]]:
    """End all arms: the record of the one that gave no answer says why, those of the others that it did."""
    for arm in arms:
        _end(arm)
    status, reason = _ending(supervisor, error.arm, error.cause)
    if status == "timeout":
        reason = RunError("Timeout", str(error))
    endings: dict[RunDirectory, tuple[str, RunError | None]] = {error.arm.run: (status, reason)}
    why = f"{error.arm.run.id}: {status}{f': {reason.message}' if reason else ''}"
    for arm in arms:
        if arm is not error.arm:
            status, reason = _ending(supervisor, arm, "stopped")
            if status == "stopped" and error.cause != "stopped":
                reason = _ended_with(why)
            endings[arm.run] = status, reason
    return endings


def _end(arm: Arm) -> None:
    if arm.started.worker.poll() is None:
        resume_group(arm.started.worker)
        end_worker(arm.started.worker, "")
        kill_group(arm.started.worker.pid)
    arm.started.worker.wait()


def _ending(supervisor: Supervisor, arm: Arm, cause: str) -> tuple[str, RunError | None]:
    """How an arm ended whose worker is gone; a disk that refuses its record is its error."""
    try:
        return ending_of(supervisor, arm.started, cause)
    except OSError as problem:
        refused = cannot("record the run", problem.filename or arm.run.path, problem)
        return "failed", RunError(type(refused).__name__, str(refused))


def _ended_with(why: str) -> RunError:
    return RunError("DuelEnded", f"the duel ended with its other arm, {why}")


def _failed(
    arms: Sequence[Arm], others: Sequence[RunDirectory], error: Exception
) -> dict[RunDirectory, tuple[str, RunError | None]]:
    """End the arms that wait for one that cannot be started, or cannot be recorded any more."""
    for arm in arms:
        _end(arm)
    named = others[0] if others else arms[-1].run
    trace = "" if isinstance(error, TfptError | OSError) else traceback.format_exc()
    if isinstance(error, OSError):
        error = cannot("record the run", error.filename or named.path, error)
    runs = (*(arm.run for arm in arms), *others)
    endings: dict[RunDirectory, tuple[str, RunError | None]] = {
        run: ("stopped", _ended_with(f"{named.id}: {error}")) for run in runs
    }
    endings[named] = "failed", RunError(type(error).__name__, str(error), trace)
    return endings
