"""Memory: how much there is, how much we may have, and the room in /dev/shm that image loaders share."""

from __future__ import annotations

import os
from pathlib import Path

from tfpt_tui.cgroup import memory_left_bytes, memory_limit_bytes
from tfpt_tui.documents import Value
from tfpt_tui.linux import ROOT, known, read_table

SHARED_MEMORY = Path("/dev/shm")
# What a worker takes beside its images. Seen: 0.6 to 1.1 GB for a framework with the network and its batches.
WORKER_BYTES = 1 << 30


def describe_memory(root: Path = ROOT) -> dict[str, Value]:
    """Sizes in bytes of memory, swap, the control group's limit and /dev/shm with its free room."""
    table = meminfo(root)
    size, free = shared_memory_bytes(root / "dev/shm") or (None, None)
    return known(
        {
            "memory_bytes": table.get("MemTotal"),
            "swap_bytes": table.get("SwapTotal"),
            "memory_limit_bytes": memory_limit_bytes(root),
            "shm_bytes": size,
            "shm_free_bytes": free,
        }
    )


def shared_memory_bytes(path: Path = SHARED_MEMORY) -> tuple[int, int] | None:
    """Size and free room of the shared memory, None where there is none."""
    try:
        room = os.statvfs(path)
    except OSError:
        return None
    return room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize


def available_bytes(root: Path = ROOT) -> int | None:
    """What programs can have without swapping, and no more than the control group's limit leaves."""
    bounds = [meminfo(root).get("MemAvailable"), memory_left_bytes(root)]
    return min((bound for bound in bounds if bound is not None), default=None)


def meminfo(root: Path = ROOT) -> dict[str, int]:
    """Bytes by the names of /proc/meminfo, which counts in KiB."""
    return {name: size * 1024 for name, size in read_table(root / "proc/meminfo").items()}
