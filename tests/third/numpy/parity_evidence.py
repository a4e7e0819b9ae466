"""What ``tfpt-tui parity`` looks at: batches, gradients and weights."""

from __future__ import annotations

from itertools import islice

from tfpt_tui.backends.numpy.data import Data
from tfpt_tui.backends.numpy.model import Network, build_model, in_double
from tfpt_tui.backends.numpy.training import Step, make_step

from tfpt_tui.backends.draws import Array, Weights
from tfpt_tui.config.schema import RunConfig

__all__ = ["build_in_double", "differentiate", "make_step", "predict", "take_batches", "take_steps"]


def take_batches(data: Data, count: int) -> tuple[list[Array], list[Array]]:
    """Images (batch, side, side, 3) and labels (batch,) of the next batches, into further epochs where need be."""
    taken: list[tuple[Array, Array]] = []
    while len(taken) < count:
        taken += islice(data.batches, count - len(taken))
    return [images for images, _ in taken], [labels for _, labels in taken]


def build_in_double(config: RunConfig, classes: int, device: str) -> Network:
    """The network with the same initial weights in double precision."""
    return in_double(build_model(config, classes, device))


def predict(model: Network, images: Array) -> Array:
    """Logits of the model as it is evaluated: (batch, classes)."""
    return model.forward(images, training=False)


def differentiate(step: Step, images: Array, labels: Array) -> tuple[Array, float, list[Weights]]:
    """Logits and loss of one batch as it is trained, and the gradients in the place of the weights."""
    logits, loss, gradients = step.gradients(images, labels)
    return logits, loss, [Weights(**found) for found in gradients]


def take_steps(step: Step, images: list[Array], labels: list[Array]) -> None:
    """Train on these batches, one step each."""
    for batch, label in zip(images, labels, strict=True):
        step.update(step.gradients(batch, label)[2])
