"""A plan: every run of a preset in the order to be run, valid as a whole before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfpt_tui.config.presets import Preset
from tfpt_tui.config.schema import RunConfig, Value
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.manifest import check_labels, read_manifest
from tfpt_tui.environments.interpreters import check_framework
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.hardware.gpu import GpuReader


@dataclass(frozen=True)
class PlannedRun:
    """``row`` and ``repeat`` count from 1; ``published`` is what the source of the row printed."""

    config: RunConfig
    row: int
    repeat: int
    published: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """``interpreters`` by framework: the Python that runs its workers."""

    preset: str
    title: str
    runs: tuple[PlannedRun, ...]
    interpreters: Mapping[str, str]


def make_plan(
    preset: Preset,
    settings: UserSettings,
    *,
    data: str | None = None,
    rows: Sequence[int] | None = None,
    overrides: Mapping[str, Value] | None = None,
    repeats: int = 1,
) -> Plan:
    """Expand a preset into runs, interleaved over the repeats (A B B A), and check all that can be checked.

    ``rows`` are indices from 0. Seeds count up from the row's own with each repeat, so that they pair between the
    frameworks.

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
    interpreters = _check_machine([run.config for run in runs], settings)
    return Plan(preset.name, preset.title, tuple(runs), interpreters)


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
    """Datasets, frameworks and devices, each looked at once; the interpreters of the frameworks."""
    for directory in dict.fromkeys(config.data for config in configs):
        check_labels(Path(directory), read_manifest(Path(directory)))
    frameworks = dict.fromkeys(config.framework for config in configs)
    interpreters = {framework: check_framework(framework, settings) for framework in frameworks}
    for device in dict.fromkeys(config.device for config in configs if config.device.startswith("gpu")):
        _check_gpu(device)
    return interpreters


def _check_gpu(device: str) -> None:
    """Refuse a GPU that is certainly not there. Without NVML's answer the framework itself will have to say."""
    reader = GpuReader().start(wait_s=5)
    reading = reader.latest()
    reader.stop()
    index = int(device.partition(":")[2] or 0)
    amd = Path("/dev/kfd").exists()  # a GPU that NVML does not know
    if not amd and reading.problem.startswith("no NVIDIA GPU"):
        raise MissingError(f"device={device}: {reading.problem}; use --set device=cpu")
    if reading.names and index >= len(reading.names):
        raise MissingError(f"device={device}: this machine has {len(reading.names)} GPUs, gpu:0 is the first")
