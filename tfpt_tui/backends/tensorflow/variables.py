"""Environment variables that a track sets before TensorFlow is imported. It imports nothing."""

from __future__ import annotations

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.tracks import TRACKS


def variables(config: RunConfig) -> dict[str, str]:
    """Keras computes with TensorFlow, whatever keras.json says; and oneDNN on the track parity, as in PyTorch, and
    on best, unless its switch says otherwise.

    By itself TensorFlow switches it on only for processors with instructions for neural networks, AVX512_VNNI and
    its like (tensorflow/core/util/util.cc, IsMKLEnabled).
    """
    track, ours = TRACKS[config.track], {"KERAS_BACKEND": "tensorflow"}
    if not (track.is_tuned or track.equal_execution):
        return ours
    return ours | {"TF_ENABLE_ONEDNN_OPTS": "1" if track.equal_execution or config.is_on("onednn") else "0"}
