"""What repeated timings allow to say: how two configurations compare, how surely, and which runs stand out.

Runs of a plan are interleaved, so the machine's drift is shared by the runs of one seed. Ratios are therefore
taken within such pairs, where the drift cancels, and everything is done on logarithms, where twice and half as
long lie equally far from 1. Interval, p-value and verdict come from one test, Student's t of the mean logarithm
(Welch's for runs without partners), so that none can contradict another; a run enters with its median epoch, which
a disturbed epoch does not move. A table of several rows tests several times: each comparison is made at the level
that keeps the chance of any false word in the table at 5 % (Bonferroni). SciPy is loaded by the functions that
need it: help and first paint do not wait.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from tfpt_tui.runs.record.duel_ratio import CONFIDENCE, EQUIVALENT, Spread
from tfpt_tui.runs.record.outliers import MAD_TO_SD

MIN_RUNS = 3
# Counted up with every change of what the same timings give, so that kept comparisons are made anew.
METHOD = 7

ACCURACY_BAND = 0.02
# One run says less: two seeds of one configuration were seen 0.025 apart after three epochs.
SINGLE_RUN_BAND = 0.05

Z_95 = 1.96
NO_NOISE = 1e-12  # of logarithms that are equal but for rounding

SINGLE_RUN = "single run"
INCONCLUSIVE = "inconclusive"
EQUIVALENT_WORD = "equivalent"

Timings = Mapping[Hashable, float]


@dataclass(frozen=True)
class TimeRatio:
    """How many times the baseline's time a configuration takes; above 1 is slower.

    ``n`` are the pairs, or without pairs the runs of the smaller side, and ``counted`` says so in words. ``low``
    and ``high`` are the ends of the 95 % interval, ``p_value`` is two-sided; both allow for ``rows`` comparisons
    in the table, so that p is below 0.05 just where the interval leaves 1 out. All three are None for fewer than
    three, of which nothing is concluded. ``pairs`` are the ratios of the single pairs. ``spread`` is of a
    duel, what its processes were taken to differ by: its restarts are ``n``, its rounds the pairs. ``disturbed``
    is one in which others used the cores in too many rounds: it has figures, and proves nothing.
    """

    ratio: float
    n: int
    counted: str
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    rows: int = 1
    pairs: tuple[float, ...] = ()
    spread: Spread | None = None
    disturbed: bool = False

    @property
    def by_turns(self) -> bool:
        """Whether it is of a duel."""
        return self.spread is not None

    @property
    def verdict(self) -> str:
        """One word: faster, slower, equivalent (wholly within 2 % of 1), inconclusive, or "single run"."""
        if self.low is None or self.high is None:
            return SINGLE_RUN
        if self.disturbed:
            return INCONCLUSIVE
        if self.low >= 1 - EQUIVALENT and self.high <= 1 + EQUIVALENT:
            return EQUIVALENT_WORD
        if self.low > 1:
            return "slower"
        return "faster" if self.high < 1 else INCONCLUSIVE

    def sentence(self, own: str, baseline: str) -> str:
        """The comparison in words, the faster one first; both are the names of what was compared."""
        faster, slower = (own, baseline) if self.ratio < 1 else (baseline, own)
        times = max(self.ratio, 1 / self.ratio)
        compared = {
            EQUIVALENT_WORD: f"{own} and {baseline} are equally fast",
            INCONCLUSIVE: f"{faster} may be {times:.2f}x as fast as {slower}, which is not certain",
            SINGLE_RUN: f"{faster} was {times:.2f}x as fast as {slower}, in too few runs to be sure",
        }.get(self.verdict, f"{faster} is {times:.2f}x as fast as {slower}")
        if self.disturbed:
            return (
                f"{faster} was {times:.2f}x as fast as {slower} while others used the cores, which proves nothing"
                f" ({self.counted})"
            )
        if self.low is None or self.high is None:
            return f"{compared} ({self.counted})"
        low, high = (1 / self.high, 1 / self.low) if self.ratio < 1 else (self.low, self.high)
        return f"{compared} (95 %: {low:.2f} to {high:.2f}, {self.counted})"


def compare_times(own: Timings, baseline: Timings, rows: int = 1) -> TimeRatio | None:
    """Compare timings of any one unit, each by the key (its seed) that it shares with its partner.

    Where any key is in both, only pairs count, and of them only the complete ones. Where none is, the samples are
    independent. Timings that are no positive finite number are left out. None when nothing is left to compare.
    ``rows`` is how many such comparisons the table has. All timings equal leave no noise to estimate: the interval
    is then a point.
    """
    samples, counted = _samples(own, baseline)
    n = min(map(len, samples))
    if not n:
        return None
    ratio = math.exp(statistics.fmean(samples[0]) - (statistics.fmean(samples[1]) if len(samples) > 1 else 0.0))
    pairs = tuple(map(math.exp, samples[0])) if len(samples) == 1 else ()
    if n < MIN_RUNS:
        return TimeRatio(ratio, n, counted, pairs=pairs)
    low, high, p_value = _t_test(samples, math.log(ratio), rows)
    return TimeRatio(ratio, n, counted, math.exp(low), math.exp(high), p_value, rows, pairs)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the (geometric) mean of what independent runs gave; None for fewer than three."""
    if len(values) < MIN_RUNS:
        return None
    sample = [math.log(value) for value in values]
    low, high, _ = _t_test([sample], statistics.fmean(sample), rows=1)
    return math.exp(low), math.exp(high)


def can_be_concluded(own: Timings, baseline: Timings) -> bool:
    """Whether there are enough of them for an interval."""
    samples, _ = _samples(own, baseline)
    return min(map(len, samples)) >= MIN_RUNS


def _samples(own: Timings, baseline: Timings) -> tuple[list[list[float]], str]:
    """Logarithms of the ratios of pairs, or of both sides' timings; and how many there are, in words."""
    mine, theirs = usable(own), usable(baseline)
    if own.keys() & baseline.keys():
        complete = [key for key in mine if key in theirs]
        ratios = [math.log(mine[key] / theirs[key]) for key in complete]
        return [ratios], _count_pairs(len(complete), len(own.keys() | baseline.keys()))
    sides = [[math.log(time) for time in side.values()] for side in (mine, theirs)]
    return sides, f"{len(mine)} and {len(theirs)} runs"


def usable(times: Timings) -> dict[Hashable, float]:
    """The timings that can be compared: positive and finite."""
    return {key: time for key, time in times.items() if math.isfinite(time) and time > 0}


def accuracy_band(accuracies: Sequence[float], images: int = 0) -> tuple[float, float]:
    """What counts as the same accuracy as these: their median, and the largest distance from it (absolute).

    Three scaled median deviations of the seeds, but never less than 0.02 (of fewer than three runs 0.05), nor than
    chance alone makes two accuracies differ on so many ``images``, 0 for unknown: in 95 of 100 cases less than
    1.96 sqrt(2 p (1 - p) / images), with p moved away from 0 and 1 as Agresti and Coull (1998) do.
    """
    middle = statistics.median(accuracies)
    mad = statistics.median(abs(accuracy - middle) for accuracy in accuracies)
    least = ACCURACY_BAND if len(accuracies) >= MIN_RUNS else SINGLE_RUN_BAND
    chance = 0.0
    if images:
        share = (middle * images + 2) / (images + 4)
        chance = Z_95 * math.sqrt(2 * share * (1 - share) / images)
    return middle, max(3 * MAD_TO_SD * mad, least, chance)


def _count_pairs(complete: int, expected: int) -> str:
    if complete < expected:
        return f"{complete} of {expected} pairs"
    return f"{complete} pair" if complete == 1 else f"{complete} pairs"


def _t_test(samples: Sequence[Sequence[float]], estimate: float, rows: int) -> tuple[float, float, float]:
    """Ends of the interval of the logarithm and the p-value, both for one of so many comparisons."""
    from scipy import special  # a tenth of what scipy.stats takes to load

    error = math.sqrt(sum(statistics.variance(sample) / len(sample) for sample in samples))
    if error <= NO_NOISE * max(1.0, abs(estimate)):
        return estimate, estimate, 0.0 if abs(estimate) > NO_NOISE else 1.0
    freedom = degrees_of_freedom(samples)
    reach = error * float(special.stdtrit(freedom, 1 - (1 - CONFIDENCE) / (2 * rows)))
    p_value = min(1.0, rows * 2 * float(special.stdtr(freedom, -abs(estimate) / error)))
    return estimate - reach, estimate + reach, p_value


def degrees_of_freedom(samples: Sequence[Sequence[float]]) -> float:
    """n - 1, or for two samples Welch and Satterthwaite's."""
    squares = [statistics.variance(sample) / len(sample) for sample in samples]
    return sum(squares) ** 2 / sum(
        square**2 / (len(sample) - 1) for square, sample in zip(squares, samples, strict=True)
    )
