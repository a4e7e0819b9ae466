"""What ``tfpt-tui parity`` looks at inside TensorFlow: batches, gradients and weights as NumPy arrays."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tfpt_tui.backends.draws import Array, Weights
from tfpt_tui.backends.tensorflow.data import Data
from tfpt_tui.backends.tensorflow.model import build_model, get_weights
from tfpt_tui.backends.tensorflow.training import Step, make_step
from tfpt_tui.config.schema import RunConfig

__all__ = ["build_in_double", "differentiate", "make_step", "predict", "take_batches", "take_steps"]


def take_batches(data: Data, count: int) -> tuple[list[Array], list[Array]]:
    """Images (batch, side, side, 3) and labels (batch,) of the next batches, into further epochs where need be."""
    batches = list(data.batches.take(count).as_numpy_iterator())
    return [images for images, _ in batches], [labels for _, labels in batches]


def build_in_double(config: RunConfig, classes: int, device: str) -> keras.Sequential:
    """The network with the same initial weights in double precision, as all that Keras makes from here on."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    return build_model(config, classes, device)


def predict(model: keras.Sequential, images: Array) -> Array:
    """Logits of the model as it is evaluated: (batch, classes)."""
    return model(images, training=False).numpy()


def differentiate(step: Step, images: Array, labels: Array) -> tuple[Array, float, list[Weights]]:
    """Logits and loss of one batch as it is trained, and the gradients in the place of the weights."""
    model = step.model
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = step.loss(labels, logits)
    values = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    return logits.numpy(), float(loss), _in_place_of_weights(model, values)


def take_steps(step: Step, images: list[Array], labels: list[Array]) -> None:
    """Train on these batches, one step each."""
    # Keras takes Python's numbers for single precision: 0.999 becomes 0.99900001 in Adam's bias correction.
    step.model.optimizer.beta_1 = np.float64(step.model.optimizer.beta_1)
    step.model.optimizer.beta_2 = np.float64(step.model.optimizer.beta_2)
    for batch, label in zip(images, labels, strict=True):
        step.model.fit(np.asarray(batch), np.asarray(label), batch_size=len(batch), verbose=0)


def _in_place_of_weights(model: keras.Sequential, values: list[tf.Tensor]) -> list[Weights]:
    """The values of the trainable variables, sorted by layer: they take the weights' place for a moment."""
    before = [variable.numpy() for variable in model.trainable_variables]
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)
    weights = get_weights(model)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        variable.assign(value)
    return weights
