"""The list of all recorded runs."""

from __future__ import annotations

from collections.abc import Iterable

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.results.comparison.groups import END_TO_END
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.record.notes import Notes
from tfpt_tui.runs.record.result import FLAGGED, RunResult

SHOWN = ("images_per_s", "test_accuracy", "epoch_s_median")
# What matters most comes first: the rest may find no room on a narrow terminal.
COLUMNS = (
    Column("run", "run"),
    Column("status", "status"),
    Column("framework", "framework"),
    Column("machine", "machine"),
    Column("environment", "environment"),
    METRICS["images_per_s"].column,
    Column("flags", "flags"),
    METRICS["test_accuracy"].column,
    Column("track", "track"),
    Column("batch_size", "batch"),
    Column("epochs", "epochs"),
    METRICS["epoch_s_median"].column,
    Column("notes", "notes"),
)
# Columns that are there where a run has something to say in them.
OPTIONAL = ("machine", "environment", "notes")


def listing(results: Iterable[RunResult]) -> Table:
    rows = tuple(_row(result) for result in results)
    used = {name for name in OPTIONAL if any(row[name] not in (None, DEFAULT_ENVIRONMENT) for row in rows)}
    return Table(tuple(column for column in COLUMNS if column.name not in OPTIONAL or column.name in used), rows)


def _row(result: RunResult) -> dict[str, Cell]:
    return {
        "run": result.run,
        "status": result.status,
        "framework": title_of(result.framework, ""),
        "machine": result.machine or None,
        "environment": result.config.environment,
        "track": _track(result),
        "batch_size": result.setting("batch_size"),
        "epochs": _epochs(result),
        **{name: METRICS[name].read(result) for name in SHOWN},
        "flags": ", ".join(["burn-in"] * result.burn_in + result.doubts(*FLAGGED)) or None,
        "notes": describe_notes(result.notes) or None,
    }


def describe_notes(notes: Notes) -> str:
    """Such as ``#baseline before the driver's upgrade``."""
    return " ".join([*(f"#{tag}" for tag in notes.tags), *([notes.note] if notes.note else [])])


def _epochs(result: RunResult) -> Cell:
    """How many; such as 2/20 where only some of them were trained, and times are scaled."""
    epochs, trained = result.setting("epochs"), result.config.epochs_trained
    return f"{trained}/{epochs}" if epochs is not None and epochs != trained else epochs


def _track(result: RunResult) -> str:
    """The track, and what was timed where that is not the whole training: other rates are no comparison."""
    track, measure = result.setting("track"), result.setting("measure")
    return ", ".join(str(word) for word in (track, measure) if word not in (None, END_TO_END))
