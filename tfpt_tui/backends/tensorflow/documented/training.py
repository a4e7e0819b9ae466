"""The loops of the track documented: Keras's fit and evaluate on datasets that end.

As in "Image classification from scratch" (https://keras.io/examples/vision/image_classification_from_scratch/,
read in November 2026): the pipeline is begun anew for every epoch.
"""

from __future__ import annotations

import keras

from tfpt_tui.backends.report import Report, clock
from tfpt_tui.backends.tensorflow.data import Data
from tfpt_tui.backends.tensorflow.training import (
    Counter,
    Epochs,
    Step,
    _prepare_test,
    compile_step,
    load_only,
    recalibrate,
    resident,
)
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs: Keras's fit as it is, which reads loss and accuracy after every step."""
    epochs = Epochs(report, config, data.images)
    steps = data.steps if data.endless else None
    step.model.fit(data.batches, epochs=config.epochs, steps_per_epoch=steps, verbose=0, callbacks=[epochs])


def evaluate(model: keras.Sequential, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images: Keras's evaluate as it is."""
    _prepare_test(model, data, config)
    started = clock()
    loss, accuracy = model.evaluate(data.batches, verbose=0, callbacks=[Counter(report, config.batch_size)])
    seconds = clock() - started
    return EvaluationEnd(float(loss), float(accuracy), seconds, data.images / seconds)
