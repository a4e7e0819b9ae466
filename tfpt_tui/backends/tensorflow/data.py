"""The input pipeline: tf.data, in the order of the article.

from_tensor_slices, read, decode, resize, scale, cache, augment, shuffle, batch, prefetch, repeat; after
https://www.tensorflow.org/tutorials/load_data/images. The flips take their chance from a dataset of random numbers
beside the images: with tf.image.random_flip_left_right the same seed would not repeat, as parallel calls draw from
one generator in any order, and its stateless form costs a tenth more of the pipeline's time.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig

AUTOTUNE = tf.data.AUTOTUNE


@dataclass(frozen=True)
class Data:
    """A dataset of (images, labels): float32 (batch, side, side, 3) in 0..1, and int64 (batch,)."""

    batches: tf.data.Dataset
    cached: tf.data.Dataset | None
    images: int
    steps: int
    batch_sizes: tuple[int, ...]
    image_shape: tuple[int, ...]


def make_training_data(config: RunConfig, images: Images, device: str) -> Data:
    """Shuffled by seed, augmented and cached as asked; ``max_steps`` shortens each epoch."""
    dataset = _read(config, images)
    cached = None
    if config.cache:
        dataset = cached = dataset.cache()
    if config.augment:
        dataset = tf.data.Dataset.zip(dataset, _chances(config)).map(_augment, num_parallel_calls=AUTOTUNE)
    dataset = dataset.shuffle(len(images), seed=config.seed)
    count = min(len(images), config.max_steps * config.batch_size or len(images))
    data = _load(config, dataset.take(count), count, cached)
    # Endless, as in the article: at the end of an epoch Keras begins a dataset that has one anew, also after the
    # last, and then waits up to a whole epoch until that iterator, filling its shuffle buffer, can be dropped.
    return dataclasses.replace(data, batches=data.batches.repeat())


def make_test_data(config: RunConfig, images: Images, device: str) -> Data:
    """In the order of the files, neither augmented nor cached."""
    return _load(config, _read(config, images), len(images))


def fill_cache(data: Data, report: Report) -> None:
    """Decode every training image into the cache, which all iterators of the dataset share."""
    assert data.cached is not None
    for _, labels in data.cached.batch(64):
        report.done += len(labels)


def augmented_samples(config: RunConfig, paths: list[str]) -> np.ndarray[Any, Any]:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    images = [_decode(path, config.image_size) for path in paths]
    if config.augment:
        images = [_flip(image, chance) for image, chance in zip(images, _chances(config), strict=False)]
    return tf.stack(images).numpy()


def _read(config: RunConfig, images: Images) -> tf.data.Dataset:
    paths = tf.constant(images.paths)
    labels = tf.constant(images.labels, tf.int64)
    dataset = tf.data.Dataset.from_tensor_slices((paths, labels))
    return dataset.map(lambda path, label: (_decode(path, config.image_size), label), num_parallel_calls=AUTOTUNE)


def _decode(path: tf.Tensor, side: int) -> tf.Tensor:
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    return tf.image.resize(image, (side, side)) / 255.0


def _chances(config: RunConfig) -> tf.data.Dataset:
    """A random int64 for every image, others in every epoch, the same for the same seed."""
    return tf.data.Dataset.random(config.seed, rerandomize_each_iteration=True)


def _augment(example: tuple[tf.Tensor, tf.Tensor], chance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    image, label = example
    return _flip(image, chance), label


def _flip(image: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Flip left-right and up-down, each with a chance of one half: one bit of ``chance`` decides each."""
    image = tf.cond(chance % 2 == 0, lambda: tf.image.flip_left_right(image), lambda: image)
    return tf.cond(chance // 2 % 2 == 0, lambda: tf.image.flip_up_down(image), lambda: image)


def _load(config: RunConfig, dataset: tf.data.Dataset, count: int, cached: tf.data.Dataset | None = None) -> Data:
    batches = dataset.batch(config.batch_size).prefetch(AUTOTUNE)
    whole, last = divmod(count, config.batch_size)
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    return Data(batches, cached, count, whole + bool(last), sizes, (config.image_size, config.image_size, 3))
