"""Train and evaluate, as PyTorch's own tutorials do, without a synchronisation inside the loops."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import torch
from torch import nn

from tfpt_tui.backends.network import PARITY_ADAM_EPSILON, RECALIBRATION_IMAGES
from tfpt_tui.backends.pytorch.data import Batch, Data
from tfpt_tui.backends.pytorch.internals import compiled_graphs
from tfpt_tui.backends.pytorch.runtime import synchronize
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.backends.warm_up import STEPS
from tfpt_tui.config.schema import AUTO, ON, RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.documents import Value
from tfpt_tui.events import EvaluationEnd

AnyData = TypeVar("AnyData", bound=Data)
AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Step:
    """A model made ready to train: called with a batch, it updates the weights."""

    model: nn.Module
    forward: Callable[[torch.Tensor], torch.Tensor]
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    autocast: torch.dtype | None
    device: torch.device
    compiled: bool
    keras_epsilon: float | None = None

    def gradients(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and loss of a batch, after the backward pass."""
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None):
            logits = self.forward(images)
            loss = self.loss(logits, labels)
        self.scaler.scale(loss).backward()
        return logits.detach(), loss.detach()

    def update(self) -> None:
        if self.keras_epsilon:
            self._place_epsilon(self.keras_epsilon)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _place_epsilon(self, epsilon: float) -> None:
        """Let PyTorch's Adam take the step of Keras's, which adds epsilon before the bias correction.

        Keras: m / (sqrt(v) + e) * sqrt(1 - b2^t) / (1 - b1^t) (keras/src/optimizers/adam.py). PyTorch:
        m / (1 - b1^t) / (sqrt(v) / sqrt(1 - b2^t) + e') (torch/optim/adam.py). Equal when e' = e / sqrt(1 - b2^t).
        """
        (group,) = self.optimizer.param_groups
        # Adam counts its steps too; a fused one on a GPU, where reading the count would wait for the device.
        group["steps"] = group.get("steps", 0) + 1
        group["eps"] = epsilon / math.sqrt(1 - group["betas"][1] ** group["steps"])

    def traces(self) -> int:
        """Graphs that torch.compile made so far; eager PyTorch makes none."""
        return (compiled_graphs() or 0) if self.compiled else 0

    def facts(self) -> dict[str, Value]:
        """The switches that it was made with."""
        return {"fused_adam": bool(self.optimizer.defaults["fused"])}


def make_step(model: nn.Sequential, config: RunConfig, device: torch.device) -> Step:
    """Optimizer, loss and precision as requested; nothing is computed yet."""
    compiled = _compiles(config, device)
    return Step(
        model=model,
        forward=_prepared(model, config, device),
        loss=nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(
            model.parameters(), lr=config.learning_rate, fused=config.is_on("fused_adam") or None
        ),
        scaler=torch.amp.GradScaler(device.type, enabled=config.precision == "float16"),
        autocast=AUTOCAST.get(config.precision),
        device=device,
        compiled=compiled,
        keras_epsilon=PARITY_ADAM_EPSILON if TRACKS[config.track].equal_mathematics else None,
    )


def _prepared(model: nn.Module, config: RunConfig, device: torch.device) -> Callable[..., torch.Tensor]:
    """The model as it is called: compiled where that is wanted."""
    return torch.compile(model, mode=_mode(config, device)) if _compiles(config, device) else model


def _compiles(config: RunConfig, device: torch.device) -> bool:
    """PyTorch compiles nothing by itself; on the track best "auto" is on for a GPU."""
    return config.compile == ON or (
        config.compile == AUTO and TRACKS[config.track].is_tuned and device.type == "cuda"
    )


def _mode(config: RunConfig, device: torch.device) -> str | None:
    """On the track best a GPU replays the whole pass as a CUDA graph."""
    return "reduce-overhead" if TRACKS[config.track].is_tuned and device.type == "cuda" else None


def compile_step(model: nn.Sequential, data: Data, config: RunConfig, device: torch.device) -> Step:
    """Make the training step and warm it up."""
    step = make_step(model, config, device)
    warm_up(step, data, device)
    return step


def warm_up(step: Step, data: Data, device: torch.device) -> None:
    """Take a few steps on zeros and put everything back (:mod:`tfpt_tui.backends.warm_up`)."""
    weights, scale = copy.deepcopy(step.model.state_dict()), step.scaler.state_dict()
    step.model.train()
    for size in data.batch_sizes:
        images = data.zeros(size, device)
        labels = torch.zeros(size, dtype=torch.long, device=device)
        for _ in range(STEPS):
            step.gradients(images, labels)
            step.update()
    step.optimizer.zero_grad()
    for group in step.optimizer.param_groups:
        group.pop("steps", None)
    step.model.load_state_dict(weights)
    step.scaler.load_state_dict(scale)
    # Adam makes its moments at the first step. They stay allocated, as Keras's are, with the zeros of a beginning.
    for moments in step.optimizer.state.values():
        for value in moments.values():
            value.zero_()
    synchronize(device)


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images, read once at its end."""
    device = step.device
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), device=device, dtype=torch.long)
        started = report.clock()
        first_batch_s, batches = _first(data.loader, report.clock)
        for images, labels in batches:
            images = images.to(device, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            logits, loss = step.gradients(images, labels)
            step.update()
            loss_sum += loss * len(labels)
            correct += (logits.argmax(1) == labels).sum()
            report.count(len(labels))
        synchronize(device)
        seconds = report.clock() - started
        report.end_epoch(loss_sum.item() / data.images, correct.item() / data.images, seconds, first_batch_s)


def resident(step: Step, data: AnyData) -> AnyData:
    """One batch that stays on the device, for every step of an epoch: what the model alone costs.

    It is loaded here: processes that do so would go on with the batches after it.
    """
    images, labels = next(iter(data.without_processes()))
    batch = images.to(step.device), labels.to(step.device)
    steps = max(1, data.images // len(labels))
    return dataclasses.replace(data, loader=[batch] * steps, images=steps * len(labels))


def load_only(data: Data, config: RunConfig, report: Report) -> None:
    """Take every batch of all epochs and do nothing with it: what the input alone costs."""
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = clock()
        first_batch_s, batches = _first(data.loader, clock)
        for _, labels in batches:
            report.done += len(labels)
        report.end_epoch(None, None, clock() - started, first_batch_s)


def evaluate(model: nn.Module, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images.

    Its seconds begin after one batch of zeros of every size: what is tuned at the first one is in the phase only.
    """
    device = next(model.parameters()).device
    loss_function = nn.CrossEntropyLoss(reduction="sum")
    loss_sum = torch.zeros((), device=device)
    correct = torch.zeros((), device=device, dtype=torch.long)
    model.eval()
    forward, autocast = _prepared(model, config, device), AUTOCAST.get(config.precision)
    with torch.inference_mode(), torch.autocast(device.type, autocast, enabled=autocast is not None):
        for size in data.batch_sizes:
            forward(data.zeros(size, device))
        synchronize(device)
        started = clock()
        for images, labels in data.loader:
            images = images.to(device, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            logits = forward(images)
            loss_sum += loss_function(logits, labels)
            correct += (logits.argmax(1) == labels).sum()
            report.done += len(labels)
    synchronize(device)
    seconds = clock() - started
    return EvaluationEnd(
        loss_sum.item() / data.images, correct.item() / data.images, seconds, data.images / seconds
    )


def recalibrate(model: nn.Module, data: Data, config: RunConfig) -> None:
    """Compute the running statistics anew, as plain means over batches of training images, weights as they are.

    The running averages of a short training still hold some of the values that they begin with; these do not.
    """
    device = next(model.parameters()).device
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the plain mean of all batches so far
    model.train()
    data.begin_anew()
    count = max(1, RECALIBRATION_IMAGES // config.batch_size)
    with torch.no_grad():
        for images, _ in islice(data.loader, count):
            model(images.to(device))


def _first(loader: Iterable[Batch], now: Callable[[], float]) -> tuple[float, Iterable[Batch]]:
    """How long the first batch is waited for, and all of them."""
    started = now()
    batches = iter(loader)
    first = next(batches)
    return now() - started, chain([first], batches)
