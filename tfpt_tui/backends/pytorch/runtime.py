"""Device, threads, precision and determinism: set as requested, and read back from the framework."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import PIL
import torch
import torchvision

from tfpt_tui.backends.effective import requested_threads
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.documents import Value
from tfpt_tui.errors import MissingError

NO_ROOM = ("DefaultCPUAllocator: ", "CUDA error: out of memory")


def set_seed(config: RunConfig) -> None:
    """Let all that is drawn from here on be what this seed always draws."""
    torch.manual_seed(config.seed)


def init_device(config: RunConfig) -> torch.device:
    """Seed, set threads and precision, and wake the device.

    Raises:
        MissingError: a GPU was requested that PyTorch does not see.
    """
    set_seed(config)
    threads = requested_threads(config)
    if threads:
        torch.set_num_threads(threads)
    track = TRACKS[config.track]
    if track.framework_settings:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    else:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = config.precision == "tf32"
    if track.equal_execution:
        torch.set_num_interop_threads(threads)
    if track.equal_mathematics:
        torch.backends.cudnn.benchmark = not config.deterministic  # TensorFlow tunes its convolutions too
    if track.is_tuned:
        torch.backends.mkldnn.enabled = config.is_on("onednn")
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
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": torch.version.cuda or "",
        "cudnn": str(torch.backends.cudnn.version()) if on_gpu else "",
    }
    return {name: version for name, version in found.items() if version}


def effective(config: RunConfig, step: Any, data: Any, device: torch.device) -> tuple[str, dict[str, Value]]:
    """The device's name and what PyTorch says it applies; ``step`` is None where nothing is trained."""
    on_gpu = device.type == "cuda"
    read = {
        "device": f"gpu:{device.index}" if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "tf32_matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32_convolution": torch.backends.cudnn.allow_tf32,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn_autotune": torch.backends.cudnn.benchmark,
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "onednn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
        "decoder": data.decoder,
        "steps_per_epoch": len(data.loader),
        **data.facts(),
    }
    if on_gpu:
        major, minor = torch.cuda.get_device_capability(device)
        read["compute_capability"] = float(f"{major}.{minor}")
    if step:
        weights = next(step.model.parameters())
        channels_last = next(
            parameter.is_contiguous(memory_format=torch.channels_last) and not parameter.is_contiguous()
            for parameter in step.model.parameters()
            if parameter.ndim == 4
        )
        read |= {
            "compile": step.compiled,
            "execution": "compiled graph" if step.compiled else "eager",
            # The share of the old running average that a step keeps.
            "batch_norm_momentum": 1
            - next(layer.momentum for layer in step.model.modules() if isinstance(layer, torch.nn.BatchNorm2d)),
            "traces": step.traces(),
            "dtype_weights": str(weights.dtype).removeprefix("torch."),
            "dtype_activations": str(step.autocast or weights.dtype).removeprefix("torch."),
            "memory_format": "channels_last" if channels_last else "channels_first",
        }
        if TRACKS[config.track].is_tuned:
            kinds = [type(layer) for layer in step.model]
            read |= {
                "channels_last": channels_last,
                "pool_first": kinds.index(torch.nn.MaxPool2d) < kinds.index(torch.nn.ReLU),
                **step.facts(),
            }
    return torch.cuda.get_device_name(device) if on_gpu else "cpu", read


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all of its work; a CPU has, when the call returns."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_gpu_bytes() -> int:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_initialized() else 0


def is_out_of_memory(error: BaseException) -> bool:
    """A GPU's allocator has an exception of its own; that of the CPU, and CUDA, raise one that says so."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in NO_ROOM)
    )


def _find_device(requested: str) -> torch.device:
    if requested == "cpu" or (requested == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(requested.partition(":")[2] or 0)
    if index >= count:
        raise MissingError(f"device={requested}: PyTorch {torch.__version__} sees {count} GPUs on this machine")
    torch.cuda.set_device(index)  # peak memory and pinned batches refer to the current one
    return torch.device("cuda", index)
