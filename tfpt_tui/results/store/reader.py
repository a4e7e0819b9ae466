"""The result of a run as one document: ``result.toml`` where it is written, else what its events say so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.toml import read_toml
from tfpt_tui.config.tracks import DEFAULT
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.events import RunWarning
from tfpt_tui.hardware.readings import gpu_of, read_samples, summarize
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import RESULT_SCHEMA, fold_all, make_result
from tfpt_tui.runs.record.state import gone, status_of
from tfpt_tui.runs.record.sweep import origin_of, read_config, read_environment
from tfpt_tui.runs.record.tail import EventTail

# What whoever reads a result relies on.
NEEDED: dict[str, type] = {"run": str, "status": str, "config": dict, "phases": dict}


def read_result(run: RunDirectory) -> dict[str, Any]:
    """The result of a run, live or over. A run without readable configuration has an empty one.

    ``environment`` is what ``environment.toml`` says, empty where there is none or it is broken.
    """
    environment = read_environment(run)
    document = {**_document(run, environment), "environment": environment}
    if void := judge_worker(document):
        document["warnings"] = [*document.get("warnings", []), dataclasses.asdict(void)]
    return document


def judge_worker(document: Mapping[str, Any]) -> RunWarning | None:
    """What is wrong with figures that an older worker measured; those before 0.2 did not say which they were."""
    config, effective = document.get("config", {}), document.get("effective", {})
    framework = FRAMEWORKS.get(config.get("framework", ""))
    if document.get("worker_version") or framework is None:
        return None
    for void in framework.void_figures:
        if (
            str(effective.get("device", "")).startswith(void.device)
            and config.get("track", DEFAULT.name) in void.tracks
            and config.get("measure", "end_to_end") in void.measures
        ):
            message = f"void: measured by a worker before {void.before}, {void.reason}"
            return RunWarning(message, "void", "run it again: tfpt-tui runs rerun", "time")
    return None


def _document(run: RunDirectory, environment: Mapping[str, Any]) -> dict[str, Any]:
    if run.result.exists():
        try:
            return _checked(run, read_toml(run.result))
        except TfptError as error:
            return _broken(run, str(error))
    try:
        config = dict(read_config(run).to_mapping())
    except TfptError as error:
        return _broken(run, str(error))
    try:
        record = fold_all(EventTail(run.events).read_all())
        gpu = gpu_of(environment, record.environment.effective if record.environment else {})
        hardware = summarize(read_samples(run.hardware), gpu)
    except OSError as error:
        return _broken(run, str(cannot("read the run", error.filename or run.path, error)))
    status = status_of(run)
    reason = gone(run) if status == "crashed" else None
    return {**make_result(run.id, status, reason, config, record, hardware, ()), **origin_of(run)}


def _checked(run: RunDirectory, document: dict[str, Any]) -> dict[str, Any]:
    """Raises UsageError for a document that this version cannot read as a result."""
    schema = document.get("schema", RESULT_SCHEMA)
    if schema != RESULT_SCHEMA:
        raise UsageError(f"{run.result}: has schema {schema}, which needs a newer tfpt-tui")
    for name, kind in NEEDED.items():
        if not isinstance(document.get(name), kind):
            raise UsageError(f"{run.result}: no result of tfpt-tui: {name} is missing or wrong")
    return document


def _broken(run: RunDirectory, reason: str) -> dict[str, Any]:
    return {
        "run": run.id,
        "status": "crashed",
        "error": {"type": "UsageError", "message": reason, "traceback": ""},
        "config": {},
        "phases": {},
    }
