"""A plan: every run of a preset in the order to be run, valid as a whole before anything starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfpt_tui.config.presets import Preset
from tfpt_tui.config.schema import FRAMEWORK_TITLES, RunConfig, Value
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.manifest import check_labels, read_manifest
from tfpt_tui.environments.interpreters import check_framework, count_gpus, install_line
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.hardware.gpu import GpuReading, read_gpu
from tfpt_tui.hardware.memory import shared_memory_bytes

# Fixed, so that every run begins alike; a worker's imports are as long again.
COOLDOWN_S = 5.0
# What a DataLoader keeps ready for every worker, by default.
PREFETCHED_BATCHES = 2


@dataclass(frozen=True)
class PlannedRun:
    """``row`` and ``repeat`` count from 1; ``published`` is what the source of the row printed.

    A burn-in, whose figures are not compared, is repeat 0.
    """

    config: RunConfig
    row: int
    repeat: int
    published: Mapping[str, Value] = field(default_factory=dict)

    @property
    def burn_in(self) -> bool:
        return self.repeat == 0


@dataclass(frozen=True)
class Plan:
    """``interpreters`` by framework: the Python that runs its workers. ``cooldown_s`` passes between two runs."""

    preset: str
    title: str
    runs: tuple[PlannedRun, ...]
    interpreters: Mapping[str, str]
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
    runs = []
    for repeat in range(repeats):
        for row in chosen if repeat % 2 == 0 else reversed(chosen):
            config = configs[row].replace(seed=_seed(configs[row], repeat, preset))
            runs.append(PlannedRun(config, row + 1, repeat + 1, preset.rows[row].published))
    if burn_in:
        runs.insert(0, dataclasses.replace(runs[0], repeat=0))
    interpreters = _check_machine([run.config for run in runs], settings)
    if cooldown_s is None:
        cooldown_s = COOLDOWN_S if repeats > 1 else 0.0
    return Plan(preset.name, preset.title, tuple(runs), interpreters, cooldown_s)


def _configure(preset: Preset, row: int, data: str | None, overrides: Mapping[str, Value]) -> RunConfig:
    where = f"{preset.path}: row {row + 1}"
    values: dict[str, Any] = {**preset.rows[row].settings, **overrides}
    if data is not None:
        values["data"] = data
    if "data" not in values:
        raise UsageError(f"{where}: no dataset: name one with --data DIR (tfpt-tui prepare makes one)")
    values["data"] = _absolute(str(values["data"]))
    return RunConfig.from_mapping(values, where)


def _absolute(data: str) -> str:
    path = str(Path(data).expanduser().absolute())
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


def _check_machine(configs: Sequence[RunConfig], settings: UserSettings) -> dict[str, str]:
    """Datasets, memory, frameworks and devices, each looked at once; the interpreters of the frameworks."""
    datasets = dict.fromkeys(config.data for config in configs)
    manifests = {directory: read_manifest(Path(directory)) for directory in datasets}
    for directory, manifest in manifests.items():
        check_labels(Path(directory), manifest)
    room = shared_memory_bytes()
    for config in dict.fromkeys(configs):
        images = manifests[config.data].total("train")
        _check_batch(config, images)
        if room:
            _check_shared_memory(config, images, *room)
    frameworks = dict.fromkeys(config.framework for config in configs)
    interpreters = {framework: check_framework(framework, settings) for framework in frameworks}
    gpu = read_gpu() if any(config.device != "cpu" for config in configs) else GpuReading()
    for device in dict.fromkeys(config.device for config in configs if config.device.startswith("gpu")):
        _check_gpu(device, gpu)
    if gpu.names and any(config.device == "auto" for config in configs):
        _check_same_kind(interpreters)
    return interpreters


def _check_batch(config: RunConfig, images: int) -> None:
    """Refuse an epoch without a whole batch; only the article's code path keeps a short one."""
    if config.track != "published" and config.batch_size > images:
        raise UsageError(
            f"batch_size={config.batch_size}: more than the {images} training images of {config.data}"
        )


def _check_shared_memory(config: RunConfig, images: int, size: int, free: int) -> None:
    """Refuse workers that would die of a bus error: batches go through /dev/shm, the cache lies there."""
    if config.framework != "pytorch":
        return
    pixels = 3 * config.image_size**2
    value = 4  # bytes; batches are float32, and so is the article's cache, which is shared also without workers
    published = config.track == "published"
    needed = config.num_workers * PREFETCHED_BATCHES * config.batch_size * pixels * value
    if config.cache and (config.num_workers or published):
        needed += images * pixels * (value if published else 1)
    if needed > free:
        ways_out = ["num_workers=0"] * (config.num_workers > 0) + ["cache=false"] * config.cache
        raise MissingError(
            f"/dev/shm: num_workers={config.num_workers} and cache={str(config.cache).lower()} need"
            f" {needed / 1e6:,.0f} MB of shared memory, {free / 1e6:,.0f} of {size / 1e6:,.0f} MB are free;"
            f" give the container more (docker run --shm-size), or set {' or '.join(ways_out)}"
        )


def _check_same_kind(interpreters: Mapping[str, str]) -> None:
    """Refuse to compare a framework on the GPU with one that does not see it and would train on the CPU."""
    seen = {framework: count_gpus(framework, interpreter) for framework, interpreter in interpreters.items()}
    blind = [framework for framework, count in seen.items() if not count]
    if blind and len(blind) < len(seen):
        framework = blind[0]
        raise MissingError(
            f"device=auto: {FRAMEWORK_TITLES[framework]} sees no GPU where the other framework sees one;"
            f" mend it with: {install_line(framework, interpreters[framework], gpu=True)}, or set device=cpu"
        )


def _check_gpu(device: str, reading: GpuReading) -> None:
    """Refuse a GPU that is certainly not there. Without NVML's answer the framework itself will have to say."""
    index = int(device.partition(":")[2] or 0)
    amd = Path("/dev/kfd").exists()  # a GPU that NVML does not know
    if not amd and reading.problem.startswith("no NVIDIA GPU"):
        raise MissingError(f"device={device}: {reading.problem}; use --set device=cpu")
    if reading.names and index >= len(reading.names):
        raise MissingError(f"device={device}: this machine has {len(reading.names)} GPUs, gpu:0 is the first")
