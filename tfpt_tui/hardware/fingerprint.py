"""Which runs may be compared: a short name for all that decides how fast a machine and its software are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

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


def fingerprint(environment: Mapping[str, Any]) -> dict[str, str]:
    """``machine`` and, once the versions are known, ``software``: 12 hex digits each of ``environment.toml``."""
    known = dict(environment.get("machine", {}))
    if "container" in known:
        known.pop("host", None)  # its name changes with every start
    if "memory_bytes" in known:
        known["memory_bytes"] = round(
            known["memory_bytes"] / GIB
        )  # a kernel takes a little more or less for itself
    machine = {
        "machine": _only(MACHINE, known),
        "gpus": [_only(GPU, gpu) for gpu in environment.get("gpus", [])],
        "driver": environment.get("gpu", {}).get("driver"),
    }
    names = {"machine": _digest(machine)}
    if "versions" in environment:
        # PyTorch loads cuDNN, and tells its version, on a GPU only; it comes with PyTorch.
        versions = {name: version for name, version in environment["versions"].items() if name != "cudnn"}
        names["software"] = _digest([versions, environment.get("variables", {})])
    return names


def _only(names: tuple[str, ...], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}


def _digest(facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
