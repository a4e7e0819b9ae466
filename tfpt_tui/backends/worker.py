"""One run in a framework's own process: from the images on disk to the evaluated model."""

from __future__ import annotations

import dataclasses
import errno
import importlib
import importlib.metadata
import os
import resource
import signal
import sys
import tomllib
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tfpt_tui import __version__
from tfpt_tui.backends.allocator import keep_memory
from tfpt_tui.backends.dataset import Dataset, Images, list_dataset
from tfpt_tui.backends.effective import differences, emulated, retraced
from tfpt_tui.backends.gate import MOST_EPOCHS, DuelOver, Gate, TrainAnew
from tfpt_tui.backends.loaders import loader_failure
from tfpt_tui.backends.network import check_parameters, flops_per_image
from tfpt_tui.backends.profile import PROFILED_STEPS, doubtful_profile, step_profile
from tfpt_tui.backends.report import Report
from tfpt_tui.config.frameworks import FRAMEWORKS, OWN_MODULES
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.documents import Value
from tfpt_tui.errors import MissingError, TfptError
from tfpt_tui.events import ANEW, ONLY_TURNS, Environment, RunEnd, RunError, RunStart, RunWarning, StepProfile
from tfpt_tui.files import free_bytes, written_whole
from tfpt_tui.lifeline import die_with_parent

SMALLEST_MODEL_BYTES = 1 << 20  # a disk with less room could not take the model


class StopRequest(BaseException):
    """The supervisor requests this worker to stop."""


@dataclasses.dataclass(frozen=True)
class Duel:
    """The descriptor of the gate, and the ``kind`` of arm (:data:`tfpt_tui.events.ARM_KINDS`)."""

    gate: int
    kind: str


class Backend(NamedTuple):
    """The modules of a framework that a run uses; backends/contract.py says what they offer."""

    data: ModuleType
    model: ModuleType
    training: ModuleType
    runtime: ModuleType


def main(arguments: list[str]) -> int:
    """Train and evaluate as ``RUN/config.toml`` says.

    ``arguments`` are the run directory and the parent's pid. For an arm of a duel follow the descriptor of its
    gate and its kind.
    """
    run, parent = Path(arguments[0]), int(arguments[1])
    duel = Duel(int(arguments[2]), arguments[3]) if arguments[2:] else None
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for whoever started the run
    signal.signal(signal.SIGTERM, _request_stop)
    with Report(run / "events.jsonl") as report:
        backend: list[Backend] = []
        status, error = _attempt(run, report, backend, duel)
        report.emit(RunEnd(status, error, _peak_memory(backend)))
    return 0 if status == "completed" else 1


def _request_stop(*_: object) -> None:
    raise StopRequest


def _attempt(run: Path, report: Report, loaded: list[Backend], duel: Duel | None) -> tuple[str, RunError | None]:
    """Do the work and say how it ended; every way of failing becomes a status and one line."""
    try:
        _train_and_evaluate(run, report, loaded, duel)
    except DuelOver:
        return "completed", None
    except StopRequest:
        return "stopped", None
    except TfptError as error:
        return "failed", RunError(type(error).__name__, str(error))
    except BaseException as error:
        if loaded and loaded[0].runtime.is_out_of_memory(error):
            return "out_of_memory", _explain(error)
        if reason := loader_failure(error):
            return "failed", RunError("MissingError", reason, traceback.format_exc())
        if _is_disk_full(error, run):
            return "failed", RunError("MissingError", f"{run}: no space left on device; free some room")
        return ("out_of_memory" if isinstance(error, MemoryError) else "failed"), _explain(error)
    return "completed", None


def _is_disk_full(error: BaseException, run: Path) -> bool:
    """Libraries have errors of their own for it, so where they do not say it, the disk is looked at."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "writ" in str(error) and _lacks_room(run)


def _lacks_room(run: Path) -> bool:
    free = free_bytes(run)
    return free is not None and free < SMALLEST_MODEL_BYTES


def _explain(error: BaseException) -> RunError:
    """The error in its own first line; TensorFlow's is a heading, with the reason at the end."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith("[[")] or [type(error).__name__]
    return RunError(type(error).__name__, kept[-1] if kept[0].endswith(":") else kept[0], traceback.format_exc())


def _train_and_evaluate(run: Path, report: Report, loaded: list[Backend], duel: Duel | None) -> None:
    config = read_config(run)
    report.emit(
        RunStart(run.name, config.framework, _version(config), __version__, config.to_mapping(), os.getpid())
    )
    report.endless = duel is not None and duel.kind == ONLY_TURNS
    config = config.replace(epochs=MOST_EPOCHS if report.endless else config.epochs_trained)
    if config.measure == "profile":
        config = config.replace(epochs=1, max_steps=config.max_steps or PROFILED_STEPS)
    with report.phase("import"):
        backend = load_backend(config)
    loaded.append(backend)
    data, _, training, runtime = backend

    with report.phase("device_init"):
        device = runtime.init_device(config)
    if duel and duel.kind == ANEW:
        _take_turns_first(report, backend, config, duel, device)
        duel = None
    dataset, train, test = _load(report, backend, config, device)
    if config.measure == "loader":
        _tell_environment(report, backend, config, None, train, device)
        with report.phase("training"):
            training.load_only(train, config, report)
        return

    network = _build(report, backend, config, dataset.classes, device)
    with report.phase("compile"):
        step = training.compile_step(network, train, config, device)
    _tell_environment(report, backend, config, step, train, device)
    if config.measure == "profile":
        with report.phase("training"):
            report.emit(_profile(run, report, backend, config, step, train, device))
        return
    traces = step.traces()
    if duel:
        gate = _arrive(report, backend, duel, device)
    with report.phase("training"), suppress(DuelOver):
        fed = training.resident(step, train) if config.measure == "model" else train
        training.train(step, fed, config, report)
    if not TRACKS[config.track].compiles_in_clock:
        for warning in retraced(traces, step.traces()):
            report.emit(warning)
    report.emit(_environment(backend, config, step, train, device))
    if duel:
        gate.leave()
    if config.measure == "end_to_end":
        _save_and_evaluate(run, report, backend, config, dataset, network, train, test, device)
        _write_samples(run, report, config, data, dataset.train)


def _load(report: Report, backend: Backend, config: RunConfig, device: object) -> tuple[Dataset, Any, Any]:
    """The dataset's files, and what feeds training and test with them."""
    data = backend.data
    with report.phase("data_loading"):
        dataset = list_dataset(Path(config.data))
        train = data.make_training_data(config, dataset.train, device)
        test = data.make_test_data(config, dataset.test, device)
    if config.cache:
        with report.phase("cache_fill", total=len(dataset.train)):
            train = data.fill_cache(train, report)
    elif TRACKS[config.track].packs:
        with report.phase("cache_fill", total=len(dataset.train) + len(dataset.test)):
            train, test = data.fill_cache(train, report), data.fill_cache(test, report)
    return dataset, train, test


def _take_turns_first(report: Report, backend: Backend, config: RunConfig, duel: Duel, device: object) -> None:
    """Be measured in a training of its own, of which nothing but the turns is recorded: that of the run has too
    few steps for them, and begins afterwards.

    Raises:
        DuelOver: it is not wanted.
    """
    report.quiet = report.endless = True
    dataset, train, _ = _load(report, backend, config, device)
    step = backend.training.compile_step(
        _build(report, backend, config, dataset.classes, device), train, config, device
    )
    _tell_environment(report, backend, config, step, train, device)
    _arrive(report, backend, duel, device)
    fed = backend.training.resident(step, train) if config.measure == "model" else train
    with suppress(TrainAnew):
        backend.training.train(step, fed, config.replace(epochs=MOST_EPOCHS), report)
    report.quiet = report.endless = False
    report.step_done = lambda images, steps: None
    backend.runtime.set_seed(config)


def _arrive(report: Report, backend: Backend, duel: Duel, device: object) -> Gate:
    """The gate of the duel, at its first turn: from here on every step passes it."""
    gate = Gate(report, duel.gate, lambda: backend.runtime.synchronize(device), on_gpu=str(device) != "cpu")
    report.step_done = gate.passed
    gate.arrive()
    return gate


def _profile(
    run: Path,
    report: Report,
    backend: Backend,
    config: RunConfig,
    step: object,
    train: Any,
    device: object,
) -> StepProfile:
    """An epoch of some steps to warm up, one on the clock, and one under the profiler; then the peaks."""
    profiler = importlib.import_module(f"tfpt_tui.backends.{config.framework}.profiler")
    seconds: list[float] = []

    def work() -> None:
        backend.training.train(step, train, config, report)
        seconds.append(report.epoch_s)

    work()
    work()
    report.quiet = True  # what the profiler slows down is no epoch of the record
    recorded = profiler.record_steps(work, device, run)
    _, usual_s, profiled_s = seconds
    peaks = profiler.find_peaks(config, device)
    steps = train.images / config.batch_size  # the last one may be a part of one
    found = step_profile(recorded, usual_s, profiled_s, steps, profiler.TRACE, peaks)
    for warning in doubtful_profile(found):
        report.emit(warning)
    return found


def _build(report: Report, backend: Backend, config: RunConfig, classes: int, device: object) -> object:
    with report.phase("model_building"):
        network = backend.model.build_model(config, classes, device)
    summary = backend.model.summarize(network)
    check_parameters(summary, classes)
    report.emit(dataclasses.replace(summary, flops_per_image=flops_per_image(classes, config.image_size)))
    return network


def _save_and_evaluate(
    run: Path,
    report: Report,
    backend: Backend,
    config: RunConfig,
    dataset: Dataset,
    network: object,
    train: object,
    test: object,
    device: object,
) -> None:
    file = run / backend.model.FILE
    with report.phase("model_saving"), written_whole(file) as temporary:
        try:
            backend.model.save_model(network, config, temporary)
        except Exception as error:  # libraries speak of files and archives where the disk is full
            if _lacks_room(run):
                raise MissingError(f"{run}: no space left on device to save the model; free some room") from error
            raise
    with report.phase("model_loading"):
        network = backend.model.load_model(file, config, dataset.classes, device)
    with report.phase("evaluation", total=len(dataset.test)):
        result = backend.training.evaluate(network, test, config, report)
    if TRACKS[config.track].recalibrates:
        backend.training.recalibrate(network, train, config)
        again = backend.training.evaluate(network, test, config, report)
        result = dataclasses.replace(result, recalibrated_loss=again.loss, recalibrated_accuracy=again.accuracy)
    report.emit(result)


def _tell_environment(
    report: Report, backend: Backend, config: RunConfig, step: object, train: object, device: object
) -> None:
    """What the framework says it applies, and a warning where that is not what was requested."""
    environment = _environment(backend, config, step, train, device)
    report.emit(environment)
    for warning in (*differences(config, environment.effective), *emulated(config, environment.effective)):
        report.emit(warning)


def _environment(backend: Backend, config: RunConfig, step: object, train: object, device: object) -> Environment:
    name, effective = backend.runtime.effective(config, step, train, device)
    variables: dict[str, Value] = {name: os.environ.get(name, "") for name in _variables(config)}
    if TRACKS[config.track].is_tuned:
        variables["keep_memory"] = config.is_on("keep_memory") and keep_memory()
    return Environment(backend.runtime.versions(), name, {**effective, **variables})


def _write_samples(run: Path, report: Report, config: RunConfig, data: ModuleType, images: Images) -> None:
    from tfpt_tui.backends.samples import sample_indices, write_samples

    file = run / "samples.jpg"
    try:
        chosen = images.pick(sample_indices(len(images)))
        write_samples(data.augmented_samples(config, chosen), file)
    except Exception as error:  # all that is measured is measured: a picture less is no reason to lose it
        report.emit(RunWarning(f"{file}: cannot be made: {_explain(error).message}", "unwritten_picture"))


def read_config(run: Path) -> RunConfig:
    """The configuration of the only row of ``config.toml``."""
    document = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
    return RunConfig.from_row(document["rows"][0], str(run / "config.toml"))


def _version(config: RunConfig) -> str:
    try:
        return importlib.metadata.version(FRAMEWORKS[config.framework].distributions[0])
    except importlib.metadata.PackageNotFoundError:
        return ""


def load_backend(config: RunConfig) -> Backend:
    """Set the variables that the track wants, then import the framework's four modules; a track may have its own
    in place of some.

    Raises:
        MissingError: the framework, or something that it needs, is not installed.
    """
    set_variables(config)
    if config.is_on("keep_memory"):
        keep_memory()
    own = OWN_MODULES if TRACKS[config.track].own_modules else ()
    parts = (f"{config.track}.{part}" if part in own else part for part in Backend._fields)
    try:
        names = (f"tfpt_tui.backends.{config.framework}.{part}" for part in parts)
        return Backend(*map(importlib.import_module, names))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tfpt_tui"):
            raise
        raise MissingError(
            f"{sys.executable}: {config.framework} cannot be imported: {error.name} is not installed there"
        ) from None


def set_variables(config: RunConfig) -> None:
    """Set the environment variables that the track wants, before the framework is imported."""
    os.environ.update(_variables(config))


def _variables(config: RunConfig) -> dict[str, str]:
    found: dict[str, str] = importlib.import_module(f"tfpt_tui.backends.{config.framework}.variables").variables(
        config
    )
    return found


def _peak_memory(loaded: list[Backend]) -> dict[str, int]:
    memory = {"peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    gpu = 0
    with suppress(Exception):  # of a GPU that could not be used the run has another reason to tell
        gpu = loaded[0].runtime.peak_gpu_bytes() if loaded else 0
    return memory | ({"peak_gpu_bytes": gpu} if gpu else {})
