"""A plan: every run of a preset in the order to be run, valid as a whole before anything starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.paths import absolute
from tfpt_tui.config.presets import Preset
from tfpt_tui.config.schema import RunConfig, Value
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.data.manifest import check_labels, read_manifest
from tfpt_tui.environments.interpreters import check_framework, install_line
from tfpt_tui.environments.probe import probe
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.hardware.gpu import GpuReading, read_gpu
from tfpt_tui.runs.needs import check_room

# Fixed, so that every run begins alike; a worker's imports are as long again.
COOLDOWN_S = 5.0


@dataclass(frozen=True)
class PlannedRun:
    """``row`` and ``repeat`` count from 1; ``published`` is what the source of the row printed.

    A burn-in, whose figures are not compared, is repeat 0. ``interpreter`` is the Python that runs its worker.
    """

    config: RunConfig
    row: int
    repeat: int
    interpreter: str
    published: Mapping[str, Value] = field(default_factory=dict)

    @property
    def burn_in(self) -> bool:
        return self.repeat == 0


@dataclass(frozen=True)
class Plan:
    """``cooldown_s`` passes between two runs."""

    preset: str
    title: str
    runs: tuple[PlannedRun, ...]
    cooldown_s: float = 0.0


def make_plan(
    preset: Preset,
    settings: UserSettings,
    *,
    data: str | None = None,
    rows: Sequence[int] | None = None,
    overrides: Mapping[str, Value] | None = None,
    repeats: int = 1,
    cooldown_s: float | None = None,
    burn_in: bool = False,
) -> Plan:
    """Expand a preset into runs, interleaved over the repeats (A B B A), and check all that can be checked.

    ``rows`` are indices from 0. Seeds count up from the row's own with each repeat, so that they pair between the
    frameworks. ``cooldown_s`` is by default 5 s where runs are repeated, and nothing else. ``burn_in`` puts a run
    of the first row in front, which warms the machine up and is not compared.

    Raises:
        UsageError: a row's configuration is refused or lacks its dataset.
        MissingError: a dataset, a framework or a device is not on this machine.
    """
    chosen = list(range(len(preset.rows))) if rows is None else list(rows)
    configs = {row: _configure(preset, row, data, overrides or {}) for row in chosen}
    interpreters = check_machine(list(configs.values()), settings)
    runs = []
    for repeat in range(repeats):
        for row in chosen if repeat % 2 == 0 else reversed(chosen):
            config = configs[row].replace(seed=_seed(configs[row], repeat, preset))
            interpreter = interpreters[config.framework, config.environment]
            runs.append(PlannedRun(config, row + 1, repeat + 1, interpreter, preset.rows[row].published))
    if burn_in:
        runs.insert(0, dataclasses.replace(runs[0], repeat=0))
    pause_s = usual_cooldown_s(repeats) if cooldown_s is None else cooldown_s
    return Plan(preset.name, preset.title, tuple(runs), pause_s)


def usual_cooldown_s(repeats: int) -> float:
    """The pause between two runs where none was asked for."""
    return COOLDOWN_S if repeats > 1 else 0.0


def _configure(preset: Preset, row: int, data: str | None, overrides: Mapping[str, Value]) -> RunConfig:
    where = f"{preset.path}: row {row + 1}"
    values: dict[str, Any] = {**preset.rows[row].settings, **overrides}
    if data == "":
        raise UsageError("--data: is empty; name a dataset's directory")
    if data is not None:
        values["data"] = data
    if "data" not in values:
        raise UsageError(f"{where}: no dataset: name one with --data DIR (tfpt-tui prepare makes one)")
    values["data"] = _absolute(str(values["data"]))
    return RunConfig.from_mapping(values, where)


def _absolute(data: str) -> str:
    path = absolute(data)
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise UsageError(f"{shown}: a dataset's path must be UTF-8 to be recorded; rename it") from None
    return path


def _seed(config: RunConfig, repeat: int, preset: Preset) -> int:
    seed = config.seed + repeat
    if seed >= 2**32:
        raise UsageError(f"{preset.path}: seed {config.seed} leaves no room for {repeat + 1} repeats")
    return seed


# Framework and environment: what an interpreter is chosen by.
Place = tuple[str, str]


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
        _check_batch(config, manifests[config.data].total("train"))
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


def _check_batch(config: RunConfig, images: int) -> None:
    """Refuse an epoch without a whole batch on a track that drops the short one."""
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
            f" mend it with: {install_line(framework, interpreter, gpu=True)}, or set device=cpu"
        )


def _check_gpu(device: str, reading: GpuReading) -> None:
    """Refuse a GPU that is certainly not there. Without NVML's answer the framework itself will have to say."""
    index = int(device.partition(":")[2] or 0)
    amd = Path("/dev/kfd").exists()  # a GPU that NVML does not know
    if not amd and reading.problem.startswith("no NVIDIA GPU"):
        raise MissingError(f"device={device}: {reading.problem}; use --set device=cpu")
    if reading.names and index >= len(reading.names):
        raise MissingError(f"device={device}: this machine has {len(reading.names)} GPUs, gpu:0 is the first")
