"""Whether a dataset is in memory already: the first run after a boot reads from the disk, the others do not."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.hardware.memory import available_bytes

SAMPLE_FILES = 256
WARM_SHARE = 0.95
CHUNK_BYTES = 1 << 20
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class PageCache:
    """What share of a dataset was in memory, 0 to 1, as it was found and at the start; None where unknown."""

    before: float | None = None
    after: float | None = None

    @property
    def state(self) -> str:
        """``warm`` as it was found, ``warmed`` by us, ``cold`` all the same, or "" if unknown."""
        if self.before is None or self.after is None:
            return ""
        if self.before >= WARM_SHARE:
            return "warm"
        return "warmed" if self.after >= WARM_SHARE else "cold"


def list_files(directory: Path) -> list[str]:
    """All files below the directory, in the order of their paths; none where it cannot be read."""
    return sorted(f"{parent}/{name}" for parent, _, names in os.walk(directory) for name in names)


def resident_share(files: Sequence[str]) -> float | None:
    """The share of pages in memory, 0 to 1, of up to 256 files spread evenly; None where no file tells."""
    count = min(len(files), SAMPLE_FILES)
    counted = [_resident_pages(files[index * len(files) // count]) for index in range(count)]
    pages = [pair for pair in counted if pair]
    total = sum(of for _, of in pages)
    return sum(resident for resident, _ in pages) / total if total else None


def read_all(files: Sequence[str], stopped: Callable[[], bool]) -> None:
    """Read every file once, unless they would take more than half of the memory that is free for it."""
    free = available_bytes()
    if free is None or sum(_size(file) for file in files) > free / 2:
        return
    for file in files:
        if stopped():
            return
        _read(file)


def _resident_pages(file: str) -> tuple[int, int] | None:
    """Pages in memory and in all, by mincore(2); None for a file that is empty or does not tell."""
    try:
        handle = os.open(file, os.O_RDONLY)
    except OSError:
        return None
    try:
        # To everybody but those who may write a file, Linux says that all of it is resident.
        if os.fstat(handle).st_uid != os.geteuid() and os.geteuid() and not os.access(file, os.W_OK):
            return None
        # A private copy: ctypes takes addresses of writable memory only.
        with mmap.mmap(handle, 0, access=mmap.ACCESS_COPY) as memory:
            return _count_resident(memory)
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)


def _count_resident(memory: mmap.mmap) -> tuple[int, int]:
    pages = -(-len(memory) // mmap.PAGESIZE)
    flags = (ctypes.c_ubyte * pages)()
    start = ctypes.c_ubyte.from_buffer(memory)
    refused = LIBC.mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(memory)), flags)
    del start  # memory cannot be unmapped while something points into it
    if refused:
        raise OSError(ctypes.get_errno(), "mincore")
    return sum(flag & 1 for flag in flags), pages


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size
    except OSError:
        return 0


def _read(file: str) -> None:
    try:
        with open(file, "rb", buffering=0) as opened:
            while opened.read(CHUNK_BYTES):
                pass
    except OSError:
        return  # the worker will say what is wrong with it
