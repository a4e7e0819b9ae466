"""Where the figures of a comparison come from, in words: versions, machines, tracks and number of runs."""

from __future__ import annotations

from collections.abc import Sequence

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.results.comparison.groups import machine_of
from tfpt_tui.runs.record.result import RunResult

DECISIVE = tuple(name for framework in FRAMEWORKS.values() for name in framework.distributions)


def provenance(results: Sequence[RunResult], proof: str | None = None) -> str:
    """All of it in one line, for what has no notes beside it; "" where no run completed."""
    done = [result for result in results if result.completed]
    if not done:
        return ""
    tracks = dict.fromkeys(result.config.track for result in done)
    runs = f"{len(done)} run{'' if len(done) == 1 else 's'}, track {' and '.join(tracks)}"
    return "; ".join([runs, *versions_of(done), *machines_of(done), *([proof] if proof else [])])


def versions_of(results: Sequence[RunResult]) -> list[str]:
    """What ran, for each environment where there are several."""
    by_environment: dict[str, set[str]] = {}
    for result in results:
        found = by_environment.setdefault(result.config.environment, set())
        found |= {f"{name} {result.versions[name]}" for name in DECISIVE if name in result.versions}
    several = len(by_environment) > 1
    return [
        f"versions{f' in environment {name}' if several else ''}: {', '.join(sorted(versions))}"
        for name, versions in by_environment.items()
        if versions
    ]


def machines_of(results: Sequence[RunResult]) -> list[str]:
    """Host and device of the completed runs."""
    known = dict.fromkeys(machine_of(result) for result in results if result.completed)
    return [f"machine: {', '.join(known)}"] if known else []
