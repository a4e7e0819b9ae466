"""The loops of the track documented: Keras's fit and evaluate on datasets that end.

As in "Image classification from scratch" (https://keras.io/examples/vision/image_classification_from_scratch/,
read in November 2026): the pipeline is begun anew for every epoch.
"""

from __future__ import annotations

import keras

from tfpt_tui.backends.report import Report
from tfpt_tui.backends.tensorflow import training as usual
from tfpt_tui.backends.tensorflow.data import Data
from tfpt_tui.backends.tensorflow.training import Step, compile_step, load_only, recalibrate, resident
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs: Keras's fit, as on every track."""
    usual.train(step, data, config, report)


def evaluate(model: keras.Sequential, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images: Keras's evaluate, as on every track."""
    return usual.evaluate(model, data, config, report)
