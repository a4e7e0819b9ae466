"""What a machine gives for its price: training images for a unit of the currency that an hour of it is paid in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfpt_tui.results.comparison.groups import Group, kind_of
from tfpt_tui.results.comparison.statistics import INCONCLUSIVE, SINGLE_RUN, mean_interval, usable
from tfpt_tui.results.comparison.verdicts import RowVerdict

HOUR_S = 3600.0


@dataclass(frozen=True)
class Worth:
    """Images for a unit; ``low`` and ``high`` are the ends of the 95 % interval, None of fewer than three runs."""

    images: float
    low: float | None = None
    high: float | None = None


def worth_of(entry: Group, prices: Mapping[str, float]) -> Worth | None:
    """Of a row of one machine; None where it has no throughput, or no price."""
    price, rate = prices.get(entry.machine_name, 0.0), entry.images_per_s()
    if not price or not rate:
        return None
    interval = mean_interval([1 / seconds for seconds in usable(entry.image_times()).values()])
    low, high = (end * HOUR_S / price for end in interval) if interval else (None, None)
    return Worth(rate * HOUR_S / price, low, high)


def say_worth(verdicts: Sequence[RowVerdict], prices: Mapping[str, float]) -> list[str]:
    """For each machine beside its baseline, which of the two gives more for its price, and how surely.

    Prices are exact, so that the interval is that of the ratio of times, moved by the ratio of prices.
    """
    lines = []
    groups = [verdict.entry for verdict in verdicts]
    for verdict in verdicts:
        time, baseline = verdict.time, verdict.baseline
        if not time or not baseline or not all(prices.get(one.machine_name) for one in (verdict.entry, baseline)):
            continue
        dearer = prices[verdict.entry.machine_name] / prices[baseline.machine_name]
        gives, low, high = (1 / (end * dearer) if end else None for end in (time.ratio, time.high, time.low))
        assert gives is not None
        more, less = (verdict.entry, baseline) if gives >= 1 else (baseline, verdict.entry)
        if gives < 1:
            gives, low, high = 1 / gives, 1 / high if high else None, 1 / low if low else None
        how = f"gives {gives:.2f}x the images for its price that {less.machine_name} gives"
        if low is None or high is None:
            sure = f", in too few runs to be sure ({SINGLE_RUN})"
        else:
            sure = f" (95 %: {low:.2f} to {high:.2f})" + (f", {INCONCLUSIVE}" if low < 1 < high else "")
        what = kind_of(verdict.entry, groups) + verdict.entry.name.removesuffix(
            f" on {verdict.entry.machine_name}"
        )
        lines.append(f"{what}: {more.machine_name} {how}{sure}")
    return lines
