"""Which of repeated timings stand out, of the epochs of a run as of the runs of a configuration."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

MAD_TO_SD = 1.4826  # of a normal distribution
OUTLIER_Z = 3.5
# Below this a spread of values and a value outside it cannot be distinguished.
FEWEST = 5


def outliers(values: Sequence[float]) -> list[int]:
    """The places of values whose modified z-score is above 3.5 (Iglewicz and Hoaglin 1993).

    Fewer than five values have none. Where more than half of the values are equal, the median deviation is 0 and
    the mean deviation takes its place.
    """
    if len(values) < FEWEST:
        return []
    middle = statistics.median(values)
    deviations = [abs(value - middle) for value in values]
    # Both estimate the standard deviation of a normal distribution; sqrt(pi / 2) is that of the mean deviation.
    spread = MAD_TO_SD * statistics.median(deviations) or math.sqrt(math.pi / 2) * statistics.fmean(deviations)
    return [place for place, deviation in enumerate(deviations) if deviation > OUTLIER_Z * spread]
