"""Compare runs: one row for every configuration, its repeats together, beside a baseline.

Rows are ranked only within one track. Ratios are of throughput: 1.25 trains a quarter more images a second than
the baseline. With fewer than three runs on either side nothing is concluded: the verdict is "single run".
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfpt_tui.config.schema import FRAMEWORK_TITLES, SETTINGS
from tfpt_tui.results.table import Cell, Column, Table

MIN_RUNS = 3
# They tell repeats, machines and limits apart, not configurations.
NOT_COMPARED = ("framework", "track", "seed", "timeout_s")


@dataclass(frozen=True)
class Group:
    """Runs of one configuration that differ in their seed only; ``done`` are those that completed."""

    config: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]

    @property
    def done(self) -> list[Mapping[str, Any]]:
        return [result for result in self.results if result["status"] == "completed"]

    def values(self, table: str, key: str) -> list[float]:
        """A figure of every completed run that has it."""
        return [result[table][key] for result in self.done if key in result.get(table, {})]

    def median(self, table: str, key: str) -> float | None:
        values = self.values(table, key)
        return statistics.median(values) if values else None


def compare(results: Sequence[Mapping[str, Any]], baseline: str | None = None) -> Table:
    """The comparison of runs given by their results, in the order given.

    ``baseline`` is the ID of a run whose configuration the others are measured against; by default the first.
    """
    groups = group(results)
    against = _find_baseline(groups, baseline)
    differing = _differing_keys(groups)
    columns = (
        # The answer comes first: what follows may lie beyond the edge of a narrow terminal.
        Column("framework", "framework"),
        *(Column(key, key) for key in differing),
        Column("status", "status"),
        Column("n", "n"),
        Column("images_per_s", "images/s", 1),
        Column("ratio", "ratio", 3),
        Column("verdict", "verdict"),
        Column("test_accuracy", "test acc.", 4),
        Column("epoch_s_median", "epoch s", 2),
        Column("epoch_s_min", "min s", 2),
        Column("epoch_s_spread", "spread s", 2),
        Column("training_s", "training s", 1),
        Column("test_loss", "test loss", 4),
        Column("peak_rss_mb", "peak MB", 0),
        Column("track", "track"),
        Column("runs", "runs"),
    )
    rows = tuple(_row(entry, against, differing) for entry in groups)
    return Table(columns, rows, tuple(_notes(results, groups, against)))


def group(results: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Put the repeats of one configuration together."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        key = repr([(name, result["config"].get(name)) for name in SETTINGS if name != "seed"])
        grouped.setdefault(key, []).append(result)
    return [Group(members[0]["config"], tuple(members)) for members in grouped.values()]


def _row(entry: Group, baseline: Group | None, differing: Sequence[str]) -> dict[str, Cell]:
    framework = entry.config.get("framework", "")
    epochs = entry.values("training", "epoch_s_median")
    rss = entry.median("memory", "peak_rss_bytes")
    row: dict[str, Cell] = {
        "framework": FRAMEWORK_TITLES.get(framework, framework),
        "track": entry.config.get("track"),
        **{key: _setting(entry.config, key) for key in differing},
        "status": _status(entry),
        "n": len(entry.done),
        "images_per_s": entry.median("training", "images_per_s"),
        "epoch_s_median": entry.median("training", "epoch_s_median"),
        "epoch_s_min": min(epochs, default=None),
        "epoch_s_spread": max(epochs) - min(epochs) if len(epochs) > 1 else None,
        "training_s": entry.median("phases", "training"),
        "test_accuracy": entry.median("test", "accuracy"),
        "test_loss": entry.median("test", "loss"),
        "peak_rss_mb": rss / 1e6 if rss else None,
        "runs": " ".join(result["run"] for result in entry.results),
    }
    return {**row, **_verdict(entry, baseline)}


def _verdict(entry: Group, baseline: Group | None) -> dict[str, Cell]:
    own = entry.median("training", "images_per_s")
    if baseline is None or own is None:
        return {"ratio": None, "verdict": None}
    if entry is baseline:
        return {"ratio": 1.0, "verdict": "baseline"}
    if entry.config.get("track") != baseline.config.get("track"):
        return {"ratio": None, "verdict": "other track"}
    reference = baseline.median("training", "images_per_s")
    ratio = own / reference if reference else None
    few = min(len(entry.done), len(baseline.done)) < MIN_RUNS
    return {"ratio": ratio, "verdict": "single run" if few else None}


def _find_baseline(groups: Sequence[Group], baseline: str | None) -> Group | None:
    """The group of the baseline's run, else the first that has a completed run."""
    for entry in groups:
        if any(result["run"] == baseline for result in entry.results):
            return entry
    return next((entry for entry in groups if entry.done), None)


def _differing_keys(groups: Sequence[Group]) -> list[str]:
    """The settings in which the rows differ; a setting of one framework only differs only within it."""
    keys = []
    for key, setting in SETTINGS.items():
        concerned = [entry for entry in groups if setting.applies_to(entry.config.get("framework", ""))]
        if key not in NOT_COMPARED and len({repr(entry.config.get(key)) for entry in concerned}) > 1:
            keys.append(key)
    return keys


def _setting(config: Mapping[str, Any], key: str) -> Cell:
    if not SETTINGS[key].applies_to(config.get("framework", "")):
        return "n/a"
    value: Cell = config.get(key)
    return value


def _status(entry: Group) -> str:
    counts: dict[str, int] = {}
    for result in entry.results:
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def _notes(results: Sequence[Mapping[str, Any]], groups: Sequence[Group], baseline: Group | None) -> list[str]:
    notes = []
    if baseline and len(groups) > 1:
        notes.append("ratio: throughput relative to the row marked baseline; above 1 is faster")
    if any(len(entry.done) < MIN_RUNS for entry in groups if entry.done):
        notes.append(
            f"single run: with fewer than {MIN_RUNS} repeats no conclusion is drawn (--repeats {MIN_RUNS})"
        )
    for result in results:
        if message := result.get("error", {}).get("message"):
            notes.append(f"{result['run']}: {message}")
        notes += [f"{result['run']}: {warning}" for warning in result.get("warnings", [])]
    versions = {
        f"{name} {version}"
        for result in results
        for name, version in result.get("versions", {}).items()
        if name in ("torch", "tensorflow", "keras")
    }
    if versions:
        notes.append("versions: " + ", ".join(sorted(versions)))
    return notes
