"""The loops of the track best: those of every track, on data that is on the device already.

What makes them fast is chosen where it belongs: the layout of the network and the order of its layers (model.py),
the kernel of Adam and the compiler (training.py).
"""

from __future__ import annotations

from torch import nn

from tfpt_tui.backends.pytorch import training as usual
from tfpt_tui.backends.pytorch.data import Data
from tfpt_tui.backends.pytorch.training import Step, compile_step, load_only, recalibrate, resident
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs: no step waits for the device, nor for the host."""
    usual.train(step, data, config, report)


def evaluate(model: nn.Module, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images, which come from their pack."""
    return usual.evaluate(model, data, config, report)
