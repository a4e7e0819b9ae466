"""The loops of the track documented: those of PyTorch's tutorials, with the loss read at every step.

As in "Transfer Learning for Computer Vision Tutorial"
(https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html, read in November 2026), but for its
progress lines: zero_grad, forward, backward, step, ``loss.item()`` and the count of right answers.
"""

from __future__ import annotations

import torch
from torch import nn

from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.pytorch.runtime import synchronize
from tfpt_tui.backends.pytorch.training import AUTOCAST, Step, compile_step, load_only, recalibrate, resident
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.config.schema import ON, RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images."""
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = report.clock()
        first_batch_s = 0.0
        step.model.train()
        running_loss = 0.0
        running_corrects = torch.zeros((), dtype=torch.long, device=step.device)
        for inputs, labels in data.loader:
            first_batch_s = first_batch_s or report.clock() - started
            inputs = inputs.to(step.device)
            labels = labels.to(step.device)
            outputs, loss = step.gradients(inputs, labels)
            step.update()
            running_loss += loss.item() * inputs.size(0)
            running_corrects += torch.sum(outputs.argmax(1) == labels)
            report.count(inputs.size(0))
        accuracy = running_corrects.item() / data.images
        report.end_epoch(running_loss / data.images, accuracy, report.clock() - started, first_batch_s)


def evaluate(model: nn.Module, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images.

    Its seconds begin after one batch of zeros of every size, as Keras's do.
    """
    device = next(model.parameters()).device
    criterion = nn.CrossEntropyLoss()
    model.eval()
    forward = torch.compile(model) if config.compile == ON else model
    autocast = AUTOCAST.get(config.precision)
    running_loss = 0.0
    running_corrects = torch.zeros((), dtype=torch.long, device=device)
    with torch.no_grad(), torch.autocast(device.type, autocast, enabled=autocast is not None):
        for size in data.batch_sizes:
            forward(torch.zeros(size, *data.image_shape, device=device))
        synchronize(device)
        started = clock()
        for inputs, labels in data.loader:
            inputs = inputs.to(device)
            labels = labels.to(device)
            outputs = forward(inputs)
            running_loss += criterion(outputs, labels).item() * inputs.size(0)
            running_corrects += torch.sum(outputs.argmax(1) == labels)
            report.done += inputs.size(0)
    accuracy = running_corrects.item() / data.images
    seconds = clock() - started
    return EvaluationEnd(running_loss / data.images, accuracy, seconds, data.images / seconds)
