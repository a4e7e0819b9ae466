"""CIFAR as Keras reads it: the loader that the article names for TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path

from keras.datasets import cifar10, cifar100

from tfpt_tui.backends.draws import Array

DATASETS = {"cifar10": cifar10, "cifar100": cifar100}


def read_cifar(name: str, directory: Path) -> dict[str, tuple[Array, Array]]:
    """Pixels, uint8 (n, 32, 32, 3), and labels, (n,), by split, from the unpacked archive in the directory."""
    load_data = DATASETS[name].load_data
    _keep_from_fetching(load_data, directory)
    splits = dict(zip(("train", "test"), load_data(), strict=True))
    return {split: (pixels, labels.reshape(-1)) for split, (pixels, labels) in splits.items()}


def _keep_from_fetching(load_data: object, directory: Path) -> None:
    """Keras would fetch an archive of its own and unpack it; ours is there already."""
    module = sys.modules[load_data.__module__]
    module.get_file = lambda **_: str(directory)  # type: ignore[attr-defined]
