"""The loops of the track best: those of every track, on data that is on the device already.

What makes them fast is chosen where it belongs: the layout of the network and the order of its layers (model.py),
the kernel of Adam and the compiler (training.py).
"""

from __future__ import annotations

import torch
from torch import nn

from tfpt_tui.backends.pytorch import training as usual
from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.pytorch.training import Step, recalibrate
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


def compile_step(model: nn.Sequential, data: Data, config: RunConfig, device: torch.device) -> Step:
    """Make the training step and warm it up (:mod:`tfpt_tui.backends.warm_up`)."""
    return usual.compile_step(model, data, config, device)


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs: no step waits for the device, nor for the host."""
    usual.train(step, data, config, report)


def resident(step: Step, data: Data) -> Data:
    """One batch for every step of an epoch: what the model alone costs."""
    return usual.resident(step, data)


def load_only(data: Data, config: RunConfig, report: Report) -> None:
    """Take every batch of all epochs and do nothing with it: what gathering and flipping alone cost."""
    usual.load_only(data, config, report)


def evaluate(model: nn.Module, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images, which come from their pack."""
    return usual.evaluate(model, data, config, report)
