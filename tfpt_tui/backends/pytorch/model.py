"""The four-layer network in PyTorch, with the framework's own defaults of initialisation and normalisation.

On tracks of equal mathematics normalisation and initial weights are those that Keras gets too.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from tfpt_tui.backends.draws import Array, Weights, draw_weights
from tfpt_tui.backends.network import (
    CHANNELS,
    HIDDEN,
    INPUT_CHANNELS,
    KERNEL,
    PARITY_EPSILON,
    PARITY_MOMENTUM,
    POOL,
)
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.events import Layer, ModelSummary

FILE = "model.pt"


def build_model(config: RunConfig, classes: int, device: torch.device) -> nn.Sequential:
    """Images (batch, 3, side, side) to logits (batch, classes)."""
    layers: list[nn.Module] = []
    # PyTorch's momentum is the share of the new average.
    equal = TRACKS[config.track].equal_mathematics
    normalisation = {"eps": PARITY_EPSILON, "momentum": 1 - PARITY_MOMENTUM} if equal else {}
    for inputs, outputs in pairwise((INPUT_CHANNELS, *CHANNELS)):
        layers += [
            nn.Conv2d(inputs, outputs, KERNEL, padding="same"),
            nn.BatchNorm2d(outputs, **normalisation),
            *((nn.MaxPool2d(POOL), nn.ReLU()) if config.is_on("pool_first") else (nn.ReLU(), nn.MaxPool2d(POOL))),
        ]
    layers += [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(CHANNELS[-1], HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, classes),
    ]
    model = nn.Sequential(*layers).to(device)
    if config.is_on("channels_last"):
        model = model.to(memory_format=torch.channels_last)
    model.image_size = config.image_size
    if equal:
        set_weights(model, draw_weights(config.seed, classes))
    return model


@torch.no_grad()
def set_weights(model: nn.Sequential, weights: list[Weights]) -> None:
    """Put in weights that come in Keras's layout, one entry for every convolution and dense layer."""
    for (layer, normalisation), values in zip(_layers(model), weights, strict=True):
        layer.weight.copy_(_to_torch(values.kernel))
        layer.bias.copy_(torch.from_numpy(values.bias))
        if normalisation:
            normalisation.weight.copy_(torch.from_numpy(values.scale))
            normalisation.bias.copy_(torch.from_numpy(values.shift))
            normalisation.running_mean.copy_(torch.from_numpy(values.mean))
            normalisation.running_var.copy_(torch.from_numpy(values.variance))


def get_weights(model: nn.Sequential) -> list[Weights]:
    """The weights in Keras's layout."""
    return [
        Weights(
            _to_keras(layer.weight),
            _array(layer.bias),
            *(
                (_array(norm.weight), _array(norm.bias), _array(norm.running_mean), _array(norm.running_var))
                if norm
                else ()
            ),
        )
        for layer, norm in _layers(model)
    ]


def summarize(model: nn.Sequential) -> ModelSummary:
    """The layer table; shapes are found on the device "meta", which computes nothing and warms nothing up."""
    layers = []
    shadow = copy.deepcopy(model).to("meta").eval()
    with torch.inference_mode():
        values = torch.zeros(1, INPUT_CHANNELS, model.image_size, model.image_size, device="meta")
        for name, layer in shadow.named_children():
            values = layer(values)
            count = sum(weights.numel() for weights in [*layer.parameters(), *_statistics(layer)])
            layers.append(Layer(name, type(layer).__name__, tuple(values.shape[1:]), count))
    trainable = sum(weights.numel() for weights in model.parameters())
    fixed = sum(weights.numel() for weights in _statistics(model))
    return ModelSummary(tuple(layers), trainable + fixed, trainable, fixed)


def save_model(model: nn.Sequential, config: RunConfig, path: Path) -> None:
    """Save the weights, without the state of the optimizer; on the track published as TorchScript."""
    if config.track != "published":
        torch.save(model.state_dict(), path)
        return
    with _torchscript():
        torch.jit.script(model.eval()).save(str(path))


def load_model(path: Path, config: RunConfig, classes: int, device: torch.device) -> nn.Module:
    """The saved model, in the runtime that trained it; the article evaluates the TorchScript one."""
    if config.track == "published":
        with _torchscript():
            return torch.jit.load(str(path), map_location=device)
    model = build_model(config, classes, device)
    model.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    return model


@contextmanager
def _torchscript() -> Iterator[None]:
    """It is deprecated, and what the track published measures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _layers(model: nn.Sequential) -> list[tuple[nn.Module, nn.Module | None]]:
    """Convolutions with their normalisation and dense layers with none, from input to output."""
    found: list[tuple[nn.Module, nn.Module | None]] = []
    for layer, following in pairwise(model):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            found.append((layer, following if isinstance(following, nn.BatchNorm2d) else None))
    return [*found, (model[-1], None)]


def _to_torch(kernel: Array) -> torch.Tensor:
    """(height, width, in, out) to (out, in, height, width), or (in, out) to (out, in)."""
    return torch.from_numpy(kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T)


def _to_keras(kernel: torch.Tensor) -> Array:
    values = _array(kernel)
    return values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().cpu().numpy().copy()


def _statistics(module: nn.Module) -> list[torch.Tensor]:
    """Running means and variances: all buffers but the counters of batches."""
    return [buffer for name, buffer in module.named_buffers() if not name.endswith("num_batches_tracked")]
