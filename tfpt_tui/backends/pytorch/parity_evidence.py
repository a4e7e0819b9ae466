"""What ``tfpt-tui parity`` looks at inside PyTorch: batches, gradients and weights as NumPy arrays."""

from __future__ import annotations

import copy
from itertools import islice

import torch
from torch import nn

from tfpt_tui.backends.draws import Array, Weights
from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.pytorch.model import build_model, get_weights
from tfpt_tui.backends.pytorch.training import Step, make_step
from tfpt_tui.config.schema import RunConfig

__all__ = ["build_in_double", "differentiate", "make_step", "predict", "take_batches", "take_steps"]


def take_batches(data: Data, count: int) -> tuple[list[Array], list[Array]]:
    """Images (batch, side, side, 3) and labels (batch,) of the next batches, into further epochs where need be."""
    images: list[Array] = []
    labels: list[Array] = []
    while len(images) < count:
        for batch, label in islice(data.loader, count - len(images)):
            images.append(batch.permute(0, 2, 3, 1).numpy())
            labels.append(label.numpy())
    return images, labels


def build_in_double(config: RunConfig, classes: int, device: torch.device) -> nn.Sequential:
    """The network with the same initial weights in double precision."""
    return build_model(config, classes, device).double()


def predict(model: nn.Sequential, images: Array) -> Array:
    """Logits of the model as it is evaluated: (batch, classes)."""
    model.eval()
    with torch.inference_mode():
        logits = model(_images(model, images))
    model.train()
    return logits.cpu().numpy()


def differentiate(step: Step, images: Array, labels: Array) -> tuple[Array, float, list[Weights]]:
    """Logits and loss of one batch as it is trained, and the gradients in the place of the weights."""
    model = step.model
    model.train()
    logits, loss = step.gradients(_images(model, images), _labels(model, labels))
    gradients = copy.deepcopy(model)
    for parameter, own in zip(gradients.parameters(), model.parameters(), strict=True):
        parameter.data = own.grad
    return logits.cpu().numpy(), float(loss), get_weights(gradients)


def take_steps(step: Step, images: list[Array], labels: list[Array]) -> None:
    """Train on these batches, one step each."""
    step.model.train()
    for batch, label in zip(images, labels, strict=True):
        step.gradients(_images(step.model, batch), _labels(step.model, label))
        step.update()


def _images(model: nn.Module, images: Array) -> torch.Tensor:
    weights = next(model.parameters())
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).to(weights.device, weights.dtype)


def _labels(model: nn.Module, labels: Array) -> torch.Tensor:
    return torch.from_numpy(labels).to(next(model.parameters()).device)
