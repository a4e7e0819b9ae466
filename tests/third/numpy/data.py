"""The input pipeline of the tracks parity and default: whole batches, decoded by Pillow between the steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from tfpt_tui.backends.dataset import Images, whole_batches
from tfpt_tui.backends.draws import Array, draw_flips, draw_order
from tfpt_tui.backends.report import Report
from tfpt_tui.config.schema import RunConfig

Batch = tuple[Array, Array]


class Batches:
    """Begun anew it yields the next epoch: float32 (batch, side, side, 3) in 0..1, and int64 (batch,)."""

    def __init__(self, config: RunConfig, images: Images, count: int, shuffled: bool) -> None:
        self.config = config
        self.images = images
        self.labels = np.array(images.labels)
        self.count = count
        self.shuffled = shuffled
        self.epoch = 0
        self.cache: Array | None = None

    def __iter__(self) -> Iterator[Batch]:
        order, flips = np.arange(self.count), np.zeros((self.count, 2), bool)
        if self.shuffled:
            order = draw_order(self.config.seed, self.epoch, len(self.images))[: self.count]
            if self.config.augment:
                flips = draw_flips(self.config.seed, self.epoch, self.count)
            self.epoch += 1
        for start in range(0, self.count, self.config.batch_size):
            places = slice(start, start + self.config.batch_size)
            yield self.read(order[places], flips[places]), self.labels[order[places]]

    def read(self, indices: Array, flips: Array) -> Array:
        """Floats of 0 to 1, flipped."""
        pixels = self.cache[indices] if self.cache is not None else self.decode(indices)
        for image, (left_right, up_down) in zip(pixels, flips, strict=True):
            if left_right:
                image[:] = image[:, ::-1].copy()
            if up_down:
                image[:] = image[::-1].copy()
        return pixels.astype(np.float32) / 255

    def decode(self, indices: Array) -> Array:
        """Decoded and resized: uint8 (n, side, side, 3)."""
        side = self.config.image_size
        return np.stack([_resize(np.array(_open(self.images.paths[index])), side) for index in indices])


@dataclass(frozen=True)
class Data:
    """``batches`` is a Batches, or a list of them."""

    batches: Any
    images: int
    config: RunConfig


def make_training_data(config: RunConfig, images: Images, device: str) -> Data:
    """Shuffled by seed, augmented and cached as asked, whole batches only; ``max_steps`` shortens each epoch."""
    count = whole_batches(config, len(images)) * config.batch_size
    return Data(Batches(config, images, count, shuffled=True), count, config)


def make_test_data(config: RunConfig, images: Images, device: str) -> Data:
    """All images in the order of the files, neither augmented nor cached."""
    return Data(Batches(config, images, len(images), shuffled=False), len(images), config)


def fill_cache(data: Data, report: Report) -> Data:
    """Decode every training image into the cache."""
    every = range(len(data.batches.images))
    parts = []
    for start in every[:: data.config.batch_size]:
        indices = np.array(every[start : start + data.config.batch_size])
        parts.append(data.batches.decode(indices))
        report.done += len(indices)
    data.batches.cache = np.concatenate(parts)
    return data


def augmented_samples(config: RunConfig, images: Images) -> Array:
    """The images as the network sees them: floats of 0 to 1, shape (n, side, side, 3)."""
    flips = draw_flips(config.seed, 0, len(images)) if config.augment else np.zeros((len(images), 2), bool)
    return Batches(config, images, len(images), shuffled=True).read(np.arange(len(images)), flips)


def _open(path: str) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _resize(image: Array, side: int) -> Array:
    """By triangles as wide as the reduction, in floats and rounded once, half up, as on the track parity."""
    height, width, _ = image.shape
    if (height, width) == (side, side):
        return image
    rows = _weights(height, side) @ image.astype(np.float32).reshape(height, -1)
    resized = _weights(width, side) @ rows.reshape(side, width, -1)
    return np.floor(resized + 0.5).clip(0, 255).astype(np.uint8)


def _weights(size: int, side: int) -> Array:
    """How much each of ``size`` pixels adds to each of ``side``: float32 (side, size)."""
    scale = size / side
    centres = (np.arange(side) + 0.5) * scale
    distances = np.abs(np.arange(size) + 0.5 - centres[:, None]) / max(scale, 1.0)
    triangles = np.maximum(0.0, 1 - distances)
    return (triangles / triangles.sum(1, keepdims=True)).astype(np.float32)
