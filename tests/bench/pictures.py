"""The pictures that benches work on: those that TFPT_BENCH_PICTURES names, else 60,000 of CIFAR-10."""

import functools
import os
import tarfile
import tempfile
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@functools.cache
def picture_folder() -> Path:
    if chosen := os.environ.get("TFPT_BENCH_PICTURES"):
        return Path(chosen)
    folder = Path(tempfile.mkdtemp(prefix="tfpt-bench-")) / "pictures"
    with tarfile.open(SHARED / "cifar10-images.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder
