"""Log ratios of a duel's rounds on a machine that is as noisy as real ones: for tests and simulations."""

import numpy as np


def draw_rounds(rng, rounds, log_ratio, process_sd, felt_by_one=0.05):
    """The rounds of one restart of two arms, of which one takes ``log_ratio`` more time.

    A slice's noise is drift (a random walk), slower and faster hours (correlated from slice to slice), bursts of
    others' work, heavy tails of its own, and work of others that one arm alone feels. ``process_sd`` is how much
    each process differs from the next start of the same.
    """
    slices = 2 * rounds
    shared = np.cumsum(rng.normal(0, 0.01, slices)) + _correlated(rng, slices, 0.04, 0.7) + _bursts(rng, slices)
    own = 0.03 * rng.standard_t(3, slices)
    felt = _correlated(rng, slices, felt_by_one, 0.8)
    starts = rng.normal(0, process_sd, 2)
    times = shared + own
    first, second = times[0::2], times[1::2]
    felt_first, felt_second = felt[0::2], felt[1::2]
    in_order = np.arange(rounds) % 2 == 0
    slower = np.where(in_order, second + felt_second, first + felt_first)
    other = np.where(in_order, first, second)
    return list(slower - other + log_ratio + starts[0] - starts[1])


def _correlated(rng, count, sd, correlation):
    """A first-order process of that standard deviation."""
    steps = rng.normal(0, sd * np.sqrt(1 - correlation**2), count)
    values = np.zeros(count)
    for place in range(1, count):
        values[place] = correlation * values[place - 1] + steps[place]
    return values


def _bursts(rng, count):
    burst, place = np.zeros(count), 0
    while place < count:
        place += int(rng.exponential(15)) + 1
        burst[place : place + int(rng.exponential(3)) + 1] += rng.exponential(0.2)
    return burst
