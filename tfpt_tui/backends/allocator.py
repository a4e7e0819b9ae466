"""How the C library's malloc gives memory back to the system, which a training fetches again at every step."""

from __future__ import annotations

import ctypes
from functools import cache

# mallopt(3) of glibc; the values are those of STEADY_MALLOC in runs/tasks/neutrality_evidence.py.
M_TRIM_THRESHOLD, KEPT_BYTES = -1, 1 << 30
M_MMAP_THRESHOLD, LARGEST_BYTES = -3, 1 << 25


@cache
def keep_memory() -> bool:
    """Let malloc keep what is freed, from now on; returns whether it does. Only glibc has that choice."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(M_TRIM_THRESHOLD, KEPT_BYTES) and mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES))
