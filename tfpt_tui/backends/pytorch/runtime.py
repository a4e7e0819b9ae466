"""Device, threads, precision and determinism: set as asked, and read back from the framework."""

from __future__ import annotations

import platform
from typing import Any

import torch
import torchvision

from tfpt_tui.backends.cores import physical_cores
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.errors import MissingError


def init_device(config: RunConfig) -> torch.device:
    """Seed, set threads and precision, and wake the device.

    Raises:
        MissingError: a GPU was asked for that PyTorch does not see.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads or physical_cores())
    tf32 = config.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    if config.deterministic:
        torch.use_deterministic_algorithms(True)
    device = _find_device(config.device)
    torch.zeros(1, device=device)  # makes the CUDA context here, not in the first phase that computes
    synchronize(device)
    return device


def versions() -> dict[str, str]:
    # Asking for the version of cuDNN loads it: a run on the CPU has no use for it.
    on_gpu = torch.cuda.is_initialized()
    found = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": torch.version.cuda or "",
        "cudnn": str(torch.backends.cudnn.version()) if on_gpu else "",
    }
    return {name: version for name, version in found.items() if version}


def effective(config: RunConfig, step: Any, data: Any, device: torch.device) -> tuple[str, dict[str, Any]]:
    """The device's name and the settings that PyTorch says it applies."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return name, {
        "device": str(device),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "precision": str(step.autocast or torch.get_default_dtype()).removeprefix("torch."),
        "tf32": torch.backends.cudnn.allow_tf32,
        "compile": step.compiled,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "num_workers": data.loader.num_workers,
        "cache": data.loader.dataset.cache is not None,
        "steps_per_epoch": len(data.loader),
    }


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it; a CPU has, when the call returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_gpu_bytes() -> int:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else 0


def is_out_of_memory(error: BaseException) -> bool:
    """A GPU's allocator has an exception of its own; the CPU's raises a RuntimeError that says so."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "DefaultCPUAllocator: " in str(error)
    )


def _find_device(asked: str) -> torch.device:
    if asked == "cpu" or (asked == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(asked.partition(":")[2] or 0)
    if index >= count:
        raise MissingError(f"device={asked}: PyTorch {torch.__version__} sees {count} GPUs on this machine")
    return torch.device("cuda", index)
