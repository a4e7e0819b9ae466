"""The input of the track best: all images on the device, from a pack that is decoded once.

An epoch's order and flips are drawn with NumPy, as on the track parity, and go to the device at once; every batch
is gathered, flipped and scaled there.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from tfpt_tui.backends.dataset import Images, whole_batches
from tfpt_tui.backends.draws import draw_flips, draw_order
from tfpt_tui.backends.pack import Pixels, open_pack
from tfpt_tui.backends.report import Report
from tfpt_tui.backends.tensorflow import data as usual
from tfpt_tui.backends.tensorflow.data import Data, augmented_samples
from tfpt_tui.backends.tensorflow.runtime import is_out_of_memory
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import Value

__all__ = ["augmented_samples", "fill_cache", "make_test_data", "make_training_data"]


@dataclass(frozen=True, kw_only=True)
class PackedData(Data):
    """Data of which ``decoded`` fills the pack; ``batches`` is not used. ``pack`` is what that took.

    ``pixels``: uint8 (n, side, side, 3), ``labels``: int64 (n,). Without ``shuffled`` an epoch is the images in
    their order, not flipped.
    """

    config: RunConfig
    paths: Images
    shuffled: bool
    labels: tf.Tensor
    pixels: tf.Tensor | tf.Variable | None = None
    pack: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_on_device(self) -> bool:
        on_gpu = self.pixels is not None and "GPU" in self.pixels.device
        return on_gpu or not tf.config.get_visible_devices("GPU")

    def draw(self, epoch: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Order and flips of an epoch (from 0): int64 (images,), and left-right and up-down, bool (images, 2)."""
        order, flips = np.arange(self.images), np.zeros((self.images, 2), bool)
        if self.shuffled:
            order = draw_order(self.config.seed, epoch, len(self.paths))[: self.images]
        if self.shuffled and self.config.augment:
            flips = draw_flips(self.config.seed, epoch, self.images)
        return tf.constant(order), tf.constant(flips)

    def batch(self, places: tf.Tensor, flips: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gathered, flipped and scaled: float32 (batch, side, side, 3) in 0..1, and labels (batch,)."""
        pixels = tf.gather(self.pixels, places)
        if self.shuffled and self.config.augment:
            pixels = tf.where(flips[:, 0, None, None, None], tf.reverse(pixels, [2]), pixels)
            pixels = tf.where(flips[:, 1, None, None, None], tf.reverse(pixels, [1]), pixels)
        return tf.cast(pixels, tf.float32) / 255, tf.gather(self.labels, places)

    def epoch(self, number: int) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """The batches of an epoch (from 0)."""
        order, flips = self.draw(number)
        for start in range(0, self.images, self.config.batch_size):
            places = slice(start, start + self.config.batch_size)
            yield self.batch(order[places], flips[places])

    def first(self, count: int) -> Iterable[tuple[tf.Tensor, tf.Tensor]]:
        """So many batches, or all of an epoch where those are fewer."""
        return itertools.islice(self.epoch(0), count)

    def facts(self) -> dict[str, Value]:
        """Where the images are, and what the pack took."""
        if not self.pack:
            return {}
        return {"images": "on the device" if self.is_on_device else "in the machine's memory", **self.pack}


def make_training_data(config: RunConfig, images: Images, device: str) -> PackedData:
    """Shuffled and augmented as requested, whole batches only; ``max_steps`` shortens each epoch."""
    count = whole_batches(config, len(images)) * config.batch_size
    return _load(usual.make_training_data(config, images, device), config, images, count, shuffled=True)


def make_test_data(config: RunConfig, images: Images, device: str) -> PackedData:
    """All images in the order of the files, not augmented."""
    return _load(usual.make_test_data(config, images, device), config, images, len(images), shuffled=False)


def fill_cache(data: PackedData, report: Report) -> PackedData:
    """Open the pack, building it if necessary, and move the images to the device if they fit."""

    def decode(pixels: Pixels) -> None:
        assert data.decoded is not None
        for indices, images in data.decoded:
            pixels[indices.numpy()] = images.numpy()
            report.done += len(indices)

    pack = open_pack(data.paths, data.config.image_size, data.decoder, decode, report)
    return dataclasses.replace(data, pixels=_on_device(pack.pixels), pack=pack.facts())


def _load(loaded: Data, config: RunConfig, images: Images, count: int, *, shuffled: bool) -> PackedData:
    parts = {field.name: getattr(loaded, field.name) for field in dataclasses.fields(Data)}
    labels = tf.constant(images.labels, tf.int64)
    return PackedData(**parts | {"images": count}, config=config, paths=images, shuffled=shuffled, labels=labels)


def _on_device(pixels: Pixels) -> tf.Tensor | tf.Variable:
    """Where they do not fit, they stay in the machine's memory, and are gathered there."""
    try:
        return tf.constant(pixels)
    except tf.errors.OpError as error:
        if not is_out_of_memory(error):
            raise
        with tf.device("CPU:0"):
            return tf.Variable(pixels, trainable=False)
