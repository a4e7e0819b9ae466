"""JPEG files to pixels, behind one seam: TensorFlow brings its own decoder, which can give the same pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Decoder:
    """``decode`` reads the file of a path, in a graph: uint8 (height, width, 3)."""

    name: str
    decode: Callable[[tf.Tensor], tf.Tensor]


def find_decoder() -> Decoder:
    """tf.io.decode_jpeg with the method that Pillow and PyTorch's decoders use.

    TensorFlow's own default, INTEGER_FAST, differs in two thirds of the pixels.
    """
    return available_decoders()[0]


def available_decoders() -> list[Decoder]:
    """There is one."""

    def decode(path: tf.Tensor) -> tf.Tensor:
        return tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method="INTEGER_ACCURATE")

    return [Decoder("TensorFlow", decode)]
