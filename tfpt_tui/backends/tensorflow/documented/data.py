"""The input pipeline of the track documented: image_dataset_from_directory, Rescaling, RandomFlip and prefetch.

As in "Load and preprocess images" (https://www.tensorflow.org/tutorials/load_data/images), "Data augmentation"
(https://www.tensorflow.org/tutorials/images/data_augmentation) and "Image classification from scratch"
(https://keras.io/examples/vision/image_classification_from_scratch/), all read in November 2026.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tfpt_tui.backends.dataset import Images, check_labels
from tfpt_tui.backends.draws import Array
from tfpt_tui.backends.effective import loading_cores
from tfpt_tui.backends.report import Report
from tfpt_tui.backends.tensorflow.data import AUTOTUNE, Data
from tfpt_tui.config.schema import RunConfig


def make_training_data(config: RunConfig, images: Images, device: str) -> Data:
    """Shuffled and augmented; the last batch may be short. ``max_steps`` shortens each epoch."""
    check_labels(images)
    count = min(len(images), config.max_steps * config.batch_size or len(images))
    batches = _list(config, images, shuffle=True)
    return _load(config, batches.take(config.max_steps or -1), count, config.augment)


def make_test_data(config: RunConfig, images: Images, device: str) -> Data:
    """In the order of the files, not augmented."""
    check_labels(images)
    return _load(config, _list(config, images, shuffle=False), len(images), augment=False)


def fill_cache(data: Data, report: Report) -> Data:
    """The documentation of the other framework shows none, and the configuration refuses one."""
    raise AssertionError("the track documented has no cache")


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    side = (config.image_size, config.image_size)
    loaded = [keras.utils.img_to_array(keras.utils.load_img(path, target_size=side)) for path in images.paths]
    pixels = tf.constant(np.stack(loaded)) / 255
    return (_flips()(pixels, training=True) if config.augment else pixels).numpy()


def _list(config: RunConfig, images: Images, shuffle: bool) -> tf.data.Dataset:
    return keras.utils.image_dataset_from_directory(
        images.directory,
        image_size=(config.image_size, config.image_size),
        batch_size=config.batch_size,
        shuffle=shuffle,
        seed=config.seed,
        verbose=False,
    )


def _load(config: RunConfig, batches: tf.data.Dataset, count: int, augment: bool) -> Data:
    rescale = layers.Rescaling(1.0 / 255)
    batches = batches.map(lambda images, labels: (rescale(images), labels), num_parallel_calls=AUTOTUNE)
    if augment:
        flip = _flips()
        batches = batches.map(
            lambda images, labels: (flip(images, training=True), labels), num_parallel_calls=AUTOTUNE
        )
    options = tf.data.Options()
    options.threading.private_threadpool_size = loading_cores(config)  # as many as PyTorch has workers
    whole, last = divmod(count, config.batch_size)
    return Data(
        batches=batches.prefetch(AUTOTUNE).with_options(options),
        cache=None,
        decoded=None,
        images=count,
        steps=whole + bool(last),
        batch_sizes=(config.batch_size,) * bool(whole) + (last,) * bool(last),
        image_shape=(config.image_size, config.image_size, 3),
        decoder="TensorFlow, fast",
    )


def _flips() -> layers.Layer:
    return layers.RandomFlip("horizontal_and_vertical")
