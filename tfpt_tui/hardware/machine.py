"""What machine this is: the facts that ``environment.toml`` keeps beside every run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.hardware.files import ROOT
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.memory import describe_memory
from tfpt_tui.hardware.processor import describe_processor
from tfpt_tui.hardware.system import describe_system

# Beginnings of the names of variables that change what a framework does, whichever it is.
VARIABLES = ("CUDA", "KMP_", "LD_PRELOAD", "MALLOC", "MKL_", "NVIDIA_", "OMP_", "ONEDNN", "XLA_")


def describe_machine(
    gpu: GpuReading, root: Path = ROOT, variables: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Tables ``machine``, ``gpu``, ``gpus`` (one each) and ``variables``; unknown facts are left out."""
    driver = {"driver": gpu.driver, "cuda_driver": gpu.cuda_driver, "problem": gpu.problem}
    tables = {
        "machine": {**describe_system(root, variables), **describe_processor(root), **describe_memory(root)},
        "gpu": {name: text for name, text in driver.items() if text},
        "gpus": [dict(facts) for facts in gpu.facts] or None,
        "variables": {name: value for name, value in sorted(variables.items()) if _is_recorded(name)},
    }
    return {name: table for name, table in tables.items() if table is not None}


def _is_recorded(variable: str) -> bool:
    frameworks = FRAMEWORKS.values()
    ours = (*VARIABLES, *(start for framework in frameworks for start in framework.variables))
    others = tuple(start for framework in frameworks for start in framework.variables_of_others)
    return variable.startswith(ours) and not variable.startswith(others)
