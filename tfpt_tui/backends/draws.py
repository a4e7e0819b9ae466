"""What the track ``parity`` draws with NumPy from the seed, so that both frameworks get the same.

Every draw has a stream of its own (numpy.random.SeedSequence): the order of an epoch does not depend on whether
images are flipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tfpt_tui.backends.network import CHANNELS, HIDDEN, INPUT_CHANNELS, KERNEL

Array = NDArray[np.generic]

_WEIGHTS, _ORDER, _FLIPS = range(3)


@dataclass(frozen=True)
class Weights:
    """The state of one convolution or dense layer and of its normalisation, if it has one, in Keras's layout.

    ``kernel``: (height, width, inputs, outputs) or (inputs, outputs); all others: (outputs,).
    """

    kernel: Array
    bias: Array
    scale: Array | None = None
    shift: Array | None = None
    mean: Array | None = None
    variance: Array | None = None


def draw_order(seed: int, epoch: int, images: int) -> NDArray[np.int64]:
    """The order of the images in an epoch (from 0): a permutation, int64 (images,)."""
    return _generator(seed, _ORDER, epoch).permutation(images)


def draw_flips(seed: int, epoch: int, images: int) -> NDArray[np.bool_]:
    """Whether the image at each place of the epoch is flipped left-right and up-down: bool (images, 2)."""
    return _generator(seed, _FLIPS, epoch).random((images, 2)) < 0.5


def draw_weights(seed: int, classes: int) -> list[Weights]:
    """Initial weights from input to output: Glorot uniform and zero biases, as Keras's default (Glorot 2010)."""
    generator = _generator(seed, _WEIGHTS)
    layers = []
    for inputs, outputs in pairwise((INPUT_CHANNELS, *CHANNELS)):
        zeros, ones = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
        kernel = _glorot(generator, (KERNEL, KERNEL, inputs, outputs))
        layers.append(Weights(kernel, zeros, scale=ones, shift=zeros, mean=zeros, variance=ones))
    for inputs, outputs in pairwise((CHANNELS[-1], HIDDEN, classes)):
        layers.append(Weights(_glorot(generator, (inputs, outputs)), np.zeros(outputs, np.float32)))
    return layers


def _glorot(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    field = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
    return generator.uniform(-limit, limit, shape).astype(np.float32)


def _generator(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, *stream]))
