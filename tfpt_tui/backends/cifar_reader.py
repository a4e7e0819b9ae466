"""``tfpt-tui prepare --reader``: CIFAR as a framework's own loader reads it, as arrays in a file."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

from tfpt_tui.lifeline import die_with_parent


def main(arguments: list[str]) -> int:
    """``arguments``: a directory with the unpacked files, the parent's pid, the framework, cifar10 or cifar100.

    Leaves arrays.npz there: for train and test ``.../pixels``, uint8 (n, 32, 32, 3), and ``.../labels``, (n,).
    """
    directory, parent, framework, name = Path(arguments[0]), int(arguments[1]), *arguments[2:4]
    die_with_parent(parent)
    reader = importlib.import_module(f"tfpt_tui.backends.{framework}.cifar_reader")
    splits = reader.read_cifar(name, directory)
    arrays = {f"{split}/pixels": pixels for split, (pixels, _) in splits.items()}
    arrays |= {f"{split}/labels": labels for split, (_, labels) in splits.items()}
    np.savez(directory / "arrays.npz", allow_pickle=False, **arrays)
    return 0
