"""Where the time of training steps goes, by torch.profiler
(https://docs.pytorch.org/docs/stable/profiler.html, read in November 2026).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from tfpt_tui.backends.network import KERNEL, Convolution, convolutions
from tfpt_tui.backends.profile import SIDE, Peaks, Recorded, measure_peaks, share_out
from tfpt_tui.backends.pytorch.runtime import synchronize
from tfpt_tui.config.schema import RunConfig

TRACE = "trace.json"
# Operations by the part of a step that they are, the first that is named in theirs.
OPERATIONS = {
    "convolution": ("conv",),
    "normalisation": ("batch_norm",),
    "pooling": ("pool", "aten::mean"),
    "activation": ("relu", "threshold", "clamp"),
    "dense": ("mm", "linear", "matmul"),
    "loss": ("softmax", "nll", "cross_entropy", "argmax", "aten::eq", "aten::sum", "aten::ne"),
    "optimiser": ("adam", "optimizer", "foreach", "lerp", "addcdiv", "addcmul", "sqrt"),
    "copies": (
        "copy",
        "index",
        "gather",
        "flip",
        "where",
        "clone",
        "cat",
        "stack",
        "_to",
        "fill",
        "zero",
        "div",
        "mul",
    ),
    "host": ("autograd", "Backward", "empty", "detach", "view", "aten::t", "permute", "expand", "select", "slice"),
    "waiting": ("Synchronize", "item", "_local_scalar"),
}
# The same of a GPU's kernels, by what cuDNN, cuBLAS, PyTorch and its compiler call them; what is fused goes by the
# first that it has.
KERNELS = {
    "normalisation": ("batch_norm", "batchnorm", "bn_fw", "bn_bw", "welford"),
    "convolution": ("conv", "implicit_gemm", "fprop", "dgrad", "wgrad", "winograd", "im2col", "cudnn::", "scudnn"),
    "pooling": ("pool", "mean"),
    "activation": ("relu", "threshold", "clamp"),
    "loss": ("softmax", "nll", "cross_entropy", "argmax", "_eq_"),
    "optimiser": ("adam", "foreach", "triton_for", "multi_tensor", "lerp", "addcdiv", "addcmul", "sqrt"),
    "dense": ("gemm", "gemv", "cublas", "splitk", "cutlass", "addmm", "_mm_"),
    "copies": (
        *("memcpy", "memset", "copy", "padding", "index", "gather", "flip", "where", "cat", "fill", "elementwise"),
        "reduce",
    ),
}
LOADING = ("DataLoader", "dataloader")


def record_steps(work: Callable[[], None], device: torch.device, directory: Path) -> Recorded:
    """Do some training under the profiler and leave its trace in the directory.

    The trace is for chrome://tracing and Perfetto.
    """
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    with profile(activities=activities) as profiled:
        work()
    profiled.export_chrome_trace(str(directory / TRACE))
    events = profiled.events()
    own = [event for event in events if event.device_type == torch.autograd.DeviceType.CPU]
    return Recorded(_on_gpu(events), kernels=True) if device.type == "cuda" else Recorded(_on_cpu(own))


def find_peaks(config: RunConfig, device: torch.device) -> Peaks:
    """What the device reaches in a matrix product, and in the network's convolutions alone."""
    matrix = torch.rand(SIDE, SIDE, device=device)
    layout = torch.channels_last if config.is_on("channels_last") else torch.contiguous_format

    def multiply() -> None:
        matrix @ matrix
        synchronize(device)

    def training_of(one: Convolution) -> Callable[[], object]:
        layer = nn.Conv2d(one.inputs, one.outputs, KERNEL, padding="same", bias=False)
        kernel = layer.to(memory_format=layout).weight
        shape = (config.batch_size, one.inputs, one.side, one.side)
        images = torch.rand(shape).contiguous(memory_format=layout).requires_grad_(not one.first)
        wanted = [kernel] if one.first else [kernel, images]
        gradient = torch.ones_like(layer(images))
        return lambda: torch.autograd.grad(layer(images), wanted, gradient)

    on_cpu = device.type == "cpu"
    convolve = {one: training_of(one) for one in convolutions(config.image_size) if on_cpu}
    return measure_peaks(multiply, convolve, config.batch_size)


def _on_cpu(events: Iterable[Any]) -> dict[str, float]:
    """Times of the thread that trains: what every operation takes itself, and the gaps between them."""
    thread = Counter(event.thread for event in events if not event.cpu_parent).most_common(1)[0][0]
    top = sorted(
        (event for event in events if event.thread == thread and not event.cpu_parent),
        key=lambda event: event.time_range.start,
    )
    seconds: Counter[str] = Counter()
    for event in top:
        _add(event, seconds, "loading" if _loads(event.name) else "")
    for one, after in pairwise(top):
        seconds["host"] += max(0.0, after.time_range.start - one.time_range.end) / 1e6
    return dict(seconds)


def _add(event: Any, seconds: Counter[str], inside: str) -> None:
    """Add what an operation takes itself, and those that it calls: a loader and an optimizer own all of theirs."""
    part = inside or part_of(event.name)
    seconds[part] += event.self_cpu_time_total / 1e6
    for called in event.cpu_children:
        _add(called, seconds, part if part in ("loading", "optimiser") else "")


def _on_gpu(events: Iterable[Any]) -> dict[str, float]:
    """Times of kernels by their names, as those of a CUDA graph have no operation, and of loading without any."""
    spans = [(event, event.time_range.start / 1e6, event.time_range.end / 1e6) for event in events]
    kernels = [
        (part_of(event.name, KERNELS), start, end)
        for event, start, end in spans
        if event.device_type == torch.autograd.DeviceType.CUDA and not event.is_user_annotation
    ]
    loading = [("loading", start, end) for event, start, end in spans if _loads(event.name)]
    return share_out([*kernels, *loading])


def _loads(name: str) -> bool:
    return any(word in name for word in LOADING)


def part_of(name: str, operations: Mapping[str, tuple[str, ...]] = OPERATIONS) -> str:
    """The part of a step that an operation is, by its name; "other" where none is known."""
    lower = name.lower()
    return next(
        (part for part, words in operations.items() if any(word.lower() in lower for word in words)), "other"
    )
