"""Where the time of training steps goes, by TensorFlow's profiler
(https://www.tensorflow.org/guide/profiler, read in November 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf

from tfpt_tui.backends.network import KERNEL, Convolution, convolutions
from tfpt_tui.backends.profile import SIDE, Peaks, Recorded, measure_peaks, share_out
from tfpt_tui.backends.tensorflow.internals import read_operations
from tfpt_tui.backends.tensorflow.runtime import synchronize
from tfpt_tui.config.schema import RunConfig

TRACE = "trace"
# Operations by the part of a step that they are, the first that is named in their place or type.
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "loading": ("iterator", "dataset"),
    "optimiser": ("adam", "optimizer"),
    "normalisation": ("batch_norm", "batchnorm"),
    "pooling": ("pool", "reduce_window"),
    "convolution": ("conv2d",),
    "activation": ("relu", "re_lu"),
    "dense": ("dense", "matmul"),
    "loss": ("softmax", "entropy", "argmax", ":equal", ":sum", ":mean", ":mul", ":addv2", ":pow"),
    "copies": (
        *("gather", "select", "reverse", "cast", "truediv", "copy", "transpose", "slice", "broadcast", ":pack"),
        *("memcpy", "memset"),
    ),
    "host": (
        *(":switch", ":merge", ":nextiteration", ":enter", ":exit", ":identity", ":noop", ":const", ":loopcond"),
        *(":less", ":logicaland", "readvariable", "partitionedcall", ":shape", "recv", "send", "executorstate"),
    ),
}


def record_steps(work: Callable[[], None], device: str, directory: Path) -> Recorded:
    """Do some training under the profiler and leave its trace in the directory.

    The trace is for TensorBoard and XProf.
    """
    with tf.profiler.experimental.Profile(str(directory / TRACE)):
        work()
    parts = share_out((part_of(name), start, end) for name, start, end in read_operations(directory / TRACE))
    return Recorded(parts, kernels=device != "cpu" and bool(parts))


def find_peaks(config: RunConfig, device: str) -> Peaks:
    """What the device reaches in a matrix product, and in the network's convolutions alone."""
    matrix = tf.random.uniform([SIDE, SIDE])
    product = tf.function(lambda: matrix @ matrix)

    def multiply() -> None:
        product()
        synchronize(device)

    def training_of(one: Convolution) -> Callable[[], object]:
        images = tf.Variable(tf.random.uniform([config.batch_size, one.side, one.side, one.inputs]))
        kernel = tf.Variable(tf.random.uniform([KERNEL, KERNEL, one.inputs, one.outputs]))
        wanted = [kernel] if one.first else [kernel, images]

        @tf.function
        def both_passes() -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                outputs = tf.nn.conv2d(images, kernel, 1, "SAME")
            return [outputs, *tape.gradient(outputs, wanted)]

        return both_passes

    on_cpu = device == "cpu"
    convolve = {one: training_of(one) for one in convolutions(config.image_size) if on_cpu}
    return measure_peaks(multiply, convolve, config.batch_size)


def part_of(name: str, operations: Mapping[str, tuple[str, ...]] = OPERATIONS) -> str:
    """The part of a step that an operation is, by its name; "other" where none is known."""
    lower = name.lower()
    return next((part for part, words in operations.items() if any(word in lower for word in words)), "other")
