"""The record of a run: kept while it goes on, and settled once when it is over."""

from __future__ import annotations

import csv
import io
import math
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import dump_toml, write_toml
from tfpt_tui.errors import TfptError, cannot
from tfpt_tui.events import ENDINGS, EpochEnd, PhaseEnd, PhaseStart, RunError, RunWarning, Slice, Stamped
from tfpt_tui.files import open_regular, remove_leftovers, write_atomically
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.machine_snapshot import MachineSnapshot, snapshot_document
from tfpt_tui.hardware.processor import parse_cores
from tfpt_tui.hardware.readings import gpu_of, read_samples, summarize
from tfpt_tui.hardware.run_checks import judge_counters, judge_idleness, judge_run, others_share
from tfpt_tui.hardware.sample import Sample
from tfpt_tui.hardware.sensitivity import from_document
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import turns_that_count
from tfpt_tui.runs.record.fold import Record, epochs_table, fold_all, images_of, slices_table
from tfpt_tui.runs.record.result import Artifact, RunResult, judge_epochs, make_result, result_document
from tfpt_tui.runs.record.sweep import read_config, read_environment, with_origin
from tfpt_tui.runs.record.tail import EventTail
from tfpt_tui.runs.supervision.history import draw_history
from tfpt_tui.wording import signal_name

LOG_BYTES = 1 << 20
MODEL_BYTES = 4 << 20  # with what a library writes beside it
TIMED = ("training", "evaluation")
ARTIFACTS = (*(one.model_file for one in FRAMEWORKS.values()), "samples.jpg", "history.png")


class RecordKeeper:
    """Reads what the worker tells and writes ``epochs.csv`` and ``environment.toml`` as soon as they are known."""

    def __init__(self, run: RunDirectory, environment: MachineSnapshot) -> None:
        self.record = Record()
        self._run = run
        self._tail = EventTail(run.events)
        self._environment = environment
        self._write_environment()

    def catch_up(self) -> None:
        before = self.record
        self.record = fold_all(self._tail.stream(), before)
        with suppress(OSError):  # a full disk: all of it is written once more at the end of the run
            self._write_what_is_new(before)

    def _write_what_is_new(self, before: Record) -> None:
        if len(self.record.epochs) > len(before.epochs):
            write_epochs(self._run, self.record)
        if self.record.environment is not before.environment and self.record.environment:
            known = self._environment
            gpu = replace(known.gpu, used=None) if self.record.device.startswith("cpu") else known.gpu
            self._environment = replace(known, versions=self.record.environment.versions, gpu=gpu)
            self._write_environment()

    def warn(self, warning: RunWarning) -> None:
        """Keep a warning of the supervisor's beside those of the survey, for whoever settles the run."""
        self._environment = replace(self._environment, warnings=(*self._environment.warnings, warning))
        self._write_environment()

    def _write_environment(self) -> None:
        on_gpu = self._environment.gpu.used is not None
        known = replace(self._environment, fingerprint=fingerprint(self._environment, on_gpu=on_gpu))
        write_toml(self._run.environment, snapshot_document(known))


def find_ending(
    record: Record, returncode: int, cause: str, *, killed_for_memory: bool, limit_s: float, free: int | None
) -> tuple[str, RunError | None]:
    """How the run ended, from the worker's last word, its exit, why we ended it, and the kernel's account.

    ``free`` are the bytes that are free where it was recorded.
    """
    end = record.end
    if end and end.status in ENDINGS and not (cause == "timeout" and end.status == "stopped"):
        return end.status, end.error
    if cause == "timeout":
        return "timeout", RunError("Timeout", f"not done after {limit_s:.0f} s (the key timeout_s sets the limit)")
    if cause:
        return cause, None
    if killed_for_memory and returncode == -signal.SIGKILL:
        return "out_of_memory", RunError("OutOfMemory", "the kernel killed it: the machine ran out of memory")
    if record.phase == "model_saving" and free is not None and free < MODEL_BYTES:
        message = f"no space left on device to save the model: {free / 1e6:.1f} MB are free"
        return "failed", RunError("MissingError", message)
    return "crashed", RunError("Crashed", f"{_describe_exit(returncode)} and left no message{_advise(returncode)}")


def finalize(run: RunDirectory, status: str, error: RunError | None) -> None:
    """Write what the run leaves for good: epochs, the picture of its history and, last of all, its result.

    Raises:
        OSError: the disk is full or read-only, or the directory is gone.
    """
    _remove_halves(run)
    try:
        text = dump_toml(result_document(with_origin(_work_out(run, status, error), run)))
    except OSError:
        raise
    except Exception as problem:  # whatever its files hold, a run that is over has a result
        message = f"its figures cannot be worked out: {type(problem).__name__}: {problem}"
        bare = RunResult(run.id, status, _config_of(run), warnings=(RunWarning(message, "damaged", "", "time"),))
        text = dump_toml(result_document(with_origin(replace(bare, error=error), run)))
    write_atomically(run.result, text)
    run.stop.unlink(missing_ok=True)


def finalize_lost(run: RunDirectory, error: RunError) -> None:
    """Settle a run that nobody looks after any more: as its worker said last, else as crashed, for this reason.

    Raises:
        OSError: as :func:`finalize`.
    """
    end = fold_all(EventTail(run.events).stream()).end
    if end and end.status in ENDINGS:
        return finalize(run, end.status, end.error)
    return finalize(run, "crashed", error)


def _work_out(run: RunDirectory, status: str, error: RunError | None) -> RunResult:
    """The result that the files of the run amount to; what is drawn from it is written."""
    tail = EventTail(run.events)
    record, marks = Record(), []
    for events in tail.portions():
        record = fold_all(events, record)
        marks += [one for one in events if isinstance(one.event, PhaseStart | PhaseEnd | EpochEnd)]
    samples = read_samples(run.hardware)
    environment = read_environment(run)
    device = record.device
    idle = judge_idleness(_in_epochs(samples, marks)) if device.startswith("cpu") else None
    warnings = [
        *record.warnings,
        *_machine_warnings(environment, device, samples, _while_timed(samples, marks), record.slices),
    ]
    counters = judge_counters(record.counters.get("training", {}), images_of(record.epochs), _log_of(run))
    # Epochs of a duel span turns of all arms; its figures are of rounds.
    slow = None if record.slices else judge_epochs(record.epochs)
    warnings += [warning for warning in (counters, idle, slow) if warning]
    if tail.malformed:
        warnings.append(RunWarning(f"{tail.malformed} lines of events.jsonl are not events", "malformed_events"))
    warnings += _write_beside(run, record)
    record = replace(record, warnings=tuple(warnings))
    hardware = summarize(samples, gpu_of(environment, device), alone=not environment.duel)
    return make_result(run.id, status, error, _config_of(run), record, hardware, _artifacts(run))


def _write_beside(run: RunDirectory, record: Record) -> Iterator[RunWarning]:
    """Write the tables and the picture; what cannot be written is said, for the result matters more."""
    made: tuple[tuple[Path, Sequence[object], Callable[[], None]], ...] = (
        (run.slices, record.slices, lambda: write_slices(run, record)),
        (run.epochs, record.epochs, lambda: write_epochs(run, record)),
        (run.history, record.epochs, lambda: draw_history(record, run.history)),
    )
    for path, rows, write in made:
        try:
            if rows:
                write()
        except OSError as problem:
            yield RunWarning(str(cannot("write", path, problem)), "unwritten_picture")
        except Exception as problem:  # matplotlib has many of its own
            reason = str(problem).partition("\n")[0]
            yield RunWarning(f"{path}: cannot be made: {type(problem).__name__}: {reason}", "unwritten_picture")


def write_epochs(run: RunDirectory, record: Record) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(epochs_table(record))
    write_atomically(run.epochs, table.getvalue())


def write_slices(run: RunDirectory, record: Record) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(slices_table(record.slices))
    write_atomically(run.slices, table.getvalue())


def _log_of(run: RunDirectory) -> str:
    """The beginning of what the framework printed: what it says of itself comes first."""
    try:
        with open_regular(run.log) as log:
            return log.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _while_timed(samples: Sequence[Sample], events: Sequence[Stamped]) -> list[Sample]:
    """Those of training and evaluation: what happens during the imports disturbs no figure."""
    begun = [one.time for one in events if isinstance(one.event, PhaseStart) and one.event.phase in TIMED]
    ended = [one.time for one in events if isinstance(one.event, PhaseEnd) and one.event.phase in TIMED]
    first, last = min(begun, default=math.inf), max(ended, default=math.inf)
    return [sample for sample in samples if first < sample.time <= last]


def _other_load(slices: Sequence[Slice]) -> float | None:
    """What others used of the cores in the turns that count, where the worker knows."""
    known = [turn for turn in turns_that_count(slices) if turn.other_load is not None]
    seconds = sum(turn.seconds for turn in known)
    return sum((turn.other_load or 0.0) * turn.seconds for turn in known) / seconds if seconds else None


def _in_epochs(samples: Sequence[Sample], events: Sequence[Stamped]) -> list[Sample]:
    """The samples from the start of the training to the end of its last epoch: those that throughput covers."""
    starts, ends = [], []
    for stamped in events:
        if isinstance(stamped.event, PhaseStart) and stamped.event.phase == "training":
            starts.append(stamped.time)
        elif isinstance(stamped.event, EpochEnd):
            ends.append(stamped.time)
    first, last = min(starts, default=math.inf), max(ends, default=-math.inf)
    return [sample for sample in samples if first < sample.time <= last]


def _machine_warnings(
    environment: MachineSnapshot,
    device: str,
    samples: Sequence[Sample],
    timed: Sequence[Sample],
    slices: Sequence[Slice],
) -> list[RunWarning]:
    """What the supervisor saw before and after the run, and what its samples say; of each kind the first.

    How busy others were while it was timed is worth more than a look before the start, where it is known.
    """
    allowed = parse_cores(str(environment.machine.get("allowed_cores", "")))
    cores = [core for core in allowed if core not in environment.spared_cores]
    others = _other_load(slices) if slices else others_share(timed, cores)
    passed_over = ["foreign_gpu_process"] * device.startswith("cpu") + ["busy"] * (others is not None)
    before = [warning for warning in environment.warnings if warning.code not in passed_over]
    sensitivity = from_document(environment.sensitivity)
    workers = len(environment.duel.arms) if environment.duel else 1
    during = judge_run(timed or samples, gpu_of(environment, device), others, len(cores), sensitivity, workers)
    by_code: dict[str, RunWarning] = {}
    for warning in (*before, *during):
        by_code.setdefault(warning.code, warning)
    return list(by_code.values())


def _remove_halves(run: RunDirectory) -> None:
    """Files are written under hidden names first: one that is still there belongs to somebody who was killed.

    Their names were others in earlier versions.
    """
    remove_leftovers(run.path)
    for path in run.path.glob(".*"):
        if path.is_file() and (path.suffix == ".tmp" or path.name[1:] in ARTIFACTS):
            path.unlink()


def _config_of(run: RunDirectory) -> RunConfig:
    try:
        return read_config(run)
    except TfptError:
        # A record without a valid configuration, perhaps of another version, still gets its result.
        return RunConfig(framework=run.id.split("-")[2], data="")


def _artifacts(run: RunDirectory) -> list[Artifact]:
    paths = [run.path / name for name in ARTIFACTS]
    return [Artifact(path.name, path.stat().st_size) for path in paths if path.exists()]


def _advise(returncode: int) -> str:
    """Nobody but another process or the kernel sends SIGKILL, and a log tells nothing of it."""
    if returncode == -signal.SIGKILL:
        return ": something else killed it, or a memory limit that tfpt-tui cannot see"
    return "; see its worker.log"


def _describe_exit(returncode: int) -> str:
    if returncode < 0:
        return f"the worker was killed by {signal_name(-returncode)}"
    return f"the worker ended with exit code {returncode}"
