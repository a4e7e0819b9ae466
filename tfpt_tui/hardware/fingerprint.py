"""Which runs may be compared: a short name for all that decides how fast a machine and its software are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from tfpt_tui.documents import Value
from tfpt_tui.hardware.machine_snapshot import UNKNOWN, Fingerprint, MachineSnapshot

DIGITS = 12
GIB = 1 << 30

# What changes from minute to minute (load, frequency, free room) or with every boot decides nothing.
MACHINE = (
    "host",
    "kernel",
    "processor",
    "sockets",
    "physical_cores",
    "logical_cores",
    "allowed_cores",
    "cpu_quota",
    "governor",
    "frequency_max_mhz",
    "turbo",
    "smt",
    "memory_bytes",
)
GPU = ("name", "uuid", "power_limit_w", "mig_mode")


def fingerprint(snapshot: MachineSnapshot, *, on_gpu: bool) -> Fingerprint:
    """12 hex digits each for the machine and, once the versions are known, the software.

    To what used no GPU, other GPUs, or one that cannot be read, make no other machine.
    """
    known = dict(snapshot.machine)
    if "container" in known:
        known.pop("host", None)  # its name changes with every start
    if "memory_bytes" in known:
        # A kernel takes a little more or less for itself.
        known["memory_bytes"] = round(float(known["memory_bytes"]) / GIB)
    machine = _digest(
        {
            "machine": _only(MACHINE, known),
            "gpus": [_only(GPU, gpu) for gpu in snapshot.gpus] if on_gpu else [],
            "driver": (snapshot.gpu.driver or None) if on_gpu else None,
        }
    )
    # PyTorch loads cuDNN, and tells its version, on a GPU only; it comes with PyTorch.
    versions = {name: version for name, version in snapshot.versions.items() if name != "cudnn"}
    return Fingerprint(machine, _digest([versions, snapshot.variables]) if versions else UNKNOWN)


def _only(names: tuple[str, ...], facts: Mapping[str, Value]) -> dict[str, Value]:
    return {name: facts[name] for name in names if name in facts}


def _digest(facts: object) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
