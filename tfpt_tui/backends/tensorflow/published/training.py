"""The loops of the track published: the article's calls of fit and evaluate, reconstructed.

https://github.com/infocusp/tf_pt_benchmarking, tfvspt/tf/main.py; config/tracks.py lists the quirks.
"""

from __future__ import annotations

import keras

from tfpt_tui.backends.report import Report, clock
from tfpt_tui.backends.tensorflow import training as usual
from tfpt_tui.backends.tensorflow.data import Data
from tfpt_tui.backends.tensorflow.internals import choose_jit
from tfpt_tui.backends.tensorflow.training import (
    Counter,
    CountsTraces,
    Step,
    load_only,
    recalibrate,
    resident,
)
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]


@keras.saving.register_keras_serializable("tfpt_tui")  # it is saved with the model
class CountedOneHotLoss(CountsTraces, keras.losses.CategoricalCrossentropy):
    """Cross-entropy of one-hot labels, as in the article."""


def compile_step(model: keras.Sequential, data: Data, config: RunConfig, device: str) -> Step:
    """Nothing is traced or compiled beforehand: it happens inside the article's clock."""
    loss = CountedOneHotLoss()
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate),
        loss=loss,
        metrics=["accuracy"],
        jit_compile=choose_jit(config),
    )
    return Step(model, loss, bool(model.jit_compile))


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """One call of fit, as on every track and in the article, but for its progress bar and its file of figures."""
    usual.train(step, data, config, report)


def evaluate(model: keras.Sequential, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """The reloaded model, which brings its loss along; its tracing is inside the clock."""
    started = clock()
    batches = Batches(report, config.batch_size)
    loss, accuracy = model.evaluate(data.batches, verbose=0, callbacks=[batches])
    seconds = clock() - started
    return EvaluationEnd(
        float(loss), float(accuracy), seconds, data.images / seconds, batches.first_ended - started
    )


class Batches(Counter):
    """Counts the images, and notes when the first batch was over, with which what is traced is."""

    first_ended = 0.0

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        self.first_ended = self.first_ended or clock()
        super().on_test_batch_end(batch, logs)
