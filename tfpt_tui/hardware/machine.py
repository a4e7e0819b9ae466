"""What machine this is: the facts that ``environment.toml`` keeps beside every run."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path
from typing import Any

import psutil

from tfpt_tui.hardware.gpu import GpuReading

# Variables that change what a framework does.
VARIABLES = (
    "CUDA",
    "KMP_",
    "LD_PRELOAD",
    "MALLOC",
    "MKL_",
    "NVIDIA_",
    "OMP_",
    "ONEDNN",
    "PYTORCH",
    "TF_",
    "TORCH",
    "XLA_",
)


def describe_machine(gpu: GpuReading) -> dict[str, Any]:
    """Host, system, processor, memory, GPUs and the variables that matter; unknown facts are left out."""
    return {
        "machine": {
            "host": socket.gethostname(),
            "system": platform.system(),
            "kernel": platform.release(),
            "processor": _processor(),
            "logical_cores": psutil.cpu_count(),
            "physical_cores": psutil.cpu_count(logical=False),
            "allowed_cores": len(psutil.Process().cpu_affinity()),
            "memory_bytes": psutil.virtual_memory().total,
        },
        "gpu": {"names": list(gpu.names), "driver": gpu.driver, "problem": gpu.problem},
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)},
    }


def _processor() -> str:
    """The model's name as the kernel gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
