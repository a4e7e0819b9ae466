"""Where the figures of a comparison come from, in words: versions, machines, tracks and number of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.results.comparison.groups import machine_of, setting_value

DECISIVE = tuple(name for framework in FRAMEWORKS.values() for name in framework.distributions)


def provenance(results: Sequence[Mapping[str, Any]], proof: str | None = None) -> str:
    """All of it in one line, for what has no notes beside it; "" where no run completed."""
    done = [result for result in results if result["status"] == "completed"]
    if not done:
        return ""
    tracks = dict.fromkeys(str(setting_value(result["config"], "track")) for result in done)
    runs = f"{len(done)} run{'' if len(done) == 1 else 's'}, track {' and '.join(tracks)}"
    return "; ".join([runs, *versions_of(done), *machines_of(done), *([proof] if proof else [])])


def versions_of(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What ran, for each environment where there are several."""
    by_environment: dict[str, set[str]] = {}
    for result in results:
        found = by_environment.setdefault(str(setting_value(result["config"], "environment")), set())
        found |= {f"{name} {result['versions'][name]}" for name in DECISIVE if name in result.get("versions", {})}
    several = len(by_environment) > 1
    return [
        f"versions{f' in environment {name}' if several else ''}: {', '.join(sorted(versions))}"
        for name, versions in by_environment.items()
        if versions
    ]


def machines_of(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Host and device of the completed runs."""
    known = dict.fromkeys(machine_of(result) for result in results if result["status"] == "completed")
    return [f"machine: {', '.join(known)}"] if known else []
