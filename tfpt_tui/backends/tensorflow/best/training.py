"""The loops of the track best: many training steps in one call of a traced graph, on data that is on the device.

As in "Better performance with tf.function" (https://www.tensorflow.org/guide/function, looping over steps inside
the graph, read in November 2026); Keras's fit would fetch every batch on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tfpt_tui.backends.network import PARITY_ADAM_EPSILON
from tfpt_tui.backends.report import Report, clock
from tfpt_tui.backends.tensorflow.best.data import PackedData
from tfpt_tui.backends.tensorflow.internals import choose_jit
from tfpt_tui.backends.tensorflow.runtime import synchronize
from tfpt_tui.backends.tensorflow.training import CountedLoss, Step, recalibrate
from tfpt_tui.backends.warm_up import STEPS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import Value
from tfpt_tui.events import EvaluationEnd

__all__ = ["compile_step", "evaluate", "load_only", "recalibrate", "resident", "train"]

BETA_1, BETA_2 = 0.9, 0.999  # keras/src/optimizers/adam.py


class FusedAdam:
    """Keras's Adam as one kernel a weight: the same formula, with epsilon before the bias correction."""

    def __init__(self, learning_rate: float, weights: list[tf.Variable]) -> None:
        self.learning_rate = learning_rate
        self.weights = weights
        self.means = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in weights]
        self.variances = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in weights]
        self.steps = tf.Variable(0.0, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        return [self.steps, *self.means, *self.variances]

    def scale_loss(self, loss: tf.Tensor) -> tf.Tensor:
        return loss

    def apply(self, gradients: list[tf.Tensor]) -> None:
        self.steps.assign_add(1.0)
        for weight, mean, variance, gradient in zip(
            self.weights, self.means, self.variances, gradients, strict=True
        ):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=mean.handle,
                v=variance.handle,
                beta1_power=tf.pow(BETA_1, self.steps),
                beta2_power=tf.pow(BETA_2, self.steps),
                lr=self.learning_rate,
                beta1=BETA_1,
                beta2=BETA_2,
                epsilon=PARITY_ADAM_EPSILON,
                grad=gradient,
            )


@dataclass(frozen=True, kw_only=True)
class LoopStep(Step):
    """``run`` takes as many steps as it is given batches: order (steps, batch) and flips (steps, batch, 2).

    It returns the sum of the losses of the images, and how many were recognised.
    """

    run: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    optimizer: Any
    steps_per_call: int

    def facts(self) -> dict[str, Value]:
        """The switches that it was made with."""
        return {"fused_adam": isinstance(self.optimizer, FusedAdam), "steps_per_call": self.steps_per_call}


def compile_step(model: keras.Sequential, data: PackedData, config: RunConfig, device: str) -> LoopStep:
    """Make the loop and warm it up (:mod:`tfpt_tui.backends.warm_up`).

    XLA refuses a step on a GPU that reads images in the machine's memory: then it is not compiled.
    """
    loss, optimizer = CountedLoss(), _make_optimizer(model, config)
    compiled = bool(choose_jit(config)) and data.is_on_device
    run = _make_loop(model, loss, optimizer, data, config, compiled=compiled)
    step = LoopStep(model, loss, compiled, run=run, optimizer=optimizer, steps_per_call=config.steps_per_call)
    variables = [*model.variables, *optimizer.variables]
    before = [variable.numpy() for variable in variables]
    first = [part[: config.batch_size] for part in data.draw(0)]
    run(*(tf.stack([part] * STEPS) for part in first))
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    synchronize(device)
    return step


def train(step: LoopStep, data: PackedData, config: RunConfig, report: Report) -> None:
    """Train for all epochs; loss and accuracy of an epoch are means over its images, read once at its end."""
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = report.clock()
        order, flips = data.draw(epoch - 1)
        order = tf.reshape(order, [-1, config.batch_size])
        flips = tf.reshape(flips, [-1, config.batch_size, 2])
        first_batch_s = report.clock() - started
        loss_sum, correct = tf.constant(0.0), tf.constant(0)
        for start in range(0, len(order), step.steps_per_call):
            part = slice(start, start + step.steps_per_call)
            loss, right = step.run(order[part], flips[part])
            loss_sum += loss
            correct += right
            steps = min(step.steps_per_call, len(order) - start)
            report.count(steps * config.batch_size, steps)
        loss, accuracy = float(loss_sum) / data.images, int(correct) / data.images
        report.end_epoch(loss, accuracy, report.clock() - started, first_batch_s)


def resident(step: LoopStep, data: PackedData) -> PackedData:
    """One batch for every step of an epoch, which the loop was made with: what the model alone costs."""
    return data


def load_only(data: PackedData, config: RunConfig, report: Report) -> None:
    """Take every batch of all epochs and do nothing with it: what gathering and flipping alone cost."""
    gather = tf.function(data.batch)
    gather(*(part[: config.batch_size] for part in data.draw(0)))  # traced here, not in the first epoch
    for epoch in range(1, config.epochs + 1):
        report.begin_epoch(epoch, config.epochs, data.images)
        started = clock()
        order, flips = data.draw(epoch - 1)
        first_batch_s = clock() - started
        for start in range(0, data.images, config.batch_size):
            part = slice(start, start + config.batch_size)
            gather(order[part], flips[part])
            report.done += len(order[part])
        synchronize("")
        report.end_epoch(None, None, clock() - started, first_batch_s)


def evaluate(model: keras.Sequential, data: PackedData, config: RunConfig, report: Report) -> EvaluationEnd:
    """Mean loss and accuracy of the loaded model over the test images.

    Its seconds begin after one batch of zeros of every size: what is traced at the first one is in the phase only.
    """
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")

    @tf.function(jit_compile=bool(choose_jit(config)))
    def judge(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = model(images, training=False)
        return loss_function(labels, logits), _count_correct(logits, labels)

    for size in data.batch_sizes:
        judge(tf.zeros([size, *data.image_shape]), tf.zeros([size], tf.int64))
    synchronize("")
    started = clock()
    loss_sum, correct = tf.constant(0.0), tf.constant(0)
    for images, labels in data.epoch(0):
        loss, right = judge(images, labels)
        loss_sum += loss
        correct += right
        report.done += len(labels)
    loss, accuracy = float(loss_sum) / data.images, int(correct) / data.images
    seconds = clock() - started
    return EvaluationEnd(loss, accuracy, seconds, data.images / seconds)


def _make_optimizer(model: keras.Sequential, config: RunConfig) -> Any:
    """A loss in float16 has to be scaled, which is Keras's to do."""
    if config.is_on("fused_adam") and config.precision != "float16":
        return FusedAdam(config.learning_rate, [variable.value for variable in model.trainable_variables])
    optimizer = keras.optimizers.Adam(config.learning_rate, epsilon=PARITY_ADAM_EPSILON)
    if config.precision == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def _make_loop(
    model: keras.Sequential,
    loss: CountedLoss,
    optimizer: Any,
    data: PackedData,
    config: RunConfig,
    *,
    compiled: bool,
) -> Any:
    weights = [variable.value for variable in model.trainable_variables]
    # What the model alone costs is measured on one batch.
    only = data.batch(*(part[: config.batch_size] for part in data.draw(0))) if config.measure == "model" else None

    @tf.function(jit_compile=compiled)
    def take_step(places: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = only or data.batch(places, flips)
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            mean = loss(labels, logits)
            scaled = optimizer.scale_loss(mean)
        optimizer.apply(tape.gradient(scaled, weights))
        return mean * config.batch_size, _count_correct(logits, labels)

    size = config.batch_size
    signature = [tf.TensorSpec([None, size], tf.int64), tf.TensorSpec([None, size, 2], tf.bool)]

    @tf.function(input_signature=signature)
    def run(order: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss_sum, correct = tf.constant(0.0), tf.constant(0)
        for place in tf.range(tf.shape(order)[0]):
            mean, right = take_step(order[place], flips[place])
            loss_sum += mean
            correct += right
        return loss_sum, correct

    return run


def _count_correct(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == labels, tf.int32))
