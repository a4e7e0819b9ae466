"""What a framework reached at best on this machine in float32: found by profiled runs, then looked up.

A CPU's peak stands in no data sheet (hardware/peaks.py), so it is measured, in a large matrix product. It is the
largest that any run saw, since a disturbed moment only takes from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import TfptError


def read_peaks(directory: Path, machine: str, framework: str) -> dict[str, float]:
    """GFLOP/s by what was computed, such as ``matmul``; empty where nothing was measured on this machine."""
    try:
        document = read_toml(_path(directory, machine, framework)).get("gflops", {})
    except TfptError:
        return {}
    peaks = document.items() if isinstance(document, Mapping) else ()
    return {name: float(peak) for name, peak in peaks if isinstance(peak, int | float) and peak > 0}


def keep_peaks(found: Mapping[str, float], directory: Path, machine: str, framework: str) -> None:
    """Keep what is larger than before, for the machine of this fingerprint.

    Raises:
        OSError: it cannot be written.
    """
    known = read_peaks(directory, machine, framework)
    better = {name: round(peak, 1) for name, peak in found.items() if peak > known.get(name, 0.0)}
    if better:
        directory.mkdir(parents=True, exist_ok=True)
        write_toml(_path(directory, machine, framework), {"schema": 1, "gflops": known | better})


def _path(directory: Path, machine: str, framework: str) -> Path:
    return directory / f"{machine}-{framework}.toml"
