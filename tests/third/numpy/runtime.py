"""Device and threads: set as asked, and read back."""

from __future__ import annotations

import os
import platform

import numpy as np
import PIL
from tfpt_tui.backends.numpy.data import Data
from tfpt_tui.backends.numpy.training import Step
from tfpt_tui.backends.numpy.variables import THREADS

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import MissingError


def set_seed(config: RunConfig) -> None:
    """Nothing is drawn but from the seeds of the configuration."""


def init_device(config: RunConfig) -> str:
    """Raises MissingError where a GPU was asked for: there is none for NumPy."""
    if config.device.startswith("gpu"):
        raise MissingError(f"device={config.device}: NumPy {np.__version__} computes on the processor alone")
    return "cpu"


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "numpy": np.__version__, "pillow": PIL.__version__}


def effective(config: RunConfig, step: Step | None, data: Data, device: str) -> tuple[str, dict[str, object]]:
    """The device's name and what is applied; ``step`` is None where nothing is trained."""
    read: dict[str, object] = {
        "device": device,
        "threads": int(os.environ[THREADS]),
        "onednn": False,
        "num_workers": 0,
        "loading_cores": 1,
        "decoder": "Pillow",
        "cache": getattr(data.batches, "cache", None) is not None,
    }
    if step:
        precision = str(step.model.parameters[0]["kernel"].dtype)
        read |= {
            "compile": False,
            "execution": "eager",
            "batch_norm_momentum": step.model.momentum,
            "dtype_weights": precision,
            "dtype_activations": precision,
            "memory_format": "channels_last",
        }
    return device, read


def synchronize(device: str) -> None:
    """A processor is done when the call returns."""


def peak_gpu_bytes() -> int:
    return 0


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError)
