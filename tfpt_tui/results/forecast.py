"""How long runs that are planned will take on this machine, from what it has recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.hardware.gpu import read_gpu
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.results.estimate import Pace, estimate_s, paces_of


def paces_here(summaries: Iterable[Mapping[str, Any]]) -> list[Pace]:
    """The paces of the runs that this machine has completed, in the order of ``summaries``."""
    machine = fingerprint(describe_machine(read_gpu()))["machine"]
    return paces_of(summaries, machine)


def expect_s(configs: Sequence[RunConfig], paces: Sequence[Pace]) -> list[float | None]:
    """The seconds of each run, None where nothing like it is recorded.

    Raises:
        MissingError: a dataset is not there.
        UsageError: a manifest is broken.
    """
    manifests = {data: read_manifest(Path(data)) for data in dict.fromkeys(config.data for config in configs)}
    counts = {data: (manifest.total("train"), manifest.total("test")) for data, manifest in manifests.items()}
    return [estimate_s(config, *counts[config.data], paces) for config in configs]
