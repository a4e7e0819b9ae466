"""How long a plan will take, from what this machine has recorded, and corrected as its runs finish."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.schema import SETTINGS, RunConfig
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import read_gpu
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.runs.plan.duel import ALIKE, ROUNDS, TURN_S, fits_into_trainings, longest_turn
from tfpt_tui.runs.record.result import RunResult

# A recording tells nothing of a run that differs in these.
SAME = tuple(key for key, setting in SETTINGS.items() if setting.speed == 0)
# The others, those first that change the pace most.
CLOSE = tuple(sorted((key for key in SETTINGS if SETTINGS[key].speed), key=lambda key: SETTINGS[key].speed or 0))
# More recordings of one kind say little more, and the oldest least.
LATEST = 5
CALM_PHASES = ("training", "evaluation")
# The supervisor's look at the machine and its pictures are in no phase: 1.4 to 2.8 s of a run on two cores.
SUPERVISED_S = 2.0
# The turns that find the length of a turn take as long as so many of them.
SIZING_ROUNDS = 2


@dataclass(frozen=True)
class Pace:
    """What a recorded run needed: seconds beside training and evaluation, and images a second in both.

    ``doubtful`` says that something disturbed it, as another program does.
    """

    config: RunConfig
    overhead_s: float
    images_per_s: float
    tested_per_s: float
    doubtful: bool = False


def paces_here(summaries: Iterable[RunResult]) -> list[Pace]:
    """The paces of the runs that this machine has completed, in the order of ``summaries``."""
    machine = describe_machine(read_gpu())
    return paces_of(summaries, *(fingerprint(machine, on_gpu=on_gpu).machine for on_gpu in (False, True)))


def paces_of(summaries: Iterable[RunResult], *machines: str) -> list[Pace]:
    """The paces of the completed runs of a machine (its fingerprints), in the order given."""
    return [
        pace
        for summary in summaries
        if summary.completed and summary.environment.fingerprint.machine in machines
        if (pace := pace_of(summary))
    ]


def pace_of(result: RunResult) -> Pace | None:
    """The pace of one run, None where it has none."""
    rate, tested = result.training.images_per_s or 0.0, result.test.images_per_s or 0.0
    if not rate > 0 or not result.phases:
        return None
    overhead_s = sum(seconds for phase, seconds in result.phases.items() if phase not in CALM_PHASES)
    doubtful = bool(result.doubts("time"))
    return Pace(result.config, overhead_s, rate, tested if tested > 0 else rate, doubtful)


def estimate_s(config: RunConfig, train_images: int, test_images: int, paces: Sequence[Pace]) -> float | None:
    """Seconds that a run will take, None where nothing like it is recorded. ``paces`` are newest first.

    The recordings that differ in the least important settings count, the latest few by their median; those that
    were disturbed count only where there are no others. A larger input takes longer by its area.
    """
    near = _near(config, paces)
    if not near:
        return None
    steps = min(train_images, config.max_steps * config.batch_size or train_images)
    seconds = SUPERVISED_S + statistics.median(
        pace.overhead_s
        + _area(pace, config)
        * (config.epochs_trained * steps / pace.images_per_s + test_images / pace.tested_per_s)
        for pace in near
    )
    return min(seconds, config.timeout_s) if config.timeout_s else seconds


def _near(config: RunConfig, paces: Sequence[Pace]) -> list[Pace]:
    """The paces that tell most of a run, none where nothing like it is recorded."""
    alike = [pace for pace in paces if all(pace.config.value(key) == config.value(key) for key in SAME)]
    if not alike:
        return []
    closest = min(_distance(pace, config) for pace in alike)
    close = [pace for pace in alike if _distance(pace, config) == closest]
    return ([pace for pace in close if not pace.doubtful] or close)[:LATEST]


def duel_s(arms: Sequence[RunConfig], restarts: int, accuracy: bool, paces: Sequence[Pace]) -> float | None:
    """Seconds that a duel of planned length will take, None where nothing like an arm is recorded.

    Every restart starts its arms one after the other; then all do the same images in each round, in a second on
    average. Where ``accuracy`` is wanted, those of the last one train to their end; the rounds are part of that
    where they fit into it.

    Raises:
        MissingError: a dataset is not there.
        UsageError: a manifest is broken.
    """
    near = [_near(config, paces) for config in arms]
    if not all(near):
        return None
    rates = [
        statistics.median(pace.images_per_s / _area(pace, config) for pace in close)
        for config, close in zip(arms, near, strict=True)
    ]
    starting_s = sum(SUPERVISED_S + statistics.median(pace.overhead_s for pace in close) for close in near)
    train_images = read_manifest(Path(arms[0].data)).total("train") if accuracy else 0
    fits = accuracy and fits_into_trainings(arms, train_images)
    most = longest_turn(arms, train_images) if fits else math.inf
    images = min(most, math.exp(statistics.fmean(map(math.log, rates))) * TURN_S)
    alike = max(rates) <= ALIKE * min(rates)
    round_s = sum(images / rate if alike else min(TURN_S, most / rate) for rate in rates)
    restart_s = starting_s + (SIZING_ROUNDS + ROUNDS) * round_s
    whole_s = sum(one or 0.0 for one in expect_s(arms, paces)) if accuracy else 0.0
    last_s = max(restart_s, whole_s) if fits else restart_s + whole_s
    return (restarts - 1) * restart_s + last_s


def expect_s(configs: Sequence[RunConfig], paces: Sequence[Pace]) -> list[float | None]:
    """The seconds of each run, None where nothing like it is recorded.

    Raises:
        MissingError: a dataset is not there.
        UsageError: a manifest is broken.
    """
    manifests = {data: read_manifest(Path(data)) for data in dict.fromkeys(config.data for config in configs)}
    counts = {data: (manifest.total("train"), manifest.total("test")) for data, manifest in manifests.items()}
    return [estimate_s(config, *counts[config.data], paces) for config in configs]


def expect_elsewhere_s(run: RunResult, others: Iterable[RunResult]) -> float | None:
    """Seconds of a run of another machine, by what that has completed of the same dataset, which may not be here.

    None where it has completed nothing like it; ``others`` are newest first.
    """
    done = [one for one in others if one.completed and one.machine == run.machine]
    sizes = [
        (one.training.images // one.training.epochs, one.test.images)
        for one in done
        if one.config.data == run.config.data and one.training.epochs and not one.config.max_steps
    ]
    paces = [pace for one in done if (pace := pace_of(one))]
    return estimate_s(run.config, *sizes[0], paces) if sizes else None


def corrected_s(left_s: Sequence[float], finished: Sequence[tuple[float, float]]) -> float:
    """What the estimates of the runs that are left amount to, after pairs of estimated and real seconds."""
    ratios = [real / estimated for estimated, real in finished if estimated > 0]
    return sum(left_s) * (statistics.median(ratios) if ratios else 1.0)


def _distance(pace: Pace, wanted: RunConfig) -> tuple[bool, ...]:
    """Which settings differ, the most important first: False comes before True."""
    return tuple(pace.config.value(key) != wanted.value(key) for key in CLOSE)


def _area(pace: Pace, config: RunConfig) -> float:
    return (config.image_size / pace.config.image_size) ** 2
