"""What TensorFlow and Keras decide by themselves, in one place.

Some of it is told through private modules only: None where a version has moved them.
"""

from __future__ import annotations

import tensorflow as tf

from tfpt_tui.config.schema import RunConfig


def choose_jit(config: RunConfig) -> bool | str:
    """``jit_compile`` of a model. "auto" is Keras's choice, which is XLA on a GPU.

    Keras asks for physical GPUs (keras/src/trainers/trainer.py, resolve_auto_jit_compile): with device=cpu on a
    machine with a GPU it would compile for the CPU. On the track parity "auto" compiles nothing, as PyTorch does.
    """
    if config.compile != "auto":
        return config.compile == "on"
    return "auto" if config.track != "parity" and tf.config.get_visible_devices("GPU") else False


def is_deterministic() -> bool | None:
    """Whether operations are deterministic."""
    try:
        from tensorflow.python.framework.config import is_op_determinism_enabled
    except ImportError:
        return None
    return bool(is_op_determinism_enabled())


def uses_onednn() -> bool | None:
    """Whether the kernels of oneDNN are used, as TensorFlow decided from processor and environment."""
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:
        return None
    return bool(IsMklEnabled())
