"""Train and evaluate with Keras's fit and evaluate, without a synchronisation inside their loops."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tfpt_tui.backends.network import PARITY_ADAM_EPSILON, RECALIBRATION_IMAGES
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.backends.tensorflow.data import Data
from tfpt_tui.backends.tensorflow.internals import choose_jit
from tfpt_tui.backends.tensorflow.runtime import synchronize
from tfpt_tui.backends.warm_up import STEPS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.events import EvaluationEnd


class CountsTraces(keras.losses.Loss):
    """Makes a loss on logits count its traces: Python comes by here only while a graph is made."""

    def __init__(self) -> None:
        super().__init__(from_logits=True)
        self.traces = 0

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        self.traces += 1
        return super().call(y_true, y_pred)

    def get_config(self) -> dict[str, object]:
        return {}  # it takes no arguments when it is loaded with a saved model


class CountedLoss(CountsTraces, keras.losses.SparseCategoricalCrossentropy):
    """Cross-entropy of whole-number labels."""


@dataclass(frozen=True)
class Step:
    """A model made ready to train."""

    model: keras.Sequential
    loss: CountsTraces
    compiled: bool

    def traces(self) -> int:
        """Graphs of the training step that were made so far."""
        return self.loss.traces


def make_step(model: keras.Sequential, config: RunConfig, device: str) -> Step:
    """Optimizer, loss and compilation as requested; nothing is computed yet."""
    epsilon = {"epsilon": PARITY_ADAM_EPSILON} if TRACKS[config.track].equal_mathematics else {}
    loss = CountedLoss()
    model.compile(
        optimizer=keras.optimizers.Adam(config.learning_rate, **epsilon),
        loss=loss,
        metrics=["accuracy"],
        jit_compile=choose_jit(config),
    )
    model.optimizer.build(model.trainable_variables)
    return Step(model, loss, bool(model.jit_compile))


def compile_step(model: keras.Sequential, data: Data, config: RunConfig, device: str) -> Step:
    """Make the training step and warm it up."""
    step = make_step(model, config, device)
    warm_up(step, data, device)
    return step


def warm_up(step: Step, data: Data, device: str) -> None:
    """Take a few steps on zeros and put everything back (:mod:`tfpt_tui.backends.warm_up`)."""
    variables = [*step.model.variables, *step.model.optimizer.variables]
    before = [variable.numpy() for variable in variables]
    step.model.fit(_batches_of_zeros(data, STEPS), verbose=0)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    synchronize(device)


def train(step: Step, data: Data, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images, read once at its end."""
    epochs = Epochs(report, config, data.images)
    steps = data.steps if data.endless else None
    own = Callbacks([epochs], add_history=True, model=step.model)
    step.model.fit(data.batches, epochs=config.epochs, steps_per_epoch=steps, verbose=0, callbacks=own)


def resident(step: Step, data: Data) -> Data:
    """One batch that stays in memory, for every step of an epoch: what the model alone costs."""
    batch = next(iter(data.batches))
    size = len(batch[1])
    steps = max(1, data.images // size)
    batches = _without_tuning(tf.data.Dataset.from_tensors(batch).repeat())
    return dataclasses.replace(data, batches=batches, images=steps * size, steps=steps)


def load_only(data: Data, config: RunConfig, report: Report) -> None:
    """Take every batch of all epochs and do nothing with it: what the input alone costs."""
    endless = iter(data.batches) if data.endless else None
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = clock()
        first_batch_s = 0.0
        # tf.data shares the processor among all iterators alive: the last epoch's must be gone before the next.
        for _, labels in itertools.islice(endless, data.steps) if endless else data.batches:
            first_batch_s = first_batch_s or clock() - started
            report.done += len(labels)
        report.end_epoch(None, None, clock() - started, first_batch_s)


def evaluate(model: keras.Sequential, data: Data, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images."""
    _prepare_test(model, data, config)
    counter = Counter(report, config.batch_size)
    own = Callbacks([counter], model=model)
    started = clock()
    # Of a dataset that ends Keras would begin the next iterator, and wait until what that has read is dropped.
    loss, accuracy = model.evaluate(data.batches.repeat(), steps=data.steps, verbose=0, callbacks=own)
    seconds = counter.ended - started
    return EvaluationEnd(float(loss), float(accuracy), seconds, data.images / seconds)


def _prepare_test(model: keras.Sequential, data: Data, config: RunConfig) -> None:
    """Test a batch of zeros of every size: what is traced at the first one is in the phase, not in the seconds."""
    model.compile(loss=CountedLoss(), metrics=["accuracy"], jit_compile=choose_jit(config))
    model.evaluate(_batches_of_zeros(data, 1), verbose=0)


def recalibrate(model: keras.Sequential, data: Data, config: RunConfig) -> None:
    """Compute the running statistics anew, as plain means over batches of training images, weights as they are.

    The running averages of a short training still hold some of the values that they begin with; these do not.
    """
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    usual = [layer.momentum for layer in normalisations]
    momentum = tf.Variable(0.0)
    for layer in normalisations:
        layer.momentum = momentum
    forward = tf.function(lambda images: model(images, training=True))
    count = max(1, RECALIBRATION_IMAGES // config.batch_size)
    for number, (images, _) in enumerate(data.first(count)):
        momentum.assign(number / (number + 1))  # the plain mean of all batches so far
        forward(images)
    for layer, own in zip(normalisations, usual, strict=True):
        layer.momentum = own


class Callbacks(keras.callbacks.CallbackList):
    """Without Keras's reading of loss and accuracy from the device after every step, which waits for it."""

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(batch)

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        for callback in self.callbacks:
            callback.on_test_batch_end(batch)


class Counter(keras.callbacks.Callback):
    """Counts the images done; ``ended`` is when the figures of a test had been read."""

    def __init__(self, report: Report, batch_size: int) -> None:
        super().__init__()
        self.report = report
        self.batch_size = batch_size
        self.ended = 0.0

    def on_test_end(self, logs: object = None) -> None:
        self.ended = clock()

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        self.report.done += self.batch_size


class Epochs(Counter):
    """Times each epoch. The logs at its end are numbers, so the device is done by then.

    Keras fetches a batch inside its compiled step: the wait for the first batch includes that one step.
    """

    def __init__(self, report: Report, config: RunConfig, images: int) -> None:
        super().__init__(report, config.batch_size)
        self.epochs = config.epochs
        self.images = images
        self.started = 0.0
        self.first_batch_s = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.report.begin_epoch(epoch + 1, self.epochs, self.images)
        self.started = self.report.clock()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if batch == 0:
            self.first_batch_s = self.report.clock() - self.started
        self.report.count(min(self.batch_size, self.images - self.report.done))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss, accuracy = float(logs["loss"]), float(logs["accuracy"])
        self.report.end_epoch(loss, accuracy, self.report.clock() - self.started, self.first_batch_s)


def _batches_of_zeros(data: Data, count: int) -> tf.data.Dataset:
    """``count`` batches of every size, with the signature of the real data: nothing is traced a second time."""
    images, labels = data.batches.element_spec

    def zeros(size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return (
            tf.ensure_shape(tf.zeros([size, *data.image_shape], images.dtype), images.shape),
            tf.ensure_shape(tf.zeros([size], labels.dtype), labels.shape),
        )

    sizes = [size for size in data.batch_sizes for _ in range(count)]
    return _without_tuning(tf.data.Dataset.from_tensor_slices(sizes).map(zeros))


def _without_tuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """There is nothing to tune, and at its end fit would wait for the tuner's thread, now and then for long."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
