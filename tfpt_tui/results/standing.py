"""How every row of a comparison stands to the baseline of its kind: its time, and whether it learns the same."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tfpt_tui.results.groups import END_TO_END, Group
from tfpt_tui.results.statistics import TimeRatio, Timings, accuracy_band, compare_times, holm

Comparing = Callable[[Timings, Timings], TimeRatio | None]


@dataclass(frozen=True)
class Standing:
    """``p_value`` is corrected for the number of rows (Holm); ``in_band`` is None where accuracy says nothing.

    ``time`` is None for the baseline itself, and where either side has no timings.
    """

    entry: Group
    baseline: Group | None
    time: TimeRatio | None = None
    p_value: float | None = None
    in_band: bool | None = None

    @property
    def is_baseline(self) -> bool:
        return self.entry is self.baseline and self.entry.images_per_s() is not None


def stand(groups: Sequence[Group], baseline: str | None, comparing: Comparing = compare_times) -> list[Standing]:
    """Every group beside the baseline of its kind: the named run's, else the first that completed."""
    baselines = {entry.kind: _baseline_of(entry.kind, groups, baseline) for entry in groups}
    return _correct([_stand(entry, baselines[entry.kind], comparing) for entry in groups])


def _baseline_of(kind: tuple[str, ...], groups: Sequence[Group], named: str | None) -> Group | None:
    candidates = [entry for entry in groups if entry.kind == kind]
    for entry in candidates:
        if any(result["run"] == named for result in entry.results):
            return entry
    return next((entry for entry in candidates if entry.done), None)


def _stand(entry: Group, baseline: Group | None, comparing: Comparing) -> Standing:
    if baseline is None or entry is baseline:
        return Standing(entry, baseline)
    time = comparing(entry.image_times(), baseline.image_times())
    return Standing(entry, baseline, time, in_band=_in_band(entry, baseline))


def band_of(baseline: Group) -> tuple[float, float] | None:
    """Median and half-width of the baseline's test accuracies; runs that diverged do not count."""
    accuracies = baseline.accuracies()
    return accuracy_band(accuracies) if accuracies else None


def _in_band(entry: Group, baseline: Group) -> bool | None:
    """Whether the row's median test accuracy is in the baseline's band; a run that diverged is in none.

    Loading alone and the model on one resident batch learn nothing that could be compared.
    """
    band, own = band_of(baseline), entry.accuracies()
    if entry.measure != END_TO_END or not band or not entry.values("test", "accuracy"):
        return None
    middle, width = band
    # 0.52 is in a band of 0.02 around 0.50, though its distance is not quite that in binary.
    return bool(own) and abs(statistics.median(own) - middle) <= width + 1e-9


def _correct(standings: Sequence[Standing]) -> list[Standing]:
    """With the p-values of all rows corrected for their number."""
    tested = [number for number, standing in enumerate(standings) if _p_value(standing) is not None]
    corrected = dict(zip(tested, holm([_p_value(standings[number]) or 0.0 for number in tested]), strict=True))
    return [replace(standing, p_value=corrected.get(number)) for number, standing in enumerate(standings)]


def _p_value(standing: Standing) -> float | None:
    return standing.time.p_value if standing.time else None
