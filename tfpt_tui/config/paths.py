"""Where everything is, after the XDG base directory specification."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import tfpt_tui
from tfpt_tui.errors import MissingError

NAME = "tfpt-tui"


@dataclass(frozen=True)
class Paths:
    """The directories of one invocation; ``runs`` is the one that ``--runs`` chooses."""

    runs: Path
    datasets: Path
    downloads: Path
    heartbeats: Path
    preparations: Path
    environments: Path
    proofs: Path
    sensitivity: Path
    duels: Path
    background: Path
    peaks: Path
    machines: Path
    look: Path
    settings: Path
    user_presets: Path
    shipped_presets: Path

    @property
    def sweeps(self) -> Path:
        """Plans live beside the runs that they started."""
        return self.runs.parent / "sweeps"


def find_paths(runs: str | None = None) -> Paths:
    data = _xdg("XDG_DATA_HOME", ".local/share") / NAME
    config = _xdg("XDG_CONFIG_HOME", ".config") / NAME
    cache = _xdg("XDG_CACHE_HOME", ".cache") / NAME
    return Paths(
        runs=Path(absolute(runs)) if runs else data / "runs",
        datasets=data / "datasets",
        downloads=cache / "downloads",
        heartbeats=cache / "heartbeats.json",
        preparations=data / "preparations",
        environments=data / "environments",
        proofs=data / "parity",
        sensitivity=data / "sensitivity",
        duels=data / "duels",
        background=data / "background",
        peaks=data / "peaks",
        machines=data / "machines",
        look=data / "look.toml",
        settings=config / "config.toml",
        user_presets=config / "presets",
        shipped_presets=_shipped_presets(),
    )


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification says that a relative path is invalid and must be ignored.
    if os.path.isabs(value):
        return Path(value)
    try:
        return Path.home() / fallback
    except RuntimeError:
        raise MissingError(
            f"neither {variable} nor HOME is set, and this user has no home directory: export HOME=DIR"
        ) from None


def _shipped_presets() -> Path:
    """Inside the package in a wheel, beside it in a checkout."""
    package = Path(tfpt_tui.__file__).parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def absolute(text: str) -> str:
    """The path that somebody typed, wherever it is read later; a ``~user`` that nobody is stays as it is, and so
    does a relative one where the working directory is gone.
    """
    expanded = Path(os.path.expanduser(text))
    try:
        return str(expanded.absolute())
    except FileNotFoundError:
        return str(expanded)
