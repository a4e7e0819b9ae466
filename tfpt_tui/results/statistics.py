"""What repeated timings allow to say: how two configurations compare, how surely, and which runs stand out.

Runs of a plan are interleaved, so the machine's drift is shared by the runs of one seed. Ratios are therefore
taken within such pairs, where the drift cancels, and everything is done on logarithms, where twice and half as
long lie equally far from 1. NumPy and SciPy are loaded by the functions that need them: help and first paint do
not wait.
"""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MIN_RUNS = 3
CONFIDENCE = 0.95
# Ratios this near to 1 make no difference to anybody.
EQUIVALENT = 0.02
RESAMPLES = 9_999
BATCH = 1_000  # of them at a time: all at once need gigabytes where a configuration was run a thousand times
# The same runs give the same interval, whenever they are compared.
RANDOM_SEED = 25
# Counted up with every change of what the same timings give, so that kept comparisons are made anew.
METHOD = 1
# From here on a plain median serves as well as the median of all twos, whose number grows with the square.
MANY_RUNS = 60

MAD_TO_SD = 1.4826  # of a normal distribution
OUTLIER_Z = 3.5
# Below this a spread of runs and a run outside it cannot be told apart.
MIN_RUNS_FOR_OUTLIERS = 5
ACCURACY_BAND = 0.02
# One run says less: two seeds of one configuration were seen 0.025 apart after three epochs.
SINGLE_RUN_BAND = 0.05

SINGLE_RUN = "single run"

Timings = Mapping[Hashable, float]


@dataclass(frozen=True)
class TimeRatio:
    """How many times the baseline's time a configuration takes; above 1 is slower.

    ``n`` are the pairs, or without pairs the runs of the smaller side, and ``counted`` says so in words. ``low``
    and ``high`` are the ends of the 95 % interval, ``p_value`` is two-sided and of this comparison alone; all
    three are None for fewer than three, of which nothing is concluded.
    """

    ratio: float
    n: int
    counted: str
    low: float | None = None
    high: float | None = None
    p_value: float | None = None

    @property
    def verdict(self) -> str:
        """One word: faster, slower, equivalent (wholly within 2 % of 1), inconclusive, or "single run"."""
        if self.low is None or self.high is None:
            return SINGLE_RUN
        if self.low >= 1 - EQUIVALENT and self.high <= 1 + EQUIVALENT:
            return "equivalent"
        if self.low > 1:
            return "slower"
        return "faster" if self.high < 1 else "inconclusive"

    def sentence(self, own: str, baseline: str) -> str:
        """The comparison in words, as hyperfine would print it; both are the names of what was compared."""
        interval = f" [{self.low:.2f}, {self.high:.2f}]" if self.low is not None else ""
        return f"{own} took {self.ratio:.2f}x{interval} the time of {baseline}, n={self.counted}: {self.verdict}"


def compare_times(own: Timings, baseline: Timings, resamples: int = RESAMPLES) -> TimeRatio | None:
    """Compare timings of any one unit, each by the key (its seed) that it shares with its partner.

    Where any key is in both, only pairs count, and of them only the complete ones. Where none is, the samples are
    independent. Timings that are no positive finite number are left out. None when nothing is left to compare.
    All timings equal leave no noise to estimate: the interval is then a point.
    """
    mine, theirs = usable(own), usable(baseline)
    if own.keys() & baseline.keys():
        complete = [key for key in mine if key in theirs]
        samples = [[math.log(mine[key] / theirs[key]) for key in complete]]
        counted = _count_pairs(len(complete), len(own.keys() | baseline.keys()))
    else:
        samples = [[math.log(time) for time in side.values()] for side in (mine, theirs)]
        counted = f"{len(mine)} and {len(theirs)} runs"
    n = min(map(len, samples))
    if not n:
        return None
    center: Callable[..., Any] = _typical if len(samples) == 1 else _typical_difference
    estimate = float(center(*samples))
    if n < MIN_RUNS:
        return TimeRatio(math.exp(estimate), n, counted)
    low, high = _interval(samples, center, estimate, resamples)
    return TimeRatio(math.exp(estimate), n, counted, math.exp(low), math.exp(high), _permutation_p(samples))


def usable(times: Timings) -> dict[Hashable, float]:
    """The timings that can be compared: positive and finite."""
    return {key: time for key, time in times.items() if math.isfinite(time) and time > 0}


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in the order given (Holm 1979, Scand. J. Statist. 6:65-70)."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def outliers(values: Sequence[float]) -> list[int]:
    """The places of values whose modified z-score is above 3.5 (Iglewicz and Hoaglin 1993).

    Fewer than five values have none. Where more than half of the values are equal, the median deviation is 0 and
    the mean deviation takes its place.
    """
    if len(values) < MIN_RUNS_FOR_OUTLIERS:
        return []
    middle = statistics.median(values)
    deviations = [abs(value - middle) for value in values]
    # Both estimate the standard deviation of a normal distribution; sqrt(pi / 2) is that of the mean deviation.
    spread = MAD_TO_SD * statistics.median(deviations) or math.sqrt(math.pi / 2) * statistics.fmean(deviations)
    return [place for place, deviation in enumerate(deviations) if deviation > OUTLIER_Z * spread]


def accuracy_band(accuracies: Sequence[float]) -> tuple[float, float]:
    """What counts as the same accuracy as these: their median, and the largest distance from it (absolute).

    Three scaled median deviations, but never less than 0.02; of fewer than three runs 0.05.
    """
    middle = statistics.median(accuracies)
    mad = statistics.median(abs(accuracy - middle) for accuracy in accuracies)
    least = ACCURACY_BAND if len(accuracies) >= MIN_RUNS else SINGLE_RUN_BAND
    return middle, max(3 * MAD_TO_SD * mad, least)


def _count_pairs(complete: int, expected: int) -> str:
    if complete < expected:
        return f"{complete} of {expected} pairs"
    return f"{complete} pair" if complete == 1 else f"{complete} pairs"


def _typical(sample: Any, axis: int = -1) -> Any:
    """The median of the means of all twos, one of which may be taken twice (Hodges and Lehmann 1963).

    It bears outliers as a median does, and of one or two values it is their mean. A plain median takes so few
    values when it is resampled that its 95 % intervals cover anything from 87 to 99 %, which no widening mends.
    Of many values it takes many, and the twos would be too many.
    """
    import numpy as np

    values = np.moveaxis(np.asarray(sample, dtype=float), axis, -1)
    if values.shape[-1] > MANY_RUNS:
        return np.median(values, axis=-1)
    first, second = np.triu_indices(values.shape[-1])
    return np.median((values[..., first] + values[..., second]) / 2, axis=-1)


def _typical_difference(own: Any, baseline: Any, axis: int = -1) -> Any:
    """The same for independent samples: the median of all differences between one and the other."""
    import numpy as np

    mine, theirs = (np.moveaxis(np.asarray(sample, dtype=float), axis, -1) for sample in (own, baseline))
    if max(mine.shape[-1], theirs.shape[-1]) > MANY_RUNS:
        return np.median(mine, axis=-1) - np.median(theirs, axis=-1)
    differences = mine[..., :, None] - theirs[..., None, :]
    return np.median(differences.reshape(*differences.shape[:-2], -1), axis=-1)


def _interval(
    samples: Sequence[Sequence[float]], center: Callable[..., Any], estimate: float, resamples: int
) -> tuple[float, float]:
    """The 95 % interval of the logarithm: a BCa bootstrap, widened for the small number of runs."""
    if all(len(set(sample)) == 1 for sample in samples):
        return estimate, estimate
    low, high = _bootstrap(samples, center, resamples, "BCa")
    if not (math.isfinite(low) and math.isfinite(high)):
        # BCa needs an estimate that every run moves, and resamples on both sides of it.
        low, high = _bootstrap(samples, center, resamples, "percentile")
    factor = _widening(samples)
    return estimate - factor * (estimate - low), estimate + factor * (high - estimate)


def _bootstrap(
    samples: Sequence[Sequence[float]], center: Callable[..., Any], resamples: int, method: str
) -> tuple[float, float]:
    import numpy as np
    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a degenerate interval is NaN as well, and is not taken
        found = stats.bootstrap(
            samples,
            center,
            n_resamples=resamples,
            batch=BATCH,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method=method,
            random_state=np.random.default_rng(RANDOM_SEED),
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _widening(samples: Sequence[Sequence[float]]) -> float:
    """By how much the bootstrap of so few runs is too narrow.

    Hesterberg (2015), "What Teachers Should Know About the Bootstrap": sqrt(n / (n - 1)) for the spread of a
    sample about its own middle, t / z for not knowing the spread. The last term is ours, found by simulation,
    for the few distinct values that resamples of three to six runs have: 33 % for three, 7 % for five, 1 % for
    ten.
    """
    from scipy import stats

    n = min(map(len, samples))
    level = (1 + CONFIDENCE) / 2
    t, z = float(stats.t.ppf(level, _degrees_of_freedom(samples))), float(stats.norm.ppf(level))
    return math.sqrt(n / (n - 1)) * t / z * (1 + 9 / n**3)


def _degrees_of_freedom(samples: Sequence[Sequence[float]]) -> float:
    """n - 1, or for two samples Welch and Satterthwaite's."""
    squares = [statistics.variance(sample) / len(sample) for sample in samples]
    return sum(squares) ** 2 / sum(
        square**2 / (len(sample) - 1) for square, sample in zip(squares, samples, strict=True)
    )


def _permutation_p(samples: Sequence[Sequence[float]]) -> float:
    """Two-sided; exact up to 13 pairs. Pairs swap their arms, independent runs are shuffled between them.

    Six pairs are the fewest that can reach 0.05: five that all agree give 2 / 2**5.
    """
    import numpy as np
    from scipy import stats

    paired = len(samples) == 1
    found = stats.permutation_test(
        samples,
        np.mean if paired else _mean_difference,
        permutation_type="samples" if paired else "independent",
        n_resamples=RESAMPLES,
        batch=BATCH,
        vectorized=True,
        random_state=np.random.default_rng(RANDOM_SEED),
    )
    return float(found.pvalue)


def _mean_difference(own: Any, baseline: Any, axis: int = -1) -> Any:
    return own.mean(axis=axis) - baseline.mean(axis=axis)
