"""Environment variables that a track sets before TensorFlow is imported. It imports nothing."""

from __future__ import annotations

from tfpt_tui.config.schema import RunConfig


def variables(config: RunConfig) -> dict[str, str]:
    """oneDNN on the track parity, as in PyTorch.

    By itself TensorFlow switches it on only for processors with instructions for neural networks, AVX512_VNNI and
    its like (tensorflow/core/util/util.cc, IsMKLEnabled).
    """
    return {"TF_ENABLE_ONEDNN_OPTS": "1"} if config.track == "parity" else {}
