"""The pack of a split: its images decoded and resized once, one after another in one file beside the dataset.

A first page holds a line of JSON that says what the pack is of: the dataset by its digest, the split, how many
images, their side, and the decoder. The bytes of the images follow, (n, side, side, 3). A pack that is of
something else, or of another length, is built anew; it gets its name when it is whole, so that two runs that build
it at once do not meet.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.report import Report
from tfpt_tui.documents import Value
from tfpt_tui.events import RunWarning
from tfpt_tui.files import PACK, open_regular, written_whole

HEADER_BYTES = 4096
FORMAT = 1
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pack:
    """``pixels``: uint8 (n, side, side, 3), decoded in ``build_s`` seconds; ``reused`` if by an earlier run."""

    pixels: Pixels
    build_s: float
    reused: bool

    def facts(self) -> dict[str, Value]:
        """What it took, as it is recorded."""
        return {"pack_build_s": round(self.build_s, 3), "pack_reused": self.reused}


def open_pack(images: Images, side: int, decoder: str, decode: Callable[[Pixels], None], report: Report) -> Pack:
    """The pack of these images; if there is no usable one, ``decode`` fills it and counts in ``report.done``.

    On a disk that is full or read-only it is filled in memory, for this run alone, which a warning says.
    """
    shape = (len(images), side, side, 3)
    directory = Path(images.directory)
    what = {
        "format": FORMAT,
        "digest": images.digest,
        "split": directory.name,
        "images": len(images),
        "side": side,
        "decoder": decoder,
    }
    path = directory.with_name(f"{directory.name}-{side}-{re.sub('[^A-Za-z0-9.]+', '-', decoder)}{PACK}")
    if pack := _read(path, what, shape):
        report.done += len(images)
        return pack
    try:
        build_s = _write(path, what, shape, decode)
    except OSError as error:
        pixels = np.frombuffer(mmap.mmap(-1, int(np.prod(shape))), np.uint8).reshape(shape)
        build_s = _timed(decode, pixels)
        message = f"{path}: {error.strerror or error}: the images were decoded for this run alone"
        report.emit(RunWarning(message, "no_pack", "free some room, or make the dataset's directory writable"))
        return Pack(pixels, build_s, reused=False)
    return Pack(_map(path, shape), build_s, reused=False)


def _read(path: Path, what: dict[str, object], shape: tuple[int, ...]) -> Pack | None:
    try:
        with open_regular(path) as file:
            header = json.loads(file.read(HEADER_BYTES).rstrip(b"\0"))
            size = os.fstat(file.fileno()).st_size
        build_s = float(header.pop("build_s"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # missing, damaged, or another kind of file: the caller builds it
    if header != what or size != HEADER_BYTES + np.prod(shape):
        return None
    return Pack(_map(path, shape), build_s, reused=True)


def _write(path: Path, what: dict[str, object], shape: tuple[int, ...], decode: Callable[[Pixels], None]) -> float:
    """Returns the seconds that it took to decode.

    Raises:
        OSError: the disk is full or read-only.
    """
    with written_whole(path) as temporary:
        with temporary.open("r+b") as file:
            # Room first: writing into a mapping of a file without room would kill the process.
            os.posix_fallocate(file.fileno(), 0, HEADER_BYTES + int(np.prod(shape)))
        pixels = np.memmap(temporary, np.uint8, "r+", HEADER_BYTES, shape)
        build_s = _timed(decode, pixels)
        pixels.flush()
        with temporary.open("r+b") as file:
            file.write(json.dumps({**what, "build_s": build_s}).encode())
    return build_s


def _timed(decode: Callable[[Pixels], None], pixels: Pixels) -> float:
    started = time.perf_counter()
    decode(pixels)
    return time.perf_counter() - started


def _map(path: Path, shape: tuple[int, ...]) -> Pixels:
    """All of it in memory that the system may take back, read already: no training step waits for a disk."""
    with open_regular(path) as file:
        # Private: frameworks want arrays that may be written to. Not MAP_POPULATE, which would copy such pages.
        mapping = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    np.frombuffer(mapping, np.uint8)[:: mmap.PAGESIZE].max()
    return np.frombuffer(mapping, np.uint8, offset=HEADER_BYTES).reshape(shape)
