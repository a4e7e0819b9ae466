"""Hand a plan to whoever executes it: this machine, which is checked first, and a supervisor on it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.data.manifest import check_labels, read_manifest
from tfpt_tui.environments.interpreters import check_framework, install_line
from tfpt_tui.environments.probe import probe
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot
from tfpt_tui.files import append_to
from tfpt_tui.hardware.gpu import GpuReading, read_gpu
from tfpt_tui.own_process import start_detached
from tfpt_tui.runs.plan.plan import Place, Plan
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import owner_of, read_state, request_stop, state_of, write_state
from tfpt_tui.runs.record.sweep import Sweep, note_latest, record_plan, remove
from tfpt_tui.runs.supervision.memory_check import check_disk, check_room

HANDOVER_S = 20.0
HANDED_OVER = "handed over"
SMALLEST_IMAGE = 16  # pixels: four times halved

Interpreters = Mapping[Place, str]


def submit(
    plan: Plan,
    settings: UserSettings,
    paths: Paths,
    on_checked: Callable[[Interpreters], None] = lambda _: None,
    number: int | None = None,
) -> Sweep:
    """Check that this machine can run the plan, record it, and hand it to a supervisor that outlives us.

    ``on_checked`` is called before anything is recorded, with the Python of every framework and environment. The
    IDs of the runs count on from ``number``, by default a random one.

    Raises:
        UsageError: a configuration does not fit its dataset.
        MissingError: a dataset, a framework, a device or room in memory is missing.
        MissingError: the directories cannot be written; nothing is left of the plan then.
        TfptError: the supervisor did not start.
    """
    # Repeats differ in their seed alone.
    interpreters = check_machine([run.config for run in plan.runs if run.repeat <= 1], settings)
    check_disk(paths.runs)
    on_checked(interpreters)
    sweep = record_plan(plan, interpreters, paths, number)
    try:
        hand_over(sweep, paths)
    except TfptError:
        remove(sweep)
        raise
    note_latest(sweep, paths)
    return sweep


def hand_over(sweep: Sweep, paths: Paths) -> None:
    """Start a supervisor for the sweep, and wait until it owns it.

    Raises:
        TfptError: the supervisor did not start.
    """
    supervisor = _start_supervisor(sweep, paths)
    deadline = time.monotonic() + HANDOVER_S
    try:
        # Should this process end before the supervisor has taken over, nobody takes its runs for dead.
        write_state(sweep.directory.state, replace(state_of(identify(supervisor.pid)), status=HANDED_OVER))
        while not _is_owned_by(supervisor.pid, sweep):
            if supervisor.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.02)
    except KeyboardInterrupt:
        request_stop(sweep.directory)  # nobody would know of it, and Ctrl-C stops runs
        raise
    if supervisor.poll():
        log = sweep.directory.log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
        raise TfptError(f"{paths.sweeps}: the supervisor did not start: {log[-1]}")


def _is_owned_by(pid: int, sweep: Sweep) -> bool:
    owner = owner_of(sweep.directory.state)
    return owner is not None and owner.pid == pid and read_state(sweep.directory.state).status != HANDED_OVER


def check_machine(configs: Sequence[RunConfig], settings: UserSettings) -> dict[Place, str]:
    """Datasets, memory, frameworks and devices, each looked at once; the interpreter of every framework.

    Raises:
        UsageError: a configuration does not fit its dataset.
        MissingError: a dataset, a framework, a device or room in memory is missing.
    """
    datasets = dict.fromkeys(config.data for config in configs)
    manifests = {directory: read_manifest(Path(directory)) for directory in datasets}
    for directory, manifest in manifests.items():
        check_labels(Path(directory), manifest)
    for config in dict.fromkeys(configs):
        _check_sizes(config, manifests[config.data].total("train"))
        check_room(config, manifests[config.data])
    places = dict.fromkeys((config.framework, config.environment) for config in configs)
    interpreters = {
        (framework, environment): check_framework(framework, settings, environment)
        for framework, environment in places
    }
    gpu = read_gpu() if any(config.device != "cpu" for config in configs) else GpuReading()
    for device in dict.fromkeys(config.device for config in configs if config.device.startswith("gpu")):
        _check_gpu(device, gpu)
    if gpu.names:
        _check_same_kind(
            {
                (config.framework, config.environment): interpreters[config.framework, config.environment]
                for config in configs
                if config.device == "auto"
            }
        )
    return interpreters


def _check_sizes(config: RunConfig, images: int) -> None:
    """Refuse images of which the network leaves nothing, and an epoch without a whole batch on a track that drops
    the short one.
    """
    if config.image_size < SMALLEST_IMAGE:
        raise UsageError(
            f"image_size={config.image_size}: the network's four poolings leave nothing of it; {SMALLEST_IMAGE} is"
            " the smallest"
        )
    if not TRACKS[config.track].keeps_short_batch and config.batch_size > images:
        raise UsageError(
            f"batch_size={config.batch_size}: more than the {images} training images of {config.data}"
        )


def _check_same_kind(interpreters: Mapping[Place, str]) -> None:
    """Refuse to compare a framework on the GPU with one that does not see it and would train on the CPU.

    Only importing them tells: this takes seconds.
    """
    probes = [probe(framework, interpreter) for (framework, _), interpreter in interpreters.items()]
    for found in probes:
        if found.problem:
            raise MissingError(f"{found.interpreter}: {found.problem}; tfpt-tui doctor says more")
    blind = [found for found in probes if not found.gpus]
    if blind and len(blind) < len(probes):
        framework, interpreter = blind[0].framework, blind[0].interpreter
        raise MissingError(
            f"device=auto: {title_of(framework)} sees no GPU where another framework sees one;"
            f" fix it with: {install_line(framework, interpreter, gpu=True)}, or set device=cpu"
        )


def _check_gpu(device: str, reading: GpuReading) -> None:
    """Refuse a GPU that is certainly not there. Without NVML's answer the framework itself will have to say."""
    index = int(device.partition(":")[2] or 0)
    amd = Path("/dev/kfd").exists()  # a GPU that NVML does not know
    if not amd and reading.problem.startswith("no NVIDIA GPU"):
        raise MissingError(f"device={device}: {reading.problem}; use --set device=cpu")
    if reading.names and index >= len(reading.names):
        raise MissingError(f"device={device}: this machine has {len(reading.names)} GPUs, gpu:0 is the first")


def _start_supervisor(sweep: Sweep, paths: Paths) -> subprocess.Popen[bytes]:
    arguments = str(sweep.directory.path), str(paths.runs)
    try:
        with append_to(sweep.directory.log) as log:
            return start_detached("tfpt_tui.runs.supervision.supervisor", *arguments, log=log)
    except OSError as error:
        raise cannot("start the supervisor", sweep.directory.path, error) from None
