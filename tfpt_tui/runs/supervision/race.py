"""A race: the first arm is to be beaten, and those that certainly cannot are sent home early.

An arm that crashes, hangs or runs out of memory has lost; its record says why. Only without the first one there is
no race.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.errors import TfptError
from tfpt_tui.events import ONLY_TURNS, RunError, Slice
from tfpt_tui.runs.plan.duel import MOST_TIMES, RACE_ROUNDS, Duel
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import NO_SPREAD, estimate, estimate_restart, log_ratios, sequence_interval
from tfpt_tui.runs.record.sweep import read_config
from tfpt_tui.runs.supervision.arms import (
    PATIENCE,
    PATIENCE_S,
    Arm,
    Length,
    TurnError,
    await_arm,
    end_arms,
    ended_with,
    ending_of_arm,
    failed,
    finish,
    patience_s,
    size_turns,
    started_arm,
    take_turn,
    title_of_arm,
)
from tfpt_tui.runs.supervision.memory_check import check_room_together
from tfpt_tui.runs.supervision.worker_run import Supervisor, settle, tell

# Whoever is slower than that in each of so many rounds need not be timed any better.
FAR_BEHIND = math.log(1.15)
FEW_ROUNDS = 4

Endings = dict[RunDirectory, tuple[str, RunError | None]]


def run_race(supervisor: Supervisor, runs: Sequence[RunDirectory], deadline: float) -> None:
    """Run all arms from their workers' start to their results; ``deadline`` (monotonic) ends it."""
    duel = supervisor.sweep.plan.duel
    assert duel
    endings: Endings = {}
    field: list[Arm] = []
    with ExitStack() as stack:
        try:
            configs = [read_config(run) for run in runs]
            check_room_together(
                configs, [read_manifest(Path(one.data)) for one in configs], supervisor.gpu.latest()
            )
            for run in runs:
                _enter(supervisor, run, runs, duel, deadline, field, endings, stack)
            _play(supervisor, field, endings, duel, deadline)
            for arm in reversed(field[:]):  # the first one last: without it the others would not count
                _send_home(supervisor, arm, field, endings)
        except TurnError as error:
            end_arms([error.arm, *field])
            endings[error.arm.run] = status, reason = _ending(supervisor, error)
            why = f"{error.arm.run.id}: {status}{f': {reason.message}' if reason else ''}"
            for arm in field:
                if arm is not error.arm:
                    stopped, _ = ending_of_arm(supervisor, arm, "stopped")
                    endings[arm.run] = stopped, None if error.cause == "stopped" else ended_with(why)
        except Exception as error:  # a mistake of ours must not cost the plan its end
            out = [run for run in runs if run not in endings and run not in [arm.run for arm in field]]
            endings |= failed(field, out, out[0] if out else field[-1].run, error)
    for run in runs:
        settle(run, *endings.get(run, ("stopped", None)))


def _enter(
    supervisor: Supervisor,
    run: RunDirectory,
    runs: Sequence[RunDirectory],
    duel: Duel,
    deadline: float,
    field: list[Arm],
    endings: Endings,
    stack: ExitStack,
) -> None:
    """Start an arm. One that does not come to its gate has lost, unless it is the first.

    Raises:
        TurnError: the first one does not, or the race is to stop.
    """
    tell(supervisor, "running", f"race: starting arm {len(field) + len(endings) + 1} of {len(runs)}")
    try:
        arm = stack.enter_context(started_arm(supervisor, run, runs, duel, ONLY_TURNS))
    except TfptError as error:
        if not field:
            raise
        endings[run] = "failed", RunError(type(error).__name__, str(error))
        return
    try:
        await_arm(supervisor, arm, patience_s(arm, deadline))
    except TurnError as error:
        _drop(supervisor, error, field, endings)
        return
    field.append(arm)


def _play(supervisor: Supervisor, field: list[Arm], endings: Endings, duel: Duel, deadline: float) -> None:
    """Rounds until there are enough, time is up, or only the first is left; losers are taken from the field.

    Raises:
        TurnError: the first arm gave no answer, or the race is to stop.
    """
    if len(field) < 2:
        return
    sizes = _size(supervisor, field, endings, duel, deadline)
    if not sizes:
        return
    lengths = {arm.run: size for arm, size in zip(field, sizes, strict=True)}
    slices: dict[RunDirectory, list[Slice]] = {arm.run: [] for arm in field}
    first, done = field[0].run, 0
    for number in itertools.count(1):
        _play_round(supervisor, field, lengths, number, done, slices, endings)
        ratios = {arm.run: log_ratios(slices[arm.run], slices[first]) for arm in field[1:]}
        for arm in [arm for arm in field[1:] if _has_lost(ratios[arm.run])]:
            _send_home(supervisor, arm, field, endings)
        done = min((len(ratios[arm.run]) for arm in field[1:]), default=RACE_ROUNDS)
        if done >= RACE_ROUNDS or number >= MOST_TIMES * RACE_ROUNDS:
            return
        if time.monotonic() > deadline and number >= FEW_ROUNDS:
            return


def _size(supervisor: Supervisor, field: list[Arm], endings: Endings, duel: Duel, deadline: float) -> list[Length]:
    """How long the turns of all arms are that answer; nothing where there is no race any more."""
    while len(field) > 1:
        try:
            return size_turns(supervisor, field, whole=False, turn_s=duel.turn_s, deadline=deadline)
        except TurnError as error:
            _drop(supervisor, error, field, endings)
    return []


def _play_round(
    supervisor: Supervisor,
    field: list[Arm],
    lengths: Mapping[RunDirectory, Length],
    number: int,
    done: int,
    slices: Mapping[RunDirectory, list[Slice]],
    endings: Endings,
) -> None:
    """One turn of each arm, in the opposite order every second time; what they did is added to their slices."""
    for position, arm in enumerate(field[:] if number % 2 else field[::-1], start=1):
        length = lengths[arm.run]
        whose = title_of_arm(field, field.index(arm))
        tell(
            supervisor,
            "running",
            f"race: round {done + 1} of {RACE_ROUNDS}, {len(field)} still in it, {whose}'s turn",
        )
        limit_s = PATIENCE * length.expected_s + PATIENCE_S
        try:
            turn = take_turn(supervisor, arm, length.images, number, position, limit_s)
        except TurnError as error:
            _drop(supervisor, error, field, endings)
            continue
        slices[arm.run] += [turn] if turn else []


def _has_lost(ratios: Sequence[float]) -> bool:
    """Whether it is certainly slower than the first, however often one looks."""
    if len(ratios) >= FEW_ROUNDS and min(ratios) > FAR_BEHIND:
        return True
    restart = estimate_restart(ratios)
    return restart is not None and sequence_interval(estimate([restart], NO_SPREAD)).low > 0


def _send_home(supervisor: Supervisor, arm: Arm, field: list[Arm], endings: Endings) -> None:
    """End an arm that was measured well enough, and take it out of the race.

    Raises:
        TurnError: it is the first one and does not end, or the race is to stop.
    """
    try:
        finish(supervisor, arm, whole=False)
    except TurnError as error:
        _drop(supervisor, error, field, endings)
        return
    endings[arm.run] = ending_of_arm(supervisor, arm, "")
    field.remove(arm)


def _drop(supervisor: Supervisor, error: TurnError, field: list[Arm], endings: Endings) -> None:
    """Take an arm that gave no answer out of the race.

    Raises:
        TurnError: it is the first one, or the race is to stop.
    """
    if error.cause == "stopped" or not field or error.arm is field[0]:
        raise error
    endings[error.arm.run] = _ending(supervisor, error)
    if error.arm in field:
        field.remove(error.arm)


def _ending(supervisor: Supervisor, error: TurnError) -> tuple[str, RunError | None]:
    end_arms([error.arm])
    status, reason = ending_of_arm(supervisor, error.arm, error.cause)
    return status, RunError("Timeout", str(error)) if status == "timeout" else reason
