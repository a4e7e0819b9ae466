"""How much others on the processor slow a framework's training down on this machine: measured once, then looked
up.

A share of the cores that one framework does not feel can cost another a third: threads that spin and wait for the
slowest lose what any one of them loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import TfptError

# What a known burner takes of all our cores, in turn.
SHARES = (0.05, 0.12, 0.25)


@dataclass(frozen=True)
class Sensitivity:
    """``slowdown`` is how many times as long an epoch takes, by the share of our cores that others use, 0 to 1."""

    slowdown: Mapping[float, float]

    def at(self, share: float) -> float:
        """Between what was measured on a straight line, from 1 without others; beyond it the line goes on."""
        points = [(0.0, 1.0), *sorted(self.slowdown.items())]
        above = next((place for place, (known, _) in enumerate(points) if known >= share), len(points) - 1)
        (left, low), (right, high) = points[max(0, above - 1)], points[max(1, above)]
        return low + (high - low) * (share - left) / (right - left)


def write_sensitivity(found: Sensitivity, directory: Path, machine: str, framework: str) -> Path:
    """Keep it for the machine of this fingerprint."""
    directory.mkdir(parents=True, exist_ok=True)
    path = _path(directory, machine, framework)
    write_toml(path, {"schema": 1, "slowdown": to_document(found)})
    return path


def read_sensitivity(directory: Path, machine: str, framework: str) -> Sensitivity | None:
    """None where it was not measured on this machine."""
    try:
        return from_document(read_toml(_path(directory, machine, framework)).get("slowdown", {}))
    except TfptError:
        return None


def to_document(found: Sensitivity) -> dict[str, float]:
    """By the share as text, as TOML has it."""
    return {f"{share:g}": round(slowdown, 4) for share, slowdown in found.slowdown.items()}


def from_document(document: Mapping[str, float]) -> Sensitivity | None:
    """None where it is no such table."""
    try:
        slowdown = {float(share): float(value) for share, value in document.items()}
    except (AttributeError, TypeError, ValueError):
        return None
    return Sensitivity(slowdown) if slowdown and min(slowdown) > 0 else None


def _path(directory: Path, machine: str, framework: str) -> Path:
    return directory / f"{machine}-{framework}.toml"
