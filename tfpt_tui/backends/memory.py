"""The memory that processes which load images share with the one that trains."""

from __future__ import annotations

import os
from pathlib import Path

from tfpt_tui.errors import MissingError

SHARED_MEMORY = Path("/dev/shm")


def check_shared_memory(images: int, needed: int, where: Path = SHARED_MEMORY) -> None:
    """Refuse a cache of ``needed`` bytes that the machine, or the container, has no room for.

    Raises:
        MissingError: less shared memory is free; the message says what to do.
    """
    free = os.statvfs(where).f_bavail * os.statvfs(where).f_frsize
    if needed > free:
        raise MissingError(
            f"{where}: the cache of {images} images needs {needed / 1e6:,.0f} MB of shared memory,"
            f" {free / 1e6:,.0f} MB are free; give the container more (docker run --shm-size) or set cache=false"
        )
