"""The four-layer network in Keras, with the framework's own defaults of initialisation and normalisation.

On tracks of equal mathematics normalisation and initial weights are those that PyTorch gets too.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import keras
import tensorflow as tf
from keras import layers

from tfpt_tui.backends.draws import Weights, draw_weights
from tfpt_tui.backends.network import (
    CHANNELS,
    HIDDEN,
    INPUT_CHANNELS,
    KERNEL,
    PARITY_EPSILON,
    PARITY_MOMENTUM,
    POOL,
)
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.events import Layer, ModelSummary

FILE = "model.keras"


@keras.saving.register_keras_serializable("tfpt_tui")  # it is saved with the model
class FusedBatchNormalization(layers.BatchNormalization):
    """Keras's layer, with the kernel that computes statistics and values in one go while it trains.

    Keras 3 computes them from single operations. The kernel divides the running variance by n - 1, as PyTorch
    does.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        if not training:
            return super().call(inputs, training=training, mask=mask)
        scale, offset = (tf.cast(weights, tf.float32) for weights in (self.gamma, self.beta))
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=scale, offset=offset, mean=[], variance=[], epsilon=self.epsilon
        )
        for running, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running * self.momentum + found * (1 - self.momentum))
        return outputs


def build_model(config: RunConfig, classes: int, device: str) -> keras.Sequential:
    """Images (batch, side, side, 3) to logits (batch, classes)."""
    model = keras.Sequential([layers.Input((config.image_size, config.image_size, INPUT_CHANNELS))])
    # Keras's momentum is the share of the old average.
    equal = TRACKS[config.track].equal_mathematics
    normalisation = {"epsilon": PARITY_EPSILON, "momentum": PARITY_MOMENTUM} if equal else {}
    kind = FusedBatchNormalization if config.is_on("fused_norm") else layers.BatchNormalization
    for outputs in CHANNELS:
        model.add(layers.Conv2D(outputs, KERNEL, padding="same"))
        model.add(kind(**normalisation))
        activation, pooling = layers.ReLU(), layers.MaxPooling2D(POOL)
        for layer in (pooling, activation) if config.is_on("pool_first") else (activation, pooling):
            model.add(layer)
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(HIDDEN, activation="relu"))
    # Under mixed precision the logits have the precision of the weights, as Keras's guide to it advises.
    model.add(layers.Dense(classes, dtype=keras.config.dtype_policy().variable_dtype))
    if equal:
        set_weights(model, draw_weights(config.seed, classes))
    return model


def set_weights(model: keras.Sequential, weights: list[Weights]) -> None:
    """Put in weights that come in Keras's layout, one entry for every convolution and dense layer."""
    for (layer, normalisation), values in zip(_layers(model), weights, strict=True):
        layer.set_weights([values.kernel, values.bias])
        if normalisation:
            normalisation.set_weights([values.scale, values.shift, values.mean, values.variance])


def get_weights(model: keras.Sequential) -> list[Weights]:
    """The weights in Keras's layout."""
    return [
        Weights(*layer.get_weights(), *(normalisation.get_weights() if normalisation else ()))
        for layer, normalisation in _layers(model)
    ]


def summarize(model: keras.Sequential) -> ModelSummary:
    """The layer table."""
    table = tuple(
        Layer(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    )
    trainable = sum(int(weights.value.shape.num_elements()) for weights in model.trainable_weights)
    fixed = sum(int(weights.value.shape.num_elements()) for weights in model.non_trainable_weights)
    return ModelSummary(table, trainable + fixed, trainable, fixed)


def save_model(model: keras.Sequential, config: RunConfig, path: Path) -> None:
    """Save in Keras's own format: weights; on the track published also the state of the optimizer."""
    # A model of the same layers that was never compiled has no optimizer to save; with its input it is built.
    bare = keras.Sequential([layers.Input(model.input_shape[1:]), *model.layers])
    (model if config.track == "published" else bare).save(path)


def load_model(path: Path, config: RunConfig, classes: int, device: str) -> keras.Sequential:
    """The saved model."""
    return keras.saving.load_model(path)


def _layers(model: keras.Sequential) -> list[tuple[keras.Layer, keras.Layer | None]]:
    """Convolutions with their normalisation and dense layers with none, from input to output."""
    found: list[tuple[keras.Layer, keras.Layer | None]] = []
    for layer, following in pairwise(model.layers):
        if isinstance(layer, layers.Conv2D | layers.Dense):
            found.append((layer, following if isinstance(following, layers.BatchNormalization) else None))
    return [*found, (model.layers[-1], None)]
