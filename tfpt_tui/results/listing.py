"""The list of all recorded runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfpt_tui.config.schema import FRAMEWORK_TITLES
from tfpt_tui.results.groups import END_TO_END
from tfpt_tui.results.table import Column, Table
from tfpt_tui.runs.record import doubts, warnings_of

COLUMNS = (
    Column("run", "run"),
    Column("status", "status"),
    Column("framework", "framework"),
    Column("track", "track"),
    Column("batch_size", "batch"),
    Column("epochs", "epochs"),
    Column("images_per_s", "images/s", 1),
    Column("epoch_s_median", "epoch s", 2),
    Column("test_accuracy", "test acc.", 4),
    Column("flags", "flags"),
)


def listing(results: Iterable[Mapping[str, Any]]) -> Table:
    return Table(COLUMNS, tuple(_row(result) for result in results))


def _row(result: Mapping[str, Any]) -> dict[str, Any]:
    config, training = result["config"], result.get("training", {})
    return {
        "run": result["run"],
        "status": result["status"],
        "framework": FRAMEWORK_TITLES.get(config.get("framework", ""), ""),
        "track": _track(config),
        "batch_size": config.get("batch_size"),
        "epochs": config.get("epochs"),
        "images_per_s": training.get("images_per_s"),
        "epoch_s_median": training.get("epoch_s_median"),
        "test_accuracy": result.get("test", {}).get("accuracy"),
        "flags": doubts(warnings_of(result), "time") or None,
    }


def _track(config: Mapping[str, Any]) -> str:
    """The track, and what was timed where that is not the whole training: other rates are no comparison."""
    measure = config.get("measure", END_TO_END)
    return str(config.get("track", "")) + ("" if measure == END_TO_END else f", {measure}")
