"""The loops of the track published: the article's, with two ``.item()`` a step, reconstructed.

https://github.com/infocusp/tf_pt_benchmarking, tfvspt/pt/main.py; config/tracks.py lists the quirks.
"""

from __future__ import annotations

import torch
from torch import nn

from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.pytorch.training import AUTOCAST, Step, load_only, make_step, recalibrate, resident
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


def compile_step(model: nn.Sequential, data: Data, config: RunConfig, device: torch.device) -> Step:
    """Nothing is compiled or tuned beforehand: it happens inside the article's clock."""
    return make_step(model, config, device)


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Two waits for the device a step; the loss is the mean of batch means, the accuracy has four digits."""
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = clock()
        first_batch_s = 0.0
        step.model.train()
        running_loss, correct, total = 0.0, 0, 0
        for images, targets in data.loader:
            first_batch_s = first_batch_s or clock() - started
            images, targets = images.to(step.device), targets.to(step.device)
            outputs, loss = step.gradients(images, targets)
            step.update()
            running_loss += loss.item()
            predicted = torch.argmax(outputs, 1)
            total += targets.size(0)
            correct += (predicted == targets).sum().item()
            report.done = total
        accuracy = round(correct / total, 4)
        report.end_epoch(running_loss / len(data.loader), accuracy, clock() - started, first_batch_s)


def evaluate(model: nn.Module, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """The reloaded TorchScript model; its first calls, which optimise it, are inside the clock."""
    device = next(model.parameters()).device
    criterion = nn.CrossEntropyLoss()
    started = clock()
    first_batch_s = 0.0
    model.eval()
    running_loss, correct, total = 0.0, 0, 0
    autocast = AUTOCAST.get(config.precision)
    with torch.no_grad(), torch.autocast(device.type, autocast, enabled=autocast is not None):
        for images, targets in data.loader:
            images, targets = images.to(device), targets.to(device)
            outputs = model(images)
            running_loss += criterion(outputs, targets).item()
            predicted = torch.argmax(outputs, 1)
            total += targets.size(0)
            correct += (predicted == targets).sum().item()
            first_batch_s = first_batch_s or clock() - started
            report.done = total
    seconds = clock() - started
    return EvaluationEnd(
        running_loss / len(data.loader), round(correct / total, 4), seconds, total / seconds, first_batch_s
    )
