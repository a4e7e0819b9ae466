"""The input pipeline of the tracks default and parity: tf.data, which reads by index, in whole batches.

After https://www.tensorflow.org/guide/data_performance, with what the article's lacks (manual/method.md):
indices are shuffled instead of images, resizing, flips and scaling work on whole batches, the cache holds bytes,
pixels are decoded and resized as in PyTorch, and every training batch has the same size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tfpt_tui.backends.dataset import Images, whole_batches
from tfpt_tui.backends.draws import Array, draw_flips, draw_order
from tfpt_tui.backends.report import Report
from tfpt_tui.backends.tensorflow.decode import find_decoder
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.cores import usable_cores
from tfpt_tui.documents import Value

AUTOTUNE = tf.data.AUTOTUNE
CACHE_BATCH = 64
PREFETCH_PER_WORKER = 2  # batches; what PyTorch's DataLoader does by default


@dataclass(frozen=True)
class Data:
    """A dataset of (images, labels): float32 (batch, side, side, 3) in 0..1, and int64 (batch,).

    ``decoded`` fills the cache: indices (n,) and their decoded and resized images. Training data has no end but on
    the track documented. At the end of an epoch Keras begins a dataset that has one anew, also after the last, and
    then waits until that iterator can be dropped.
    """

    batches: tf.data.Dataset
    cache: tf.Variable | None
    decoded: tf.data.Dataset | None
    images: int
    steps: int
    batch_sizes: tuple[int, ...]
    image_shape: tuple[int, ...]
    decoder: str
    cached: bool = False

    @property
    def endless(self) -> bool:
        return bool(self.batches.cardinality() == tf.data.INFINITE_CARDINALITY)

    def first(self, count: int) -> Iterable[tuple[tf.Tensor, tf.Tensor]]:
        """So many batches, or all of an epoch where those are fewer."""
        return self.batches.take(min(count, self.steps))

    def facts(self) -> dict[str, Value]:
        """How the images are loaded, read back from the dataset."""
        options = self.batches.options()
        return {
            "input_threads": options.threading.private_threadpool_size or 0,
            "loading_cores": options.threading.private_threadpool_size or len(usable_cores()),
            "input_autotune": options.autotune.enabled is not False,
            "cache": self.cached,
        }


def make_training_data(config: RunConfig, images: Images, device: str) -> Data:
    """Shuffled, augmented and cached as requested, whole batches only; ``max_steps`` shortens each epoch."""
    count = whole_batches(config, len(images)) * config.batch_size
    cache = _empty_cache(config, len(images)) if config.cache else None
    return _load(config, images, _training_order(config, len(images), count), count, cache)


def make_test_data(config: RunConfig, images: Images, device: str) -> Data:
    """All images in the order of the files, neither augmented nor cached."""
    order = tf.data.Dataset.range(len(images)).batch(config.batch_size).map(_unflipped)
    return _load(config, images, order, len(images), None)


def fill_cache(data: Data, report: Report) -> Data:
    """Decode every training image into the cache."""
    assert data.cache is not None
    assert data.decoded is not None
    for indices, images in data.decoded:
        data.cache.scatter_update(tf.IndexedSlices(images, indices))
        report.done += len(images)
    return data


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    config = config.replace(batch_size=len(images))
    indices, flips = next(iter(_training_order(config, len(images), len(images))))
    pixels = _reader(config, images)(indices)
    return tf.gather(_augment(pixels, flips), tf.argsort(indices)).numpy()


def _training_order(config: RunConfig, images: int, count: int) -> tf.data.Dataset:
    """Batches of (indices, flips) without end: another order and other flips in every epoch, the same for the same
    seed.

    On tracks of equal mathematics NumPy draws both, as it does for PyTorch; else tf.data does.
    """
    if TRACKS[config.track].equal_mathematics:
        return _order_of_numpy(config, images, count)
    order = tf.data.Dataset.range(images).shuffle(images, seed=config.seed).take(count).repeat()
    batches = order.batch(config.batch_size, drop_remainder=True)
    if not config.augment:
        return batches.map(_unflipped)

    def flip(indices: tf.Tensor, batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return indices, tf.random.stateless_uniform([config.batch_size, 2], [config.seed, batch]) < 0.5

    return tf.data.Dataset.zip(batches, tf.data.Dataset.counter()).map(flip)


def _unflipped(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return indices, tf.zeros([tf.size(indices), 2], tf.bool)


def _order_of_numpy(config: RunConfig, images: int, count: int) -> tf.data.Dataset:
    steps = count // config.batch_size

    def draw(epoch: np.int64) -> tuple[Array, Array]:
        flips = draw_flips(config.seed, int(epoch), count) & config.augment
        order = draw_order(config.seed, int(epoch), images)[:count]
        return order.reshape(steps, -1), flips.reshape(steps, -1, 2)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        order, flips = tf.numpy_function(draw, [epoch], (tf.int64, tf.bool))
        order = tf.ensure_shape(order, [steps, config.batch_size])
        return tf.data.Dataset.from_tensor_slices((order, tf.ensure_shape(flips, [*order.shape, 2])))

    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    return tf.data.Dataset.counter().flat_map(one_epoch).apply(endless)


def _load(
    config: RunConfig, images: Images, order: tf.data.Dataset, count: int, cache: tf.Variable | None
) -> Data:
    """One call makes one batch, as one call of PyTorch's workers does."""
    labels = tf.constant(images.labels, tf.int64)
    calls, prefetch, options = _resources(config)
    read = _reader(config, images)
    whole, last = divmod(count, config.batch_size)

    def make_batch(indices: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = read(indices) if cache is None else tf.gather(cache, indices)
        return _augment(pixels, flips), tf.gather(labels, indices)

    batches = order.map(make_batch, num_parallel_calls=calls).prefetch(prefetch).with_options(options)
    decoded = (
        tf.data.Dataset.range(len(images))
        .batch(CACHE_BATCH)
        .map(lambda indices: (indices, read(indices)), num_parallel_calls=calls)
        .with_options(options)
    )
    sizes = (config.batch_size,) * bool(whole) + (last,) * bool(last)
    shape = (config.image_size, config.image_size, 3)
    steps, decoder = whole + bool(last), find_decoder().name
    return Data(batches, cache, decoded, count, steps, sizes, shape, decoder, cached=cache is not None)


def _resources(config: RunConfig) -> tuple[int | None, int, tf.data.Options]:
    """Parallel calls, batches to prefetch, and options.

    On the track parity as many threads load as PyTorch has workers; with none, loading and training take turns.
    """
    options = tf.data.Options()
    if not TRACKS[config.track].equal_execution:
        return AUTOTUNE, AUTOTUNE, options
    options.autotune.enabled = False
    options.threading.private_threadpool_size = max(1, config.num_workers)
    return config.num_workers or None, PREFETCH_PER_WORKER * config.num_workers, options


def _reader(config: RunConfig, images: Images) -> Callable[[tf.Tensor], tf.Tensor]:
    """Indices (n,) to decoded and resized images: uint8 (n, side, side, 3), PyTorch's pixels within 1."""
    paths, decoder = tf.constant(images.paths), find_decoder()

    def decode(path: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(decoder.decode(path), (images.side, images.side, 3))

    def read(indices: tf.Tensor) -> tf.Tensor:
        return _resize(tf.map_fn(decode, tf.gather(paths, indices), fn_output_signature=tf.uint8), config)

    return read


def _resize(pixels: tf.Tensor, config: RunConfig) -> tf.Tensor:
    """A batch with antialiasing: uint8 (n, side, side, 3)."""
    side = (config.image_size, config.image_size)
    if tuple(pixels.shape[1:3]) == side:
        return pixels
    resized = tf.image.resize(pixels, side, antialias=True)
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
