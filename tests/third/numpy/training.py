"""Train and evaluate with plain loops; Adam as Keras computes it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from tfpt_tui.backends.numpy.data import Data
from tfpt_tui.backends.numpy.layers import cross_entropy
from tfpt_tui.backends.numpy.model import Network, Parameters

from tfpt_tui.backends.draws import Array
from tfpt_tui.backends.network import PARITY_ADAM_EPSILON, RECALIBRATION_IMAGES
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

BETAS = (0.9, 0.999)


@dataclass
class Step:
    """A model made ready to train. ``moments`` are Adam's two of every parameter."""

    model: Network
    learning_rate: float
    moments: list[dict[str, list[Array]]] = field(default_factory=list)
    count: int = 0

    def gradients(self, images: Array, labels: Array) -> tuple[Array, float, list[Parameters]]:
        """Logits, loss, and the gradients."""
        logits = self.model.forward(images, training=True)
        loss, gradient = cross_entropy(logits, labels)
        return logits, loss, self.model.backward(gradient)

    def update(self, gradients: list[Parameters]) -> None:
        """One step of Adam (keras/src/optimizers/adam.py: epsilon is added before the bias correction)."""
        self.count += 1
        rate = self.learning_rate * math.sqrt(1 - BETAS[1] ** self.count) / (1 - BETAS[0] ** self.count)
        for own, found, moments in zip(self.model.parameters, gradients, self.moments, strict=True):
            for name, gradient in found.items():
                first, second = moments[name]
                first += (1 - BETAS[0]) * (gradient - first)
                second += (1 - BETAS[1]) * (gradient**2 - second)
                own[name] -= rate * first / (np.sqrt(second) + PARITY_ADAM_EPSILON)

    def traces(self) -> int:
        """There are no graphs."""
        return 0


def make_step(model: Network, config: RunConfig, device: str) -> Step:
    """The optimizer's moments are zeros; nothing is computed yet."""
    moments = [
        {name: [np.zeros_like(values), np.zeros_like(values)] for name, values in own.items()}
        for own in model.parameters
    ]
    return Step(model, config.learning_rate, moments)


def compile_step(model: Network, data: Data, config: RunConfig, device: str) -> Step:
    """Nothing is compiled, tuned or allocated at the first steps: there is nothing to warm up."""
    return make_step(model, config, device)


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images."""
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        loss_sum, correct, first_batch_s = 0.0, 0, 0.0
        started = report.clock()
        for images, labels in data.batches:
            first_batch_s = first_batch_s or report.clock() - started
            logits, loss, gradients = step.gradients(images, labels)
            step.update(gradients)
            loss_sum += loss * len(labels)
            correct += int((logits.argmax(1) == labels).sum())
            report.count(len(labels))
        report.end_epoch(loss_sum / data.images, correct / data.images, report.clock() - started, first_batch_s)


def resident(step: Step, data: Data) -> Data:
    """One batch that stays in memory, for every step of an epoch."""
    images, labels = next(iter(data.batches))
    steps = max(1, data.images // len(labels))
    return dataclasses.replace(data, batches=[(images, labels)] * steps, images=steps * len(labels))


def load_only(data: Data, config: RunConfig, report: Report) -> None:
    """Take every batch of all epochs and do nothing with it."""
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started, first_batch_s = clock(), 0.0
        for _, labels in data.batches:
            first_batch_s = first_batch_s or clock() - started
            report.done += len(labels)
        report.end_epoch(None, None, clock() - started, first_batch_s)


def evaluate(model: Network, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images."""
    loss_sum, correct = 0.0, 0
    started = clock()
    for images, labels in data.batches:
        logits = model.forward(images, training=False)
        loss_sum += cross_entropy(logits, labels)[0] * len(labels)
        correct += int((logits.argmax(1) == labels).sum())
        report.done += len(labels)
    seconds = clock() - started
    return EvaluationEnd(loss_sum / data.images, correct / data.images, seconds, data.images / seconds)


def recalibrate(model: Network, data: Data, config: RunConfig) -> None:
    """Compute the running statistics anew, as plain means over batches of training images, weights as they are."""
    usual = model.momentum
    for number, (images, _) in enumerate(islice(data.batches, max(1, RECALIBRATION_IMAGES // config.batch_size))):
        model.momentum = number / (number + 1)  # the plain mean of all batches so far
        model.forward(images, training=True)
    model.momentum = usual
