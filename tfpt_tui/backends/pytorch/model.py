"""The four-layer network in PyTorch, with the framework's own defaults of initialisation and normalisation."""

from __future__ import annotations

import warnings
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from tfpt_tui.backends.network import CHANNELS, HIDDEN, INPUT_CHANNELS, KERNEL, POOL
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import Layer, ModelSummary

FILE = "model.pt"


def build_model(config: RunConfig, classes: int, device: torch.device) -> nn.Sequential:
    """Images (batch, 3, side, side) to logits (batch, classes)."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((INPUT_CHANNELS, *CHANNELS)):
        layers += [
            nn.Conv2d(inputs, outputs, KERNEL, padding="same"),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.MaxPool2d(POOL),
        ]
    layers += [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(CHANNELS[-1], HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, classes),
    ]
    model = nn.Sequential(*layers).to(device)
    model.image_size = config.image_size
    return model


def summarize(model: nn.Sequential) -> ModelSummary:
    """The layer table; shapes are found by passing one empty image through, which changes nothing."""
    layers = []
    model.eval()
    with torch.inference_mode():
        device = next(model.parameters()).device
        values = torch.zeros(1, INPUT_CHANNELS, model.image_size, model.image_size, device=device)
        for name, layer in model.named_children():
            values = layer(values)
            count = sum(weights.numel() for weights in [*layer.parameters(), *_statistics(layer)])
            layers.append(Layer(name, type(layer).__name__, tuple(values.shape[1:]), count))
    trainable = sum(weights.numel() for weights in model.parameters())
    fixed = sum(weights.numel() for weights in _statistics(model))
    return ModelSummary(tuple(layers), trainable + fixed, trainable, fixed)


def save_model(model: nn.Sequential, path: Path) -> None:
    """Save as TorchScript, as the article does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TorchScript is what is measured
        torch.jit.script(model.eval()).save(str(path))


def load_model(path: Path, device: torch.device) -> torch.jit.ScriptModule:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.load(str(path), map_location=device)


def _statistics(module: nn.Module) -> list[torch.Tensor]:
    """Running means and variances: all buffers but the counters of batches."""
    return [buffer for name, buffer in module.named_buffers() if not name.endswith("num_batches_tracked")]
