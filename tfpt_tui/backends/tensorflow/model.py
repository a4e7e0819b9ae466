"""The four-layer network in Keras, with the framework's own defaults of initialisation and normalisation."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from tfpt_tui.backends.network import CHANNELS, HIDDEN, INPUT_CHANNELS, KERNEL, POOL
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.events import Layer, ModelSummary

FILE = "model.keras"


def build_model(config: RunConfig, classes: int, device: str) -> keras.Sequential:
    """Images (batch, side, side, 3) to logits (batch, classes)."""
    model = keras.Sequential([layers.Input((config.image_size, config.image_size, INPUT_CHANNELS))])
    for outputs in CHANNELS:
        model.add(layers.Conv2D(outputs, KERNEL, padding="same"))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D(POOL))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(HIDDEN, activation="relu"))
    # Logits stay in float32 under mixed precision, as Keras's guide to it advises.
    model.add(layers.Dense(classes, dtype="float32"))
    return model


def summarize(model: keras.Sequential) -> ModelSummary:
    """The layer table."""
    table = tuple(
        Layer(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    )
    trainable = sum(int(weights.value.shape.num_elements()) for weights in model.trainable_weights)
    fixed = sum(int(weights.value.shape.num_elements()) for weights in model.non_trainable_weights)
    return ModelSummary(table, trainable + fixed, trainable, fixed)


def save_model(model: keras.Sequential, path: Path) -> None:
    """Save in Keras's own format, with the state of the optimizer, as the article does."""
    model.save(path)


def load_model(path: Path, device: str) -> keras.Sequential:
    return keras.saving.load_model(path)
