"""Train and evaluate, as PyTorch's own tutorials do, without a synchronisation inside the loops."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import torch
from torch import nn

from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.pytorch.runtime import synchronize
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Step:
    """A model made ready to train: called with a batch, it updates the weights."""

    forward: Callable[[torch.Tensor], torch.Tensor]
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    autocast: torch.dtype | None
    device: torch.device
    compiled: bool

    def gradients(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and loss of a batch, after the backward pass."""
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            logits = self.forward(images)
            loss = self.loss(logits, labels)
        self.scaler.scale(loss).backward()
        return logits.detach(), loss.detach()

    def update(self) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()


def compile_step(model: nn.Sequential, data: Data, config: RunConfig, device: torch.device) -> Step:
    """Make the training step, and pass one empty batch of every size through it, forward and backward.

    What is compiled, tuned or allocated at the first step of a shape so happens here and not in the first epoch.
    The weights and the running statistics are put back afterwards.
    """
    compiled = config.compile == "on"
    step = Step(
        forward=torch.compile(model) if compiled else model,
        loss=nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(model.parameters(), lr=config.learning_rate),
        scaler=torch.amp.GradScaler(device.type, enabled=config.precision == "float16"),
        autocast=AUTOCAST.get(config.precision),
        device=device,
        compiled=compiled,
    )
    before = copy.deepcopy(model.state_dict())
    model.train()
    for size in data.batch_sizes:
        labels = torch.zeros(size, dtype=torch.long, device=device)
        step.gradients(torch.zeros(size, *data.image_shape, device=device), labels)
    step.optimizer.zero_grad()
    model.load_state_dict(before)
    synchronize(device)
    return step


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images, read once at its end."""
    device = step.device
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), device=device, dtype=torch.long)
        started = clock()
        batches = iter(data.loader)
        first = next(batches)
        first_batch_s = clock() - started
        for images, labels in chain([first], batches):
            images = images.to(device, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            logits, loss = step.gradients(images, labels)
            step.update()
            loss_sum += loss * len(labels)
            correct += (logits.argmax(1) == labels).sum()
            report.done += len(labels)
        synchronize(device)
        seconds = clock() - started
        report.end_epoch(loss_sum.item() / data.images, correct.item() / data.images, seconds, first_batch_s)


def evaluate(model: torch.jit.ScriptModule, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images."""
    device = next(model.parameters()).device
    loss_function = nn.CrossEntropyLoss(reduction="sum")
    loss_sum = torch.zeros((), device=device)
    correct = torch.zeros((), device=device, dtype=torch.long)
    model.eval()
    started = clock()
    with torch.inference_mode():
        for images, labels in data.loader:
            images = images.to(device, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            logits = model(images)
            loss_sum += loss_function(logits, labels)
            correct += (logits.argmax(1) == labels).sum()
            report.done += len(labels)
    synchronize(device)
    seconds = clock() - started
    return EvaluationEnd(
        loss_sum.item() / data.images, correct.item() / data.images, seconds, data.images / seconds
    )
