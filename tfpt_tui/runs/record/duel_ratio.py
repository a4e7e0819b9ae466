"""How many times the baseline's time per image an arm of a duel takes, and how surely.

A round is one slice of each arm, next to each other in time: its log ratio is free of whatever the machine did for
longer than that. It is not free of what the machine does to one arm more than to the other: where another process
takes a core, PyTorch's threads wait for each other and may take ten times as long, TensorFlow's 1.3 times. So a
round in which others used more than a tenth of the cores does not count, whatever its ratio, and one more is
run: up to twice as many in all.

Two neighbouring rounds in opposite orders make a block: what goes up or down steadily, and what
the place in a round costs, cancels in its mean. What disturbs slices unseen makes a few blocks extreme, so a
restart's figure is the mean of its blocks without a fifth at each end, with the standard error that belongs to it
(Yuen, Biometrika 1974).

Processes that are started again differ: in memory layout, in what was compiled and chosen. So a restart is one
draw, and the ratio of two arms in general is known only as well as restarts agree (Kalibera and Jones, ISMM 2013).
While there are few, the spread that earlier duels on the machine showed stands in for the one that so few cannot
show.

Two intervals are made of this. :func:`fixed_interval` is for a duel of planned length. Whoever looks after every
block and stops when the answer suits needs :func:`sequence_interval`, whose 95 % hold for all looks together:
Robbins' normal mixture (Annals of Mathematical Statistics 1970) with estimated variances (Waudby-Smith et al.,
Annals of Statistics 2024). It fits here since the weighted score has independent increments, whether it grows by
blocks or by restarts (Scharfstein, Tsiatis and Robins, JASA 1997).
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tfpt_tui.events import Slice

CONFIDENCE = 0.95
# Ratios this near to 1 make no difference to anybody.
EQUIVALENT = 0.02
Z_95 = 1.96
# Of the cores. With an open Monitor, quiet turns of half a second showed 0 to 7 % on two cores; from 10 % on those
# of PyTorch took 1.2 times as long and more.
DISTURBED_SHARE = 0.10
TRIMMED = 0.2  # of the blocks, at each end
# Of an interval of logarithms: so few and so noisy rounds say nothing, and e^20 is nothing in figures.
MOST_REACH, LEAST_TAIL = 20.0, 1e-300
# Fewer blocks do not tell their own spread.
MIN_BLOCKS = 5
MOST_CORRELATED = 0.8
# How much processes differ, until duels on the machine have shown it: six restarts of three pairs of arms differed
# by no more. It counts for little beside what a duel shows.
ASSUMED_SD = 0.01
ASSUMED_FREEDOM = 0.5
CANDIDATES = tuple(ASSUMED_SD * 1.1**step for step in range(-24, 36))  # 0.1 % to 30 %
# From here on restarts tell their spread themselves; before that the expected one counts as so many. With
# 50 a duel of a difference of 10 % that may end early saves 42 % of the time, with 20 only 35 %.
ENOUGH_RESTARTS = 5
KNOWN_FREEDOM = 50.0
# Where the logarithm's standard error is a third of this, the sequence is tightest; it loses little elsewhere.
TIGHTEST_ERROR = 0.084


@dataclass(frozen=True)
class Restart:
    """What one start of the processes showed: the log ratio from so many blocks, and its standard error with the
    degrees of freedom of that.
    """

    log_ratio: float
    error: float
    blocks: int
    freedom: int


@dataclass(frozen=True)
class Spread:
    """How much a process differs from the next start of the same: the standard deviation of its log time, and the
    degrees of freedom of what showed it.
    """

    sd: float = ASSUMED_SD
    freedom: float = ASSUMED_FREEDOM

    @property
    def is_assumed(self) -> bool:
        """Whether no duel has shown it."""
        return self.freedom <= ASSUMED_FREEDOM


@dataclass(frozen=True)
class Estimate:
    """The log ratio over all restarts, its standard error with the degrees of freedom of that, and the spread of
    processes that the error covers.
    """

    log_ratio: float
    error: float
    freedom: float
    spread: Spread


@dataclass(frozen=True)
class Interval:
    """Ends of the 95 % interval of a log ratio, and the two-sided p-value of the same test that it is 0."""

    low: float
    high: float
    p_value: float


ASSUMED = Spread()
# Of these processes, not of those that another start would bring.
NO_SPREAD = Spread(0.0, math.inf)


def log_ratios(own: Sequence[Slice], baseline: Sequence[Slice], *, quiet: bool = True) -> list[float]:
    """Logarithms of the ratio of times per image, two by two: a round and the next one in the opposite order.

    Of the rounds that both finished; where ``quiet`` ones alone are wanted, without those that others disturbed.
    """
    theirs = {turn.round: turn for turn in baseline}
    blocks: list[float] = []
    waiting: deque[tuple[bool, float]] = deque()
    for turn in own:
        other = theirs.get(turn.round)
        if other is None or not (is_timed(turn) and is_timed(other)):
            continue
        if quiet and (is_disturbed(turn) or is_disturbed(other)):
            continue
        ratio = math.log(turn.seconds / turn.images / (other.seconds / other.images))
        goes_first = turn.position < other.position
        if waiting and waiting[0][0] != goes_first:
            blocks += [waiting.popleft()[1], ratio]
        else:
            waiting.append((goes_first, ratio))
    return blocks


def is_timed(turn: Slice) -> bool:
    """Whether a turn says anything; one of a damaged record may not."""
    return turn.images > 0 and 0 < turn.seconds < math.inf


def is_disturbed(turn: Slice) -> bool:
    """Whether others used so much of the cores in a turn that it tells little of its arm."""
    return turn.other_load is not None and turn.other_load > DISTURBED_SHARE


def turns_that_count(slices: Sequence[Slice]) -> list[Slice]:
    """Of one arm's turns those that say how fast it is: all, where all were disturbed."""
    timed = [turn for turn in slices if is_timed(turn)]
    return [turn for turn in timed if not is_disturbed(turn)] or timed


def estimate_restart(rounds: Sequence[float]) -> Restart | None:
    """The figure of one restart from the log ratios of its rounds, in their order; None while they are too few."""
    blocks = [(one + other) / 2 for one, other in zip(rounds[::2], rounds[1::2], strict=False)]
    count = len(blocks)
    if count < MIN_BLOCKS:
        return None
    cut = int(TRIMMED * count)
    kept = sorted(blocks)[cut : count - cut]
    winsorized = [min(max(block, kept[0]), kept[-1]) for block in blocks]
    error = statistics.stdev(winsorized) * math.sqrt(count - 1) / math.sqrt(len(kept) * (len(kept) - 1))
    return Restart(statistics.fmean(kept), error * _inflation(winsorized), count, len(kept) - 1)


def _inflation(values: Sequence[float]) -> float:
    """How many times the error of a mean is what it would be if neighbours had nothing to do with each other.

    That of a first-order process, whose correlation is estimated without its bias in short series (Kendall 1954).
    """
    middle, count = statistics.fmean(values), len(values)
    square = math.fsum((value - middle) ** 2 for value in values)
    if not square:
        return 1.0
    neighbours = math.fsum((one - middle) * (other - middle) for one, other in pairwise(values))
    estimated = neighbours / square
    correlation = min(max(estimated + (1 + 3 * estimated) / count, 0.0), MOST_CORRELATED)
    return math.sqrt((1 + correlation) / (1 - correlation))


def estimate(restarts: Sequence[Restart], known: Spread = ASSUMED) -> Estimate:
    """All restarts together, each weighted by what it is worth.

    ``known`` is the spread that earlier duels showed; what these restarts differ by is added to it. With
    ``NO_SPREAD`` the estimate is that of these processes alone.
    """
    spread, count = learn_spread([restarts], known), len(restarts)
    noise = _block_noise(restarts)
    weights = [1 / max(2 * spread.sd**2 + noise / one.blocks, 1e-18) for one in restarts]
    total = sum(weights)
    mean = sum(weight * one.log_ratio for weight, one in zip(weights, restarts, strict=True)) / total
    if math.isinf(spread.freedom):
        return Estimate(mean, 1 / math.sqrt(total), math.inf, spread)
    # How much more the restarts differ than was expected, as Hartung and Knapp (2001) take it into the error.
    excess = sum(weight * (one.log_ratio - mean) ** 2 for weight, one in zip(weights, restarts, strict=True))
    expected = KNOWN_FREEDOM if count < ENOUGH_RESTARTS else 0.0
    freedom = expected + count - 1
    return Estimate(mean, math.sqrt((expected + excess) / freedom / total), freedom, spread)


def _block_noise(restarts: Sequence[Restart]) -> float:
    """The variance of a block, from all restarts: so few blocks know it badly, and Student's t says how badly."""
    freedom = sum(one.freedom for one in restarts)
    return _pooled_noise(restarts) * (_t(freedom) / Z_95) ** 2


def _pooled_noise(restarts: Sequence[Restart]) -> float:
    freedom = sum(one.freedom for one in restarts)
    return sum(one.freedom * one.blocks * one.error**2 for one in restarts) / freedom


def learn_spread(duels: Sequence[Sequence[Restart]], known: Spread = ASSUMED) -> Spread:
    """What is known after the restarts of these duels, each of two arms.

    What restarts differ by beyond the noise of their blocks is the spread of two processes. The likeliest one is
    returned, where the one that was known before counts as a duel without noise.
    """
    if math.isinf(known.freedom):
        return known
    before = _Shown(2 * known.sd**2, 0.0, known.freedom)
    shown = [before, *(_shown_by(restarts) for restarts in duels if len(restarts) > 1)]
    sd = max(CANDIDATES, key=lambda sd: sum(one.log_likelihood(2 * sd**2) for one in shown))
    return Spread(sd, sum(one.freedom_of(2 * sd**2) for one in shown))


@dataclass(frozen=True)
class _Shown:
    """The variance of a duel's restarts, what of it their blocks' noise explains, and how surely."""

    variance: float
    noise: float
    freedom: float

    def log_likelihood(self, spread: float) -> float:
        """Of a variance of the logarithm of two processes' ratio, by the distribution of a sample's variance."""
        expected = spread + self.noise
        return -self.freedom / 2 * (math.log(expected) + self.variance / expected)

    def freedom_of(self, spread: float) -> float:
        """The degrees of freedom with which it shows a spread: few where most of its variance is noise."""
        return self.freedom * (spread / (spread + self.noise)) ** 2


def _shown_by(restarts: Sequence[Restart]) -> _Shown:
    noise = _pooled_noise(restarts) * statistics.fmean(1 / one.blocks for one in restarts)
    return _Shown(statistics.variance([one.log_ratio for one in restarts]), noise, len(restarts) - 1)


def enough_rounds(restart: Restart, spread: Spread, start_s: float, round_s: float) -> float:
    """The rounds of a restart with which the ratio in general is known soonest: beyond them another start of the
    processes says more in the same time (Kalibera and Jones, ISMM 2013).

    ``start_s`` is what a restart takes before its first round, and ``round_s`` what a round takes.
    """
    noise = 2 * restart.blocks * restart.error**2  # of a round: a block is the mean of two
    return math.sqrt(start_s / round_s * noise / (2 * spread.sd**2))


def fixed_interval(found: Estimate, comparisons: int = 1) -> Interval:
    """The interval where the length was planned, for one of so many ``comparisons``."""
    reach = _reach(found, (1 - CONFIDENCE) / (2 * comparisons))
    p_value = 2 * _tail(abs(found.log_ratio) / found.error, found.freedom)
    return Interval(found.log_ratio - reach, found.log_ratio + reach, min(1.0, comparisons * p_value))


def sequence_interval(found: Estimate, comparisons: int = 1) -> Interval:
    """The interval at any look: in 95 of 100 duels the truth is never outside."""
    from scipy import special

    information, tuned = found.error**-2, TIGHTEST_ERROR**-2
    share = (information + tuned) / information
    alpha = (1 - CONFIDENCE) / comparisons
    # As rare for Student's t of an error that is estimated as for the normal distribution of a known one.
    normal = math.sqrt(share * math.log(share * information / (tuned * alpha**2)))
    reach = _reach(found, float(special.ndtr(-normal)))
    rare = float(special.ndtri(_tail(abs(found.log_ratio) / found.error, found.freedom)))
    p_value = math.sqrt(share * information / tuned) * math.exp(-(rare**2) / (2 * share))
    return Interval(found.log_ratio - reach, found.log_ratio + reach, min(1.0, comparisons * p_value))


def _reach(found: Estimate, tail: float) -> float:
    """How far the interval reaches on either side where so much is left out beyond it."""
    return min(-found.error * _t(found.freedom, max(tail, LEAST_TAIL)), MOST_REACH)


def is_answer(interval: Interval, until: float) -> bool:
    """Whether an interval says faster, slower or equivalent, or is as narrow as wanted."""
    equivalent = interval.low >= math.log(1 - EQUIVALENT) and interval.high <= math.log(1 + EQUIVALENT)
    narrow = interval.high - interval.low <= 2 * until
    return interval.low > 0 or interval.high < 0 or equivalent or narrow


def _tail(reached: float, freedom: float) -> float:
    """How often Student's t is beyond what was reached, on one side."""
    from scipy import special

    return float(special.ndtr(-reached) if math.isinf(freedom) else special.stdtr(freedom, -reached))


def _t(freedom: float, probability: float = 1 - (1 - CONFIDENCE) / 2) -> float:
    from scipy import special

    if math.isinf(freedom):
        return float(special.ndtri(probability))
    return float(special.stdtrit(freedom, probability))
