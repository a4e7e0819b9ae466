"""Sizes in the words of a message."""

from __future__ import annotations

MIB = 1 << 20
GIB = 1 << 30


def show_size(size: float) -> str:
    """Bytes as ``23.4 GiB``, below one GiB as ``64 MiB``."""
    return f"{size / GIB:,.1f} GiB" if size >= GIB else f"{size / MIB:,.0f} MiB"
