"""The loops of the track documented: Keras's fit and evaluate on datasets that end.

As in "Image classification from scratch" (https://keras.io/examples/vision/image_classification_from_scratch/,
read in November 2026): the pipeline is begun anew for every epoch.
"""

from __future__ import annotations

import keras

from tfpt_tui.backends.report import Report
from tfpt_tui.backends.tensorflow.data import Data
from tfpt_tui.backends.tensorflow.training import (
    Epochs,
    Step,
    compile_step,
    load_only,
    recalibrate,
    train_resident,
)
from tfpt_tui.backends.tensorflow.training import evaluate as evaluate_with_keras
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "train", "train_resident"]


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images."""
    epochs = Epochs(report, config, data.images)
    step.model.fit(data.batches, epochs=config.epochs, verbose=0, callbacks=[epochs])


def evaluate(model: keras.Sequential, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images: Keras's evaluate, as on every track."""
    return evaluate_with_keras(model, data, config, report)
