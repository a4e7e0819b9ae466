"""The arms of a duel or a race: workers that take turns, each stopped while another trains.

Only one arm ever runs. Whoever has no turn has synchronised its device, waits at its gate, and is stopped by the
kernel with all its threads and loaders (SIGSTOP): whatever it would prefetch or poll for, it does in its own time.
"""

from __future__ import annotations

import math
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import SETTINGS, plain
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import ONLY_TURNS, RunError, Slice
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.machine_snapshot import DuelPart, MachineSnapshot
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.runs.plan.duel import ALIKE, DUEL_ENDED, TURN_S, Duel, longest_turn
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import Spread, is_disturbed
from tfpt_tui.runs.record.processes import halt_group, kill_group, resume_group
from tfpt_tui.runs.record.shown_by_duels import shown_spread
from tfpt_tui.runs.record.sweep import read_config
from tfpt_tui.runs.supervision.gate import Gate
from tfpt_tui.runs.supervision.worker_run import (
    GRACE_S,
    TICK_S,
    StartedRun,
    Supervisor,
    ended,
    ending_of,
    prepare_run,
    start_run,
    stop_requested,
    tell,
)

# Turns to find the length of a turn: long enough to be timed, and no longer than they need be.
SIZING_S = 0.25
GROWTH = 4
# So often they are done again where others disturb them, and then taken as they are.
MOST_DISTURBED = 5
# A turn that takes so much longer than the one before it does not come back.
PATIENCE = 20
PATIENCE_S = 60.0
# Settings that name the first arm; in a race it differs from each other one in another switch.
MOST_NAMED = 2


class TurnError(Exception):
    """An arm gave no answer: ``cause`` is why it is ended, "" where it ended by itself."""

    def __init__(self, arm: Arm, cause: str, message: str = "") -> None:
        super().__init__(message)
        self.arm = arm
        self.cause = cause


class NoEpochLeftError(Exception):
    """The training of an arm came to its end in its turn."""


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
class Length:
    """Of a turn: its images, and the seconds that they are expected to take."""

    images: int
    expected_s: float


@contextmanager
def started_arm(
    supervisor: Supervisor,
    run: RunDirectory,
    runs: Sequence[RunDirectory],
    duel: Duel,
    kind: str,
) -> Iterator[Arm]:
    """An arm whose worker was started; at the end it is gone with all its children."""
    prepared = prepare_run(supervisor, run)
    frameworks = {read_config(one).framework for one in runs}
    machine, own = machine_of(prepared.environment), supervisor.sweep.id
    spread = shown_spread(find_paths().duels, machine, frameworks, own)
    arms = tuple(one.id for one in runs)
    part = DuelPart(arms, duel.until, duel.budget_s, spread.sd, spread.freedom, kind != ONLY_TURNS)
    prepared = replace(prepared, environment=replace(prepared.environment, duel=part))
    gate = Gate(kind)
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


def machine_of(snapshot: MachineSnapshot) -> str:
    return fingerprint(snapshot, on_gpu=snapshot.gpu.used is not None).machine


def patience_s(arm: Arm, deadline: float) -> float:
    """How long an arm may take to its next gate: what its training may, and no longer than until the deadline."""
    return min(arm.started.prepared.limit_s, max(PATIENCE_S, deadline - time.monotonic()))


def size_turns(
    supervisor: Supervisor,
    arms: Sequence[Arm],
    *,
    whole: bool,
    turn_s: float = TURN_S,
    deadline: float = math.inf,
) -> list[Length]:
    """How long a turn of each arm is; nothing where an arm has no epoch left before that is known.

    All do the same small turns first, each several times as many images as the one before, until one can be timed.
    Turns take ``turn_s`` seconds on average. Where the trainings end with their last epoch, all rounds fit into
    them.
    """
    configs = [arm.started.prepared.config for arm in arms]
    train_images = read_manifest(Path(configs[0].data)).total("train")
    most = longest_turn(configs, train_images) if whole else sys.maxsize
    images, unit, disturbed = 1, 0, 0
    while True:
        tell(supervisor, "running", "duel: finding the length of a turn")
        try:
            taken = [take_turn(supervisor, arm, images, 0, 0, patience_s(arm, deadline)) for arm in arms]
        except NoEpochLeftError:
            return []
        turns = [turn for turn in taken if turn]
        if len(turns) < len(taken):
            continue
        unit = unit or max(turn.images for turn in turns)  # the smallest turn: of one step, or of some at once
        if any(map(is_disturbed, turns)) and disturbed < MOST_DISTURBED:
            disturbed += 1
            continue
        seconds = [turn.seconds for turn in turns]
        images = GROWTH * max(turn.images for turn in turns)
        if min(seconds) >= SIZING_S or max(seconds) >= ALIKE * turn_s or images > most:
            break
    rates = [turn.images / turn.seconds for turn in turns]
    if max(rates) > ALIKE * min(rates):
        return [Length(max(1, min(most, round(rate * turn_s))), turn_s) for rate in rates]
    middle = math.exp(math.fsum(map(math.log, rates)) / len(rates))
    alike = max(1, round(min(most, middle * turn_s) / unit)) * unit
    return [Length(alike, alike / rate) for rate in rates]


def take_turn(
    supervisor: Supervisor, arm: Arm, images: int, number: int, position: int, limit_s: float
) -> Slice | None:
    """Let an arm train on so many images, and wait until it is at its gate again, stopped.

    Returns what it did, None where the machine slept meanwhile.

    Raises:
        NoEpochLeftError: its training came to its end.
        TurnError: it ended, is to stop, or does not come to its gate.
    """
    arm.recorder.begin()
    arm.gate.order(images=images, round=number, position=position)
    said = await_arm(supervisor, arm, limit_s)
    if "ended" in said:
        raise NoEpochLeftError
    if "seconds" not in said:
        return None
    return Slice(number, position, said["steps"], said["images"], said["seconds"], other_load=said["other_load"])


def await_arm(supervisor: Supervisor, arm: Arm, limit_s: float) -> Mapping[str, Any]:
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


def finish(supervisor: Supervisor, arm: Arm, *, whole: bool) -> None:
    """Let an arm train on to its end and be evaluated, or end where it is; wait until it is gone."""
    if whole:
        tell(supervisor, "running", f"after the duel: {arm.run.id} trains to its last epoch")
        arm.gate.let_go()
    else:
        arm.gate.order(over=True)
    arm.recorder.begin()
    resume_group(arm.started.worker)
    limit_s = arm.started.prepared.limit_s
    deadline = time.monotonic() + limit_s
    while not ended(arm.started.worker, TICK_S):
        _look_after(supervisor, arm, deadline, f"not done {limit_s:.0f} s after the duel")


def end_arms(arms: Sequence[Arm]) -> None:
    """Ask all at once, and kill those that take too long."""
    alive = [arm.started.worker for arm in arms if arm.started.worker.poll() is None]
    for worker in alive:
        resume_group(worker)
        worker.terminate()
    for worker in alive:
        ended(worker, GRACE_S)
        kill_group(worker.pid)
        worker.wait()


def ending_of_arm(supervisor: Supervisor, arm: Arm, cause: str) -> tuple[str, RunError | None]:
    """How an arm ended whose worker is gone; a disk that refuses its record is its error."""
    try:
        return ending_of(supervisor, arm.started, cause)
    except OSError as problem:
        refused = cannot("record the run", problem.filename or arm.run.path, problem)
        return "failed", RunError(type(refused).__name__, str(refused))


def title_of_arm(arms: Sequence[Arm], place: int) -> str:
    """The framework of an arm, with the settings in which the arms differ where others have the same.

    Of more than two arms, those in which it differs from the first; of the first, those in which any other does.
    """
    configs = [arm.started.prepared.config for arm in arms]
    own, frameworks = configs[place], [config.framework for config in configs]
    if frameworks.count(own.framework) == 1:
        return title_of(own.framework)
    others = configs if place == 0 or len(configs) == 2 else configs[:1]
    differing = [
        key
        for key, setting in SETTINGS.items()
        if key != "framework" and any(one.value(key) != own.value(key) for one in others)
        if setting.applies_to(own.framework, own.track)
    ]
    named = [] if place == 0 and len(differing) > MOST_NAMED else differing
    words = ", ".join(f"{key} {plain(own.value(key))}" for key in named) or "the first arm"
    return f"{title_of(own.framework)} ({words})"


def ended_with(why: str) -> RunError:
    return RunError(DUEL_ENDED, f"the duel ended with its other arm, {why}")


def failed(
    arms: Sequence[Arm], others: Sequence[RunDirectory], named: RunDirectory, error: Exception
) -> dict[RunDirectory, tuple[str, RunError | None]]:
    """End the arms beside the one ``named``, which cannot be started, or not be recorded any more."""
    end_arms(arms)
    trace = "" if isinstance(error, TfptError | OSError) else traceback.format_exc()
    if isinstance(error, OSError):
        error = cannot("record the run", error.filename or named.path, error)
    runs = (*(arm.run for arm in arms), *others)
    endings: dict[RunDirectory, tuple[str, RunError | None]] = {
        run: ("stopped", ended_with(f"{named.id}: {error}")) for run in runs
    }
    endings[named] = "failed", RunError(type(error).__name__, str(error), trace)
    return endings
