"""Where the time of a step goes, side by side for the rows that measured it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tfpt_tui.events import STEP_PARTS
from tfpt_tui.results.comparison.groups import Group, kind_of
from tfpt_tui.results.comparison.metrics import applied_precision

NAMED_SHARE = 0.005  # less is not worth a line


def profiled(groups: Sequence[Group]) -> list[Group]:
    """The rows with a profile."""
    return [entry for entry in groups if any(result.profile.shares for result in entry.done)]


def shares_of(entry: Group) -> dict[str, float]:
    """The median share of each part of a step over the runs of a row, 0 to 1."""
    profiles = [result.profile.shares for result in entry.done if result.profile.shares]
    return {part: statistics.median(shares.get(part, 0.0) for shares in profiles) for part in STEP_PARTS}


def step_s(entry: Group) -> float:
    """The median seconds of a step without the profiler."""
    return statistics.median(result.profile.step_s for result in entry.done if result.profile.shares)


def profile_notes(groups: Sequence[Group]) -> list[str]:
    """A line for each part of a step, the largest first, with its share and its time in every row."""
    entries = profiled(groups)
    if not entries:
        return []
    found = [(f"{kind_of(entry, groups)}{entry.name}", shares_of(entry)) for entry in entries]
    names = [f"{1000 * step_s(entry):.1f} ms in {name}" for entry, (name, _) in zip(entries, found, strict=True)]
    largest = sorted(STEP_PARTS, key=lambda part: -max(shares[part] for _, shares in found))
    lines = [
        f"{part}: " + ", ".join(f"{100 * shares[part]:.0f} % in {name}" for name, shares in found)
        for part in largest
        if max(shares[part] for _, shares in found) >= NAMED_SHARE
    ]
    heading = f"a step took {', '.join(names)}; under the profiler its time went to:"
    return [heading, *lines, *(line for entry in entries if (line := _of_peaks(entry)))]


def _of_peaks(entry: Group) -> str:
    """How near the training comes to what the framework reaches here in convolutions, and in a matrix product.

    Both are measured in float32: of other precisions nothing is said.
    """
    result = next(result for result in entry.done if result.profile.shares)
    profile, size = result.profile, result.model
    if applied_precision(result) != "float32" or not (size and size.flops_per_image):
        return ""
    reached = 1e-9 * size.flops_per_image * entry.config.batch_size / step_s(entry)
    peaks = {
        "of what its convolutions reach alone": profile.convolution_gflops,
        "of a matrix product": profile.matmul_gflops,
    }
    shares = [f"{100 * reached / peak:.0f} % {of} ({peak:.0f})" for of, peak in peaks.items() if peak]
    return f"{entry.name}: {', '.join([f'{reached:.0f} GFLOP/s', *shares])}" if shares else ""
