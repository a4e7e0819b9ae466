"""The input pipeline of the tracks default and parity: tf.data, which reads by index, in whole batches.

After https://www.tensorflow.org/guide/data_performance, with what the article's lacks (backends/method.md):
indices are shuffled instead of images, flips and scaling work on whole batches, the cache holds bytes, pixels are
decoded and resized as in PyTorch, and every training batch has the same size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from tfpt_tui.backends.dataset import Images, whole_batches
from tfpt_tui.backends.draws import draw_flips, draw_order
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig

AUTOTUNE = tf.data.AUTOTUNE
PREFETCH_PER_WORKER = 2  # batches; what PyTorch's DataLoader does by default


@dataclass(frozen=True)
class Data:
    """A dataset of (images, labels): float32 (batch, side, side, 3) in 0..1, and int64 (batch,).

    Training data has no end. At the end of an epoch Keras begins a dataset that has one anew, also after the last,
    and then waits until that iterator can be dropped.
    """

    batches: tf.data.Dataset
    cache: tf.Variable | None
    decoded: tf.data.Dataset
    images: int
    steps: int
    batch_sizes: tuple[int, ...]
    image_shape: tuple[int, ...]


def make_training_data(config: RunConfig, images: Images, device: str) -> Data:
    """Shuffled by seed, augmented and cached as asked, whole batches only; ``max_steps`` shortens each epoch."""
    count = whole_batches(config, len(images)) * config.batch_size
    cache = _empty_cache(config, len(images)) if config.cache else None
    return _load(config, images, _training_order(config, len(images), count), count, cache)


def make_test_data(config: RunConfig, images: Images, device: str) -> Data:
    """All images in the order of the files, neither augmented nor cached."""
    order = tf.data.Dataset.range(len(images)).map(lambda index: (index, tf.zeros(2, tf.bool)))
    return _load(config, images, order, len(images), None)


def fill_cache(data: Data, report: Report) -> None:
    """Decode every training image into the cache."""
    assert data.cache is not None
    for images in data.decoded.batch(64):
        data.cache[report.done : report.done + len(images)].assign(images)
        report.done += len(images)


def augmented_samples(config: RunConfig, images: Images) -> np.ndarray[Any, Any]:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    order = sorted(
        _training_order(config, len(images), len(images)).take(len(images)).as_numpy_iterator(), key=_first
    )
    pixels = tf.stack([_decode(path, config) for path in images.paths])
    return _augment(pixels, tf.stack([flips for _, flips in order])).numpy()


def _first(draw: tuple[Any, Any]) -> int:
    return int(draw[0])


def _training_order(config: RunConfig, images: int, count: int) -> tf.data.Dataset:
    """(index, flips) without end: another order and other flips in every epoch, the same for the same seed.

    On the track parity NumPy draws both, as it does for PyTorch; else tf.data does.
    """
    if config.track == "parity":
        return _order_of_numpy(config, images, count)
    order = tf.data.Dataset.range(images).shuffle(images, seed=config.seed).take(count).repeat()
    bits = tf.data.Dataset.random(config.seed, rerandomize_each_iteration=True)
    augment = tf.constant(config.augment)
    return tf.data.Dataset.zip(order, bits).map(
        lambda index, bit: (index, augment & (tf.stack([bit % 2, bit // 2 % 2]) == 0))
    )


def _order_of_numpy(config: RunConfig, images: int, count: int) -> tf.data.Dataset:
    def draw(epoch: np.int64) -> tuple[Any, Any]:
        flips = draw_flips(config.seed, int(epoch), count) & config.augment
        return draw_order(config.seed, int(epoch), images)[:count], flips

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        order, flips = tf.numpy_function(draw, [epoch], (tf.int64, tf.bool))
        return tf.data.Dataset.from_tensor_slices(
            (tf.ensure_shape(order, [count]), tf.ensure_shape(flips, [count, 2]))
        )

    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return tf.data.Dataset.counter().flat_map(one_epoch).apply(endless)


def _load(
    config: RunConfig, images: Images, order: tf.data.Dataset, count: int, cache: tf.Variable | None
) -> Data:
    paths, labels = tf.constant(images.paths), tf.constant(images.labels, tf.int64)
    calls, prefetch, options = _resources(config)
    whole, last = divmod(count, config.batch_size)

    def read(index: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return _decode(paths[index], config), index, flips

    def recall(index: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return tf.gather(cache, index), index, flips

    def finish(pixels: tf.Tensor, index: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _augment(pixels, flips), tf.gather(labels, index)

    def batch(dataset: tf.data.Dataset) -> tf.data.Dataset:
        return dataset.batch(config.batch_size, drop_remainder=not last)

    if cache is None:
        batches = batch(order.map(read, num_parallel_calls=calls))
    else:
        batches = batch(order).map(recall, num_parallel_calls=calls)
    batches = batches.map(finish, num_parallel_calls=calls).prefetch(prefetch).with_options(options)
    decoded = tf.data.Dataset.from_tensor_slices(paths).map(
        lambda path: _decode(path, config), num_parallel_calls=calls
    )
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    shape = (config.image_size, config.image_size, 3)
    return Data(batches, cache, decoded, count, whole + bool(last), sizes, shape)


def _resources(config: RunConfig) -> tuple[int | None, int, tf.data.Options]:
    """Parallel calls, batches to prefetch, and options.

    On the track parity as many threads load as PyTorch has workers; with none, loading and training take turns.
    """
    options = tf.data.Options()
    if config.track != "parity":
        return AUTOTUNE, AUTOTUNE, options
    options.autotune.enabled = False
    options.threading.private_threadpool_size = max(1, config.num_workers)
    return config.num_workers or None, PREFETCH_PER_WORKER * config.num_workers, options


def _decode(path: tf.Tensor, config: RunConfig) -> tf.Tensor:
    """Decoded and resized with antialiasing: uint8 (side, side, 3), the same pixels as PyTorch's within 1."""
    # INTEGER_ACCURATE is what Pillow and torchvision use; tf's own default differs in two thirds of the pixels.
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_ACCURATE")
    resized = tf.image.resize(image, (config.image_size, config.image_size), antialias=True)
    return tf.cast(tf.clip_by_value(tf.floor(resized + 0.5), 0, 255), tf.uint8)


def _augment(pixels: tf.Tensor, flips: tf.Tensor) -> tf.Tensor:
    """Flip each image of a batch as ``flips`` (batch, 2) says, left-right and up-down; scale to 0..1."""
    pixels = tf.where(flips[:, 0, None, None, None], tf.reverse(pixels, [2]), pixels)
    pixels = tf.where(flips[:, 1, None, None, None], tf.reverse(pixels, [1]), pixels)
    return tf.cast(pixels, tf.float32) / 255


def _empty_cache(config: RunConfig, count: int) -> tf.Variable:
    """Room for every resized image: uint8 (n, side, side, 3), in the memory of the machine."""
    with tf.device("CPU:0"):
        return tf.Variable(tf.zeros((count, config.image_size, config.image_size, 3), tf.uint8), trainable=False)
