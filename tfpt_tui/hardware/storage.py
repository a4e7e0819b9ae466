"""The file system that a directory lies on."""

from __future__ import annotations

import re
from pathlib import Path

from tfpt_tui.documents import Value
from tfpt_tui.linux import ROOT, read_text


def describe_directory(directory: Path, root: Path = ROOT) -> dict[str, Value]:
    """Path, type of file system and device of the mount that holds the directory (proc(5), mountinfo)."""
    path = directory.resolve()
    facts: dict[str, Value] = {"path": str(path)}
    longest = 0
    for line in (read_text(root / "proc/self/mountinfo") or "").splitlines():
        mount, _, source = line.partition(" - ")
        point = Path(_unescape(mount.split()[4]))
        # Of two mounts on one point the later one hides the other.
        if path.is_relative_to(point) and len(point.parts) >= longest:
            longest = len(point.parts)
            kind, device = source.split()[:2]
            facts |= {"filesystem": kind, "device": _unescape(device)}
    return facts


def _unescape(text: str) -> str:
    """The kernel writes spaces and the like as backslash and three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
