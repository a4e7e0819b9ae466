"""The loops of the track best: on a GPU a whole step is replayed as one CUDA graph, on data that is on the device.

As in "CUDA Graphs" (https://docs.pytorch.org/docs/stable/notes/cuda.html, whole-network capture, read in
November 2026). Starting the kernels of a small network one by one takes the host longer than the GPU needs for
them. A CPU has no such cost: there the loops are those of every track, and what makes them fast is chosen where it
belongs: the layout of the network and the order of its layers (model.py), and the kernel of Adam (training.py).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from tfpt_tui.backends.network import PARITY_ADAM_EPSILON
from tfpt_tui.backends.pytorch import training as usual
from tfpt_tui.backends.pytorch.best.data import PackedData
from tfpt_tui.backends.pytorch.internals import compiled_graphs
from tfpt_tui.backends.pytorch.runtime import synchronize
from tfpt_tui.backends.pytorch.training import Step, make_step, recalibrate, warm_up
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.backends.warm_up import STEPS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import Value
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]

BETA_1, BETA_2 = 0.9, 0.999  # torch/optim/adam.py
# How many steps the host may be ahead of the GPU, twice over: enough for the GPU never to wait, and few enough
# for progress to be what was done.
AHEAD = 16


class FusedAdam:
    """Keras's Adam on all weights at once: the same formula, with epsilon before the bias correction.

    PyTorch's own takes an epsilon that :class:`Step` changes with every step, which a graph would never see.
    """

    def __init__(self, learning_rate: float, weights: list[nn.Parameter]) -> None:
        self.learning_rate = learning_rate
        self.weights = weights
        self.means = [torch.zeros_like(weight) for weight in weights]
        self.variances = [torch.zeros_like(weight) for weight in weights]
        self.steps = torch.zeros((), device=weights[0].device)

    @property
    def variables(self) -> list[torch.Tensor]:
        return [self.steps, *self.means, *self.variances]

    @torch.no_grad()
    def apply(self, gradients: Sequence[torch.Tensor]) -> None:
        self.steps.add_(1)
        torch._foreach_lerp_(self.means, gradients, 1 - BETA_1)
        torch._foreach_mul_(self.variances, BETA_2)
        torch._foreach_addcmul_(self.variances, gradients, gradients, 1 - BETA_2)
        corrected = torch.sqrt(1 - BETA_2**self.steps) / (1 - BETA_1**self.steps)
        divisors = torch._foreach_add(torch._foreach_sqrt(self.variances), PARITY_ADAM_EPSILON)
        updates = torch._foreach_mul(torch._foreach_div(self.means, divisors), self.learning_rate * corrected)
        torch._foreach_sub_(self.weights, updates)


@dataclass(frozen=True)
class Epoch:
    """What a graph reads and adds to, on the device: order (steps, batch), flips (steps, batch, 2), the number of
    the next step (1,), the sum of the losses of the images, and how many were recognised.
    """

    order: torch.Tensor
    flips: torch.Tensor
    place: torch.Tensor
    loss_sum: torch.Tensor
    correct: torch.Tensor

    def begin(self, order: torch.Tensor, flips: torch.Tensor) -> None:
        self.order.copy_(order.view_as(self.order))
        self.flips.copy_(flips.view_as(self.flips))
        for counter in (self.place, self.loss_sum, self.correct):
            counter.zero_()


@dataclass(frozen=True)
class GraphStep:
    """A step from gathering its batch to updating the weights: ``replay`` takes the next one of the epoch."""

    model: nn.Module
    epoch: Epoch
    replay: Callable[[], None]
    autocast: torch.dtype | None
    device: torch.device
    fused: bool
    compiled: bool = True

    def traces(self) -> int:
        """Graphs that torch.compile made so far."""
        return compiled_graphs() or 0

    def facts(self) -> dict[str, Value]:
        """The switches that it was made with."""
        return {"fused_adam": self.fused, "execution": "CUDA graph"}


def compile_step(
    model: nn.Sequential, data: PackedData, config: RunConfig, device: torch.device
) -> Step | GraphStep:
    """Make the step and warm it up (:mod:`tfpt_tui.backends.warm_up`).

    A loss in float16 has to be scaled, and images in the machine's memory copied: both are no part of a graph.
    """
    step = make_step(model, config, device)
    if device.type == "cuda" and step.compiled and not step.scaler.is_enabled() and data.is_on_device:
        return _capture(step, data, config)
    warm_up(step, data, device)
    return step


def train(step: Step | GraphStep, data: PackedData, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images, read once at its end."""
    if isinstance(step, Step):
        return usual.train(step, data, config, report)
    marks = torch.cuda.Event(blocking=True), torch.cuda.Event(blocking=True)
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = report.clock()
        step.epoch.begin(*data.loader.draw())
        first_batch_s = report.clock() - started
        for number in range(len(data.loader)):
            if number % AHEAD == 0:
                mark = marks[number // AHEAD % 2]
                mark.synchronize()  # of the last but one
                mark.record()
            step.replay()
            report.count(config.batch_size)
        loss, accuracy = step.epoch.loss_sum.item() / data.images, step.epoch.correct.item() / data.images
        report.end_epoch(loss, accuracy, report.clock() - started, first_batch_s)


def resident(step: Step | GraphStep, data: PackedData) -> PackedData:
    """One batch for every step of an epoch, which a graph was made with: what the model alone costs."""
    return usual.resident(step, data) if isinstance(step, Step) else data


def load_only(data: PackedData, config: RunConfig, report: Report) -> None:
    """Take every batch of all epochs and do nothing with it: what gathering and flipping alone cost."""
    device = data.loader.device
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = clock()
        first_batch_s = 0.0
        for _, labels in data.loader:
            first_batch_s = first_batch_s or clock() - started
            report.done += len(labels)
        synchronize(device)  # it only asks for the kernels that do the work
        report.end_epoch(None, None, clock() - started, first_batch_s)


def evaluate(model: nn.Module, data: PackedData, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images, which come from their pack."""
    return usual.evaluate(model, data, config, report)


def _capture(step: Step, data: PackedData, config: RunConfig) -> GraphStep:
    """Take some steps, which compile and tune, record one as a graph, and put everything back."""
    model, device = step.model, step.device
    optimizer = FusedAdam(config.learning_rate, list(model.parameters()))
    epoch = _make_epoch(len(data.loader), config.batch_size, device)
    take_step = _whole_step(step, data, config, optimizer, epoch)
    model.train()
    before = copy.deepcopy(model.state_dict())
    graph, aside = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(STEPS):
            take_step()
    torch.cuda.current_stream().wait_stream(aside)
    with torch.cuda.graph(graph):
        take_step()
    graph.replay()
    model.load_state_dict(before)
    for variable in optimizer.variables:
        variable.zero_()
    synchronize(device)
    return GraphStep(model, epoch, graph.replay, step.autocast, device, config.is_on("fused_adam"))


def _make_epoch(steps: int, size: int, device: torch.device) -> Epoch:
    return Epoch(
        order=torch.zeros(steps, size, dtype=torch.long, device=device),
        flips=torch.zeros(steps, size, 2, dtype=torch.bool, device=device),
        place=torch.zeros(1, dtype=torch.long, device=device),
        loss_sum=torch.zeros((), device=device),
        correct=torch.zeros((), dtype=torch.long, device=device),
    )


def _whole_step(
    step: Step, data: PackedData, config: RunConfig, optimizer: FusedAdam, epoch: Epoch
) -> Callable[[], None]:
    """What the graph records: it reads and writes what is on the device, and always at the same places."""
    size, feed = config.batch_size, data.loader
    # What the model alone costs is measured on one batch.
    only = next(iter(feed)) if config.measure == "model" else None

    @torch.compile
    def judge(places: torch.Tensor, flips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = only or feed.batch(places, flips)
        with torch.autocast(step.device.type, step.autocast, enabled=step.autocast is not None):
            logits = step.model(images)
            return step.loss(logits, labels), (logits.argmax(1) == labels).sum()

    update = torch.compile(optimizer.apply) if config.is_on("fused_adam") else optimizer.apply

    def take_step() -> None:
        places, flips = epoch.order.index_select(0, epoch.place), epoch.flips.index_select(0, epoch.place)
        loss, right = judge(places[0], flips[0])
        update(torch.autograd.grad(loss, optimizer.weights))
        epoch.loss_sum.add_(loss.detach(), alpha=size)
        epoch.correct.add_(right)
        epoch.place.add_(1).remainder_(len(feed))

    return take_step
