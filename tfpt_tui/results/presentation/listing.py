"""The list of all recorded runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT, epochs_trained
from tfpt_tui.results.comparison.groups import END_TO_END, setting_value
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.results.table import Column, Table
from tfpt_tui.runs.record.fold import FLAGGED, doubts, warnings_of

SHOWN = ("images_per_s", "test_accuracy", "epoch_s_median")
# What matters most comes first: the rest may find no room on a narrow terminal.
COLUMNS = (
    Column("run", "run"),
    Column("status", "status"),
    Column("framework", "framework"),
    Column("environment", "environment"),
    METRICS["images_per_s"].column,
    Column("flags", "flags"),
    METRICS["test_accuracy"].column,
    Column("track", "track"),
    Column("batch_size", "batch"),
    Column("epochs", "epochs"),
    METRICS["epoch_s_median"].column,
)


def listing(results: Iterable[Mapping[str, Any]]) -> Table:
    rows = tuple(_row(result) for result in results)
    named = any(row["environment"] != DEFAULT_ENVIRONMENT for row in rows)
    return Table(tuple(column for column in COLUMNS if named or column.name != "environment"), rows)


def _row(result: Mapping[str, Any]) -> dict[str, Any]:
    config = result["config"]
    return {
        "run": result["run"],
        "status": result["status"],
        "framework": title_of(config.get("framework", ""), ""),
        "environment": setting_value(config, "environment"),
        "track": _track(config),
        "batch_size": config.get("batch_size"),
        "epochs": _epochs(config),
        **{name: METRICS[name].read(result) for name in SHOWN},
        "flags": ", ".join(_flags(result)) or None,
    }


def _flags(result: Mapping[str, Any]) -> list[str]:
    return ["burn-in"] * bool(result.get("burn_in")) + doubts(warnings_of(result), *FLAGGED)


def _epochs(config: Mapping[str, Any]) -> int | str | None:
    """How many; such as 2/20 where only some of them were trained, and times are scaled."""
    epochs, trained = config.get("epochs"), epochs_trained(config)
    return f"{trained}/{epochs}" if epochs and trained < epochs else epochs


def _track(config: Mapping[str, Any]) -> str:
    """The track, and what was timed where that is not the whole training: other rates are no comparison."""
    measure = config.get("measure", END_TO_END)
    return str(config.get("track", "")) + ("" if measure == END_TO_END else f", {measure}")
