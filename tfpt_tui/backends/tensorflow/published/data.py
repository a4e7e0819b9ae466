"""The input pipeline of the track published: the article's tf.data chain, reconstructed.

https://github.com/infocusp/tf_pt_benchmarking, tfvspt/tf/data.py and main.py; config/tracks.py lists the quirks.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.draws import Array
from tfpt_tui.backends.report import Report
from tfpt_tui.backends.tensorflow.data import AUTOTUNE, Data
from tfpt_tui.config.schema import RunConfig


def make_training_data(config: RunConfig, images: Images, device: str) -> Data:
    """Shuffled, augmented and cached as the row says; the last batch may be short, as in the article."""
    dataset = _read(config, images)
    if config.augment:
        dataset = dataset.map(_augment, num_parallel_calls=AUTOTUNE)
    dataset = dataset.shuffle(len(images))
    count = len(images)
    if config.max_steps:
        count = min(count, config.max_steps * config.batch_size)
        dataset = dataset.take(count)
    data = _load(config, dataset, count, endless=True)
    if not config.cache:
        _plot_batch(data)
    return data


def make_test_data(config: RunConfig, images: Images, device: str) -> Data:
    """In the order of the files; cached where the row caches, as the article's one function does for both."""
    data = _load(config, _read(config, images), len(images), endless=False)
    _plot_batch(data)
    return data


def fill_cache(data: Data, report: Report) -> Data:
    """Plotting one batch fills it whole: the shuffle buffer asks for every image before it gives the first."""
    _plot_batch(data)
    report.done += data.images
    return data


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    dataset = _read(config, images)
    if config.augment:
        dataset = dataset.map(_augment)
    return np.stack([image for image, _ in dataset.as_numpy_iterator()])


def _read(config: RunConfig, images: Images) -> tf.data.Dataset:
    def preprocess(path: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)
        image = tf.image.resize(image, (config.image_size, config.image_size))
        label = tf.strings.to_number(tf.strings.split(path, "/")[-2], tf.int32)
        return tf.cast(image / 255.0, tf.float32), tf.one_hot(label, images.classes)

    dataset = tf.data.Dataset.from_tensor_slices(list(images.paths)).map(preprocess, num_parallel_calls=AUTOTUNE)
    return dataset.cache() if config.cache else dataset


def _augment(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.image.random_flip_up_down(tf.image.random_flip_left_right(image)), label


def _load(config: RunConfig, dataset: tf.data.Dataset, count: int, endless: bool) -> Data:
    batches = dataset.batch(config.batch_size).prefetch(AUTOTUNE)
    whole, last = divmod(count, config.batch_size)
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    shape = (config.image_size, config.image_size, 3)
    return Data(
        batches=batches.repeat() if endless else batches,
        cache=None,
        decoded=None,
        images=count,
        steps=whole + bool(last),
        batch_sizes=sizes,
        image_shape=shape,
        decoder="TensorFlow, fast",
        cached=config.cache,
    )


def _plot_batch(data: Data) -> None:
    """The article draws a batch of the images before its clocks start."""
    next(iter(data.batches))
