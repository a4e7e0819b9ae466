"""Read the result of a run, from ``result.toml`` or from what its events say so far, and its epochs."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import read_record
from tfpt_tui.documents import DocumentError
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.events import RunError, RunWarning
from tfpt_tui.files import open_regular
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot
from tfpt_tui.hardware.readings import gpu_of, read_samples, summarize
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.notes import read_notes
from tfpt_tui.runs.record.result import SCHEMA, VOID, RunResult, make_result, result_from
from tfpt_tui.runs.record.state import crash_error, machine_of, status_of
from tfpt_tui.runs.record.sweep import read_config, read_environment, with_origin
from tfpt_tui.runs.record.tail import EventTail


@dataclass(frozen=True)
class Epoch:
    """A line of ``epochs.csv`` that trained; ``at_s`` are the seconds of training at which it ended."""

    epoch: float
    loss: float
    accuracy: float
    at_s: float


def read_result(run: RunDirectory) -> RunResult:
    """The result of a run, live or over. One that cannot be read is ``crashed`` and says why.

    The environment is empty where its file is missing or broken.
    """
    try:
        environment = read_environment(run)
        result = _ended(run, environment) if run.result.exists() else _live(run, environment)
        void = judge_worker(result)
        warnings = result.warnings + ((void,) if void else ())
        return replace(result, warnings=warnings, machine=machine_of(run), notes=read_notes(run))
    except TfptError as error:
        return _unreadable(run, str(error))
    except Exception as error:  # whatever is wrong with one run, the others are listed and compared
        return _unreadable(run, f"{run.path}: cannot be read: {type(error).__name__}: {error}")


def _unreadable(run: RunDirectory, reason: str) -> RunResult:
    config = RunConfig(framework=run.id.split("-")[2], data="")
    return RunResult(run.id, "crashed", config, error=RunError("UsageError", reason))


def judge_worker(result: RunResult) -> RunWarning | None:
    """What is wrong with figures that an older worker measured; those before 0.2 did not say which they were."""
    framework = FRAMEWORKS.get(result.framework)
    if result.worker_version or framework is None:
        return None
    for void in framework.void_figures:
        if (
            result.device.startswith(void.device)
            and result.config.track in void.tracks
            and result.config.measure in void.measures
        ):
            message = f"void: measured by a worker before {void.before}, {void.reason}"
            return RunWarning(message, VOID, "run it again: tfpt-tui runs rerun", "time")
    return None


def read_epochs(run: RunDirectory) -> list[Epoch]:
    """The epochs that trained, for curves; none where there is no such file or it is damaged."""
    try:
        with open_regular(run.epochs) as file:
            rows = list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")))
        numbers = [{name: float(value) for name, value in row.items() if name and value} for row in rows]
    except (OSError, TypeError, ValueError, csv.Error):
        return []
    epochs, at_s = [], 0.0
    for row in numbers:
        at_s += row.get("seconds", 0.0)
        if {"epoch", "train_loss", "train_accuracy"} <= row.keys():
            epochs.append(Epoch(row["epoch"], row["train_loss"], row["train_accuracy"], at_s))
    return epochs


def _ended(run: RunDirectory, environment: MachineSnapshot) -> RunResult:
    """Raises UsageError for a file that this version cannot read as a result, MissingError for one not for us."""
    document = read_record(run.result, SCHEMA)
    try:
        return result_from(document, environment)
    except DocumentError as error:
        raise UsageError(f"{run.result}: not a result of tfpt-tui: {error}") from None


def _live(run: RunDirectory, environment: MachineSnapshot) -> RunResult:
    """Raises UsageError without a valid configuration, MissingError where the files cannot be read."""
    config = read_config(run)
    try:
        record = fold_all(EventTail(run.events).stream())
        samples, gpu = read_samples(run.hardware), gpu_of(environment, record.device)
        hardware = summarize(samples, gpu, alone=not environment.duel)
    except OSError as error:
        raise cannot("read the run", error.filename or run.path, error) from None
    status = status_of(run)
    reason = crash_error(run) if status == "crashed" else None
    result = make_result(run.id, status, reason, config, record, hardware)
    return replace(with_origin(result, run), environment=environment)
