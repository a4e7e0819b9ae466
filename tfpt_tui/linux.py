"""The small files in which Linux tells about itself. What cannot be read is absent, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfpt_tui.documents import Value

ROOT = Path("/")


def read_text(path: Path) -> str | None:
    """The text without the white space around it, None where there is no such file or it is not for us."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def read_number(path: Path) -> int | None:
    """The whole number that the file holds."""
    text = read_text(path)
    return int(text) if text and text.lstrip("-").isdecimal() else None


def read_table(path: Path) -> dict[str, int]:
    """Lines of a name and a whole number, as in /proc/meminfo, /proc/vmstat and a control group's cpu.stat."""
    lines = (line.split() for line in (read_text(path) or "").splitlines())
    return {line[0].rstrip(":"): int(line[1]) for line in lines if len(line) > 1 and line[1].isdecimal()}


def known(facts: Mapping[str, Value | None]) -> dict[str, Value]:
    """The facts without those that are unknown."""
    return {name: fact for name, fact in facts.items() if fact is not None and fact != ""}
