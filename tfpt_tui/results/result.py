"""The result of a run as one document: ``result.toml`` where it is written, else what its events say so far."""

from __future__ import annotations

from typing import Any

from tfpt_tui.config.toml import read_toml
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.hardware.readings import read_samples, summarize
from tfpt_tui.runs.directory import RunDirectory
from tfpt_tui.runs.record import fold_all, make_result
from tfpt_tui.runs.state import GONE, status_of
from tfpt_tui.runs.sweep import read_config
from tfpt_tui.runs.tail import EventTail


def read_result(run: RunDirectory) -> dict[str, Any]:
    """The result of a run, live or over. A run without readable configuration has an empty one.

    ``environment`` is what ``environment.toml`` says, empty where there is none or it is broken.
    """
    return {**_document(run), "environment": _environment(run)}


def _document(run: RunDirectory) -> dict[str, Any]:
    if run.result.exists():
        try:
            return read_toml(run.result)
        except TfptError as error:
            return _broken(run, str(error))
    try:
        config = dict(read_config(run).to_mapping())
    except TfptError as error:
        return _broken(run, str(error))
    try:
        record = fold_all(EventTail(run.events).read_all())
        hardware = summarize(read_samples(run.hardware))
    except OSError as error:
        return _broken(run, str(cannot("read the run", error.filename or run.path, error)))
    status = status_of(run)
    return make_result(run.id, status, GONE if status == "crashed" else None, config, record, hardware, ())


def _environment(run: RunDirectory) -> dict[str, Any]:
    try:
        return read_toml(run.environment)
    except TfptError:
        return {}  # without it a run is of unknown origin, and still a run


def _broken(run: RunDirectory, reason: str) -> dict[str, Any]:
    return {
        "run": run.id,
        "status": "crashed",
        "error": {"type": "UsageError", "message": reason, "traceback": ""},
        "config": {},
        "phases": {},
    }
