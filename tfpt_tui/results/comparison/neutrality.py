"""Is the worker neutral: does the work of a track cost in it what it costs in a plain script?"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.counters import Counters
from tfpt_tui.documents import finite
from tfpt_tui.environments.interpreters import PACKAGE, check_framework
from tfpt_tui.results.comparison.statistics import compare_times
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.record.lock import machine_lock
from tfpt_tui.runs.tasks.neutrality_evidence import (
    FAULT_STARTS,
    MOST_RESTARTS,
    RESTARTS,
    Case,
    Turn,
    Turns,
    available_cores,
    count_page_faults,
    count_waits,
    make_images,
    take_turns,
)

SCHEMA = 1
NEUTRAL, FAULTY, UNDECIDED = "neutral", "NOT NEUTRAL", "undecided"
# The budget of the design: the worker's time is within 3 % of the script's, and the interval tells it to 10 %.
TIME_BOUND, TIME_PRECISION = 0.03, 0.10
COUNTER_BOUND = 0.20
UNTUNED = "page faults, malloc as it is"
# Differences below these are noise of the kernel's own, and nobody's time: a page fault takes about a microsecond.
LEAST = {"user time": 0.02, "system time": 0.02, "page faults": 1.0, UNTUNED: 1.0}
LEAST_WAITS = 0.5  # of one a step


@dataclass(frozen=True)
class Check:
    """One figure of the plain script and of the worker. ``ratio`` is the worker's to the script's.

    ``low`` and ``high`` are the 95 % interval of the time, else the smallest and largest ratio of the restarts.
    """

    name: str
    unit: str
    plain: float
    worker: float
    outcome: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None

    def describe(self) -> str:
        """Such as ``page faults: 996 an image, 11 in the plain script``."""
        return f"{self.name}: {self.worker:.3g} {self.unit}, {self.plain:.3g} in the plain script"


@dataclass(frozen=True)
class Neutrality:
    """What was found of one case; ``restarts`` is how often both were started."""

    case: Case
    restarts: int
    checks: tuple[Check, ...]

    @property
    def outcome(self) -> str:
        outcomes = {check.outcome for check in self.checks}
        return FAULTY if FAULTY in outcomes else UNDECIDED if UNDECIDED in outcomes else NEUTRAL

    @property
    def faults(self) -> list[str]:
        """What is wrong, by name."""
        return [check.describe() for check in self.checks if check.outcome == FAULTY]


def check_neutrality(
    cases: Sequence[Case], settings: UserSettings, say: Callable[[str], None], package: Path = PACKAGE
) -> Iterator[Neutrality]:
    """Measure and judge the cases one after the other, each as soon as it is known.

    Both are started anew until the answer is clear, at most eight times. ``package`` is the folder whose backends
    are measured.

    Raises:
        MissingError: a framework is not there.
        TfptError: a process failed; the message has its last line.
    """
    interpreters = {case.framework: check_framework(case.framework, settings) for case in cases}
    threads = available_cores()
    with (
        machine_lock("tfpt-tui parity --neutrality", say),
        TemporaryDirectory(prefix="tfpt-tui-neutrality-") as place,
    ):
        directory = Path(place)
        data = {
            measure: make_images(directory / f"images-{measure}", measure)
            for measure in dict.fromkeys(case.measure for case in cases)
        }
        for number, case in enumerate(cases):
            interpreter, own = interpreters[case.framework], directory / str(number)
            images = data[case.measure]
            waits, faults = None, []
            if case.measure == "model":
                waits = count_waits(case, interpreter, images, own / "waits", package=package, threads=threads)
                faults = [
                    count_page_faults(
                        case, interpreter, images, own / f"faults-{start}", package=package, threads=threads
                    )
                    for start in range(FAULT_STARTS)
                ]
            restarts: list[Turns] = []
            found = None
            while found is None or (found.outcome == UNDECIDED and len(restarts) < MOST_RESTARTS):
                place_of_turns = own / str(len(restarts))
                restarts.append(
                    take_turns(case, interpreter, images, place_of_turns, package=package, threads=threads)
                )
                if len(restarts) >= RESTARTS:
                    found = judge(case, restarts, waits, faults)
            yield found


def judge(
    case: Case,
    restarts: Sequence[Turns],
    waits: tuple[float, float] | None = None,
    faults: Sequence[tuple[float, float]] = (),
) -> Neutrality:
    """Judge a case by all its restarts.

    ``waits`` are those of a step, ``faults`` the page faults an image of some starts with malloc as it is; both of
    the plain script and of the worker.
    """
    checks = [
        _judge_time(restarts),
        _judge_counter("user time", "ms an image", _per_image(restarts, lambda counters: 1e3 * counters.user_s)),
        _judge_counter(
            "system time", "ms an image", _per_image(restarts, lambda counters: 1e3 * counters.system_s)
        ),
        _judge_counter(
            "page faults",
            "an image",
            _per_image(restarts, lambda counters: counters.minor_faults + counters.major_faults),
        ),
        _judge_equal("threads", "threads", restarts[0].plain_threads, restarts[0].worker_threads, 0),
    ]
    if faults:
        checks.append(_judge_luck(_judge_counter(UNTUNED, "an image", faults)))
    if waits:
        checks.append(_judge_equal("waits", "waits for the device a step", *waits, LEAST_WAITS))
    return Neutrality(case, len(restarts), tuple(checks))


def _judge_time(restarts: Sequence[Turns]) -> Check:
    """Seconds of an epoch, by the starts: the turns of one share the luck of that start.

    A start counts with the median of its pairs of turns, which a disturbed turn does not move.
    """
    pairs = [
        [
            (statistics.fmean(plain.epochs_s), statistics.fmean(worker.epochs_s))
            for plain, worker in zip(turns.plain, turns.worker, strict=True)
        ]
        for turns in restarts
    ]
    ratios = [statistics.median(worker / plain for plain, worker in turns) for turns in pairs]
    found = compare_times(dict(enumerate(ratios)), dict.fromkeys(range(len(ratios)), 1.0))
    assert found is not None
    ratio, low, high = found.ratio, found.low or 0.0, found.high or math.inf
    if low > 1 + TIME_BOUND or high < 1 - TIME_BOUND:
        outcome = FAULTY
    elif abs(ratio - 1) <= TIME_BOUND and low >= 1 - TIME_PRECISION and high <= 1 + TIME_PRECISION:
        outcome = NEUTRAL
    else:
        outcome = UNDECIDED
    plain, worker = (statistics.median(times) for times in zip(*chain.from_iterable(pairs), strict=True))
    return Check("time", "s an epoch", plain, worker, outcome, ratio, found.low, found.high)


def _judge_counter(name: str, unit: str, starts: Sequence[tuple[float, float]]) -> Check:
    """A figure per image, of the plain script and of the worker, for every start.

    Starts of one program differ. So what is certain is a worker of which every start lies beyond every start of
    the script.
    """
    plain, worker = [one for one, _ in starts], [one for _, one in starts]
    middle, own, least = statistics.fmean(plain), statistics.fmean(worker), LEAST[name]
    above = min(worker) > (1 + COUNTER_BOUND) * max(plain) + least
    below = max(worker) < (1 - COUNTER_BOUND) * min(plain) - least
    near = abs(own - middle) <= COUNTER_BOUND * middle + least
    outcome = FAULTY if above or below else NEUTRAL if near else UNDECIDED
    ratios = [one / other for one, other in zip(worker, plain, strict=True) if other]
    return Check(
        name,
        unit,
        middle,
        own,
        outcome,
        own / middle if middle else None,
        min(ratios, default=None),
        max(ratios, default=None),
    )


def _judge_luck(check: Check) -> Check:
    """Starts that differ by luck say nothing but when all of the worker's are beyond all of the script's."""
    return check if check.outcome == FAULTY else dataclasses.replace(check, outcome=NEUTRAL)


def _judge_equal(name: str, unit: str, plain: float, worker: float, least: float) -> Check:
    return Check(name, unit, plain, worker, FAULTY if abs(worker - plain) > least else NEUTRAL)


def _per_image(restarts: Sequence[Turns], value_of: Callable[[Counters], float]) -> list[tuple[float, float]]:
    """Of the plain script and of the worker, for every start."""

    def of(turns: Sequence[Turn]) -> float:
        counters = sum((turn.counters for turn in turns), Counters())
        return value_of(counters) / sum(turn.images for turn in turns)

    return [(of(start.plain), of(start.worker)) for start in restarts]


def neutrality_table(found: Sequence[Neutrality]) -> Table:
    """A row a case: the ratios of the worker to the plain script, and what is wrong in words below."""
    columns = (
        Column("framework", "framework"),
        Column("track", "track"),
        Column("measure", "measure"),
        Column("outcome", "outcome"),
        Column("time", "time", 3),
        Column("time_low", "low", 3),
        Column("time_high", "high", 3),
        Column("user_time", "user", 2),
        Column("system_time", "system", 2),
        Column("page_faults", "faults/image", 1),
        Column("plain_page_faults", "plain", 1),
        Column("untuned_page_faults", "untuned", 0),
        Column("plain_untuned_page_faults", "plain", 0),
        Column("waits", "waits/step", 1),
        Column("plain_waits", "plain", 1),
        Column("restarts", "starts"),
        Column("device", "device", printed=len({one.case.device for one in found}) > 1),
    )
    notes = [
        "time, user, system: the worker's to those of a plain script of the same work, taking turns;"
        " 1 costs nothing. low, high: 95 % interval",
        "while they take turns malloc keeps all memory; untuned: page faults an image with malloc as it is",
    ]
    notes += [f"{one.case}: {fault}" for one in found for fault in one.faults]
    notes += [
        f"{one.case}: undecided on so noisy a machine: {_undecided(one)}" for one in found if _undecided(one)
    ]
    return Table(columns, tuple(map(_row, found)), tuple(notes))


def document(found: Sequence[Neutrality]) -> dict[str, Any]:
    """What ``parity --neutrality --json`` prints."""
    cases = [
        {**dataclasses.asdict(one.case), "outcome": one.outcome, "restarts": one.restarts}
        | {"checks": [finite(dataclasses.asdict(check)) for check in one.checks]}
        for one in found
    ]
    return {
        "schema": SCHEMA,
        "passed": bool(found) and all(one.outcome != FAULTY for one in found),
        "neutrality": cases,
    }


def _undecided(one: Neutrality) -> str:
    return "; ".join(check.describe() for check in one.checks if check.outcome == UNDECIDED)


def _row(one: Neutrality) -> dict[str, Cell]:
    checks = {check.name: check for check in one.checks}
    time, faults, untuned = checks["time"], checks["page faults"], checks.get(UNTUNED)
    waits = checks.get("waits")
    return {
        "framework": title_of(one.case.framework),
        "track": one.case.track,
        "measure": one.case.measure,
        "outcome": one.outcome,
        "time": time.ratio,
        "time_low": time.low,
        "time_high": time.high,
        "user_time": checks["user time"].ratio,
        "system_time": checks["system time"].ratio,
        "page_faults": faults.worker,
        "plain_page_faults": faults.plain,
        "untuned_page_faults": untuned.worker if untuned else None,
        "plain_untuned_page_faults": untuned.plain if untuned else None,
        "waits": waits.worker if waits else None,
        "plain_waits": waits.plain if waits else None,
        "restarts": one.restarts,
        "device": one.case.device,
    }
