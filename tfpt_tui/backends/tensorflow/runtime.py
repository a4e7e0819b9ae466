"""Device, threads, precision and determinism: set as requested, and read back from the framework."""

from __future__ import annotations

import os
import platform
from typing import Any

import keras
import numpy as np
import PIL
import tensorflow as tf

from tfpt_tui.backends.effective import loading_cores, requested_threads
from tfpt_tui.backends.tensorflow.internals import is_deterministic, uses_onednn
from tfpt_tui.backends.tensorflow.model import FusedBatchNormalization
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.documents import Value
from tfpt_tui.errors import MissingError

# How a GPU says that it is full, in an internal error.
NO_ROOM = ("Dst tensor is not initialized", "out of memory")
MIXED = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def set_seed(config: RunConfig) -> None:
    """Let all that is drawn from here on be what this seed always draws."""
    keras.utils.set_random_seed(config.seed)


def init_device(config: RunConfig) -> str:
    """Seed, set threads and precision, and wake the device.

    Raises:
        MissingError: a GPU was requested that TensorFlow does not see.
    """
    set_seed(config)
    threads = requested_threads(config)
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    track = TRACKS[config.track]
    if not track.framework_settings:
        tf.config.experimental.enable_tensor_float_32_execution(config.precision == "tf32")
    if track.equal_execution:
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.config.set_image_data_format("channels_last")  # whatever keras.json says
    keras.config.set_dtype_policy(MIXED.get(config.precision, "float32"))
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    device = _find_device(config.device)
    tf.zeros(1)  # makes the device's context here, not in the first phase that computes
    return device


def versions() -> dict[str, str]:
    build = tf.sysconfig.get_build_info()
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "cuda": build.get("cuda_version", ""),
        "cudnn": build.get("cudnn_version", ""),
    }
    return {name: version for name, version in found.items() if version}


def effective(config: RunConfig, step: Any, data: Any, device: str) -> tuple[str, dict[str, Value]]:
    """The device's name and what TensorFlow says it applies; ``step`` is None where nothing is trained."""
    gpus = tf.config.get_visible_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    name = details.get("device_name", "gpu") if gpus else "cpu"
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    facts = data.facts()
    read = {
        "device": device,
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "interop_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        "tf32_matmul": tf32,
        "tf32_convolution": tf32,
        "deterministic": is_deterministic(),
        "cudnn_autotune": os.environ.get("TF_CUDNN_USE_AUTOTUNE", "1") != "0" and not config.deterministic,
        "cudnn_deterministic": is_deterministic(),
        "onednn": uses_onednn(),
        "decoder": data.decoder,
        "steps_per_epoch": data.steps,
        **facts,
    }
    if capability := details.get("compute_capability"):
        read["compute_capability"] = float("{}.{}".format(*capability))
    if TRACKS[config.track].equal_resources:
        # With none that are asked for, one thread loads between the steps.
        read["num_workers"] = loading_cores(config) and facts["input_threads"]
    if step:
        read |= {
            "compile": step.compiled,
            "execution": "traced graph",
            # The share of the old running average that a step keeps.
            "batch_norm_momentum": next(
                layer.momentum for layer in step.model.layers if isinstance(layer, keras.layers.BatchNormalization)
            ),
            "traces": step.traces(),
            "dtype_weights": step.model.layers[0].variable_dtype,
            "dtype_activations": step.model.layers[0].compute_dtype,
            "memory_format": keras.config.image_data_format(),
        }
        if TRACKS[config.track].is_tuned:
            kinds = [type(layer) for layer in step.model.layers]
            read |= {
                "pool_first": kinds.index(keras.layers.MaxPooling2D) < kinds.index(keras.layers.ReLU),
                "fused_norm": FusedBatchNormalization in kinds,
                **step.facts(),
            }
    return name, {name: value for name, value in read.items() if value is not None}


def synchronize(device: str) -> None:
    """Wait until the device has done all of its work."""
    tf.test.experimental.sync_devices()


def peak_gpu_bytes() -> int:
    if not tf.config.get_visible_devices("GPU"):
        return 0
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def is_out_of_memory(error: BaseException) -> bool:
    """A copy to a GPU that has no room left is an internal error to TensorFlow."""
    if isinstance(error, tf.errors.InternalError):
        return any(words in str(error) for words in NO_ROOM)
    return isinstance(error, tf.errors.ResourceExhaustedError)


def _find_device(requested: str) -> str:
    """Show TensorFlow the one device that is requested; of a GPU it takes only the memory that it needs."""
    gpus = tf.config.list_physical_devices("GPU") if requested != "cpu" else []
    tf.config.set_visible_devices([], "GPU")  # if it fails below, whoever asks for memory takes none whole
    if requested == "cpu" or (requested == "auto" and not gpus):
        return "cpu"
    index = int(requested.partition(":")[2] or 0)
    if index >= len(gpus):
        raise MissingError(
            f"device={requested}: TensorFlow {tf.__version__} sees {len(gpus)} GPUs on this machine"
        )
    tf.config.set_visible_devices(gpus[index], "GPU")
    tf.config.experimental.set_memory_growth(gpus[index], True)
    return f"gpu:{index}"
