"""What was known of a machine as a run began: ``environment.toml``, as it is written and as it is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfpt_tui.documents import Value, build
from tfpt_tui.events import RunWarning, read_warnings

UNKNOWN = "unknown"
# What stands in the file also where it is empty.
ALWAYS = ("spared_cores", "variables", "warnings")


@dataclass(frozen=True)
class Fingerprint:
    """Short names for all that decides how fast a machine and its software are (hardware/fingerprint.py)."""

    machine: str = UNKNOWN
    software: str = UNKNOWN


@dataclass(frozen=True)
class GpuDriver:
    """``problem`` says why there are no GPUs, ``used`` is the index of the one that a run was to use."""

    driver: str = ""
    cuda_driver: str = ""
    problem: str = ""
    used: int | None = None


@dataclass(frozen=True)
class MachineSnapshot:
    """Facts about machine and software, unknown ones left out. Field names are those of the file.

    Attributes:
        spared_cores: the cores that are left to the supervisor.
        gpus: the facts of each GPU.
        variables: environment variables that change what a framework does.
        data, runs: where the dataset and the records lie, and what was in the page cache.
        warnings: what the supervisor saw before, during and after the run.
        sensitivity: how many times as long an epoch takes, by the share of our cores that others use, as text.
        versions: of the packages that ran, as the worker tells them; empty before it has.
    """

    interpreter: str = ""
    spared_cores: tuple[int, ...] = ()
    machine: Mapping[str, Value] = field(default_factory=dict)
    gpu: GpuDriver = GpuDriver()
    gpus: tuple[Mapping[str, Value], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Value] = field(default_factory=dict)
    runs: Mapping[str, Value] = field(default_factory=dict)
    warnings: tuple[RunWarning, ...] = ()
    sensitivity: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    fingerprint: Fingerprint = Fingerprint()

    @property
    def is_known(self) -> bool:
        """Whether anything was recorded."""
        return self != NO_SNAPSHOT


NO_SNAPSHOT = MachineSnapshot()


def snapshot_from(document: Mapping[str, Any]) -> MachineSnapshot:
    """Read ``environment.toml``, also of earlier versions.

    Raises:
        DocumentError: a fact has a wrong type.
    """
    return build(MachineSnapshot, {**document, "warnings": read_warnings(document)})


def snapshot_document(snapshot: MachineSnapshot) -> dict[str, Any]:
    """The tables of the file; what is not known is left out."""
    if not snapshot.is_known:
        return {}
    tables = dataclasses.asdict(snapshot)
    document = {name: table for name, table in tables.items() if name in ALWAYS or table not in ("", (), {})}
    document["gpu"] = {name: fact for name, fact in document["gpu"].items() if fact not in ("", None)}
    document["fingerprint"] = {
        name: digest for name, digest in document["fingerprint"].items() if digest != UNKNOWN
    }
    return document
