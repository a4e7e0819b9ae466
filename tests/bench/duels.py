"""How often the intervals of duels have the truth, and how soon they have an answer: on simulated noise.

``python -m tests.bench duels`` takes some minutes on one core. Noise as in tests/noise.py.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from tests.noise import draw_rounds
from tfpt_tui.runs.plan.duel import MOST_RESTARTS, MOST_ROUNDS, RESTARTS, ROUNDS
from tfpt_tui.runs.record.duel_ratio import (
    EQUIVALENT,
    enough_rounds,
    estimate,
    estimate_restart,
    fixed_interval,
    is_answer,
    sequence_interval,
)

COVERAGE_DUELS, EQUAL_DUELS, DIFFERENT_DUELS = 1000, 2000, 300
START_S, ROUND_S = 20.0, 2.0  # on two cores
PLANNED_S = RESTARTS * (START_S + ROUNDS * ROUND_S)


def coverage(restarts: int, process_sd: float, log_ratio: float = 0.05) -> tuple[float, float]:
    """The share of planned duels whose interval has the truth, and the median width of the interval."""
    rng = np.random.default_rng(restarts)
    inside, widths = 0, []
    for _ in range(COVERAGE_DUELS):
        fought = [estimate_restart(draw_rounds(rng, ROUNDS, log_ratio, process_sd)) for _ in range(restarts)]
        found = fixed_interval(estimate([one for one in fought if one]))
        inside += found.low <= log_ratio <= found.high
        widths.append(found.high - found.low)
    return inside / COVERAGE_DUELS, float(np.median(widths))


def sequential(rng: np.random.Generator, log_ratio: float, process_sd: float) -> tuple[str, float]:
    """What a duel that may end early says, and its seconds."""
    earlier, seconds = [], 0.0
    for _ in range(MOST_RESTARTS):
        rounds = draw_rounds(rng, MOST_ROUNDS, log_ratio, process_sd)
        seconds += START_S
        for count in range(2, MOST_ROUNDS + 1, 2):
            seconds += 2 * ROUND_S
            current = estimate_restart(rounds[:count])
            if current is None:
                continue
            found = estimate([*earlier, current])
            interval = sequence_interval(found)
            if is_answer(interval, 0.0):
                if interval.low >= math.log(1 - EQUIVALENT) and interval.high <= math.log(1 + EQUIVALENT):
                    return "equivalent", seconds
                return "slower" if interval.low > 0 else "faster", seconds
            if count >= enough_rounds(current, found.spread, START_S, ROUND_S):
                break
        earlier.append(current)
    return "inconclusive", seconds


def main() -> None:
    print("share of intervals with the truth, and their median width")
    for process_sd in (0.0, 0.01, 0.03):
        for restarts in (1, 3, 5):
            share, width = coverage(restarts, process_sd)
            print(f"  {process_sd:.0%} a process, {restarts} restarts: {share:.1%}, width {width:.3f}", flush=True)
    print(f"duels that may end after every block; one of planned length takes {PLANNED_S:.0f} s")
    for log_ratio, process_sd, count in (
        (0.0, 0.0, EQUAL_DUELS),
        (0.0, 0.01, EQUAL_DUELS),
        (math.log(1.1), 0.01, DIFFERENT_DUELS),
        (math.log(1.2), 0.01, DIFFERENT_DUELS),
    ):
        rng = np.random.default_rng(7)
        ended = [sequential(rng, log_ratio, process_sd) for _ in range(count)]
        said = ", ".join(f"{word} {times}" for word, times in Counter(word for word, _ in ended).most_common())
        mean_s = sum(seconds for _, seconds in ended) / count
        print(f"  ratio {math.exp(log_ratio):.2f}, {process_sd:.0%} a process: {said}; {mean_s:.0f} s", flush=True)
