"""How much processes that are started again differ on a machine: what its duels showed, kept for the next ones.

A file for each machine, by its fingerprint; nobody but the supervisor of a duel writes it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.record.duel_ratio import Restart, Spread, learn_spread

# Of arms; older ones are forgotten: drivers and frameworks change.
KEPT_PAIRS = 100


@dataclass(frozen=True)
class _Pair:
    """The restarts of two arms of a duel of these frameworks."""

    sweep: str
    frameworks: tuple[str, ...]
    restarts: tuple[Restart, ...]


@dataclass(frozen=True)
class _Pairs:
    pairs: tuple[_Pair, ...] = ()


def shown_spread(directory: Path, machine: str, frameworks: Collection[str]) -> Spread:
    """What the duels of these frameworks on a machine showed, or of any where there were none of these.

    It is the assumed one without duels, also where they cannot be read.
    """
    pairs = _read(_path(directory, machine))
    alike = [one for one in pairs if set(one.frameworks) == set(frameworks)]
    return learn_spread([one.restarts for one in alike or pairs])


def keep_restarts(
    directory: Path, machine: str, sweep: str, frameworks: Collection[str], arms: Sequence[Sequence[Restart]]
) -> None:
    """Keep the restarts of a duel, of each arm against the first: those that are two or more.

    Raises:
        OSError: they cannot be written.
    """
    path = _path(directory, machine)
    known = [one for one in _read(path) if one.sweep != sweep]
    new = [_Pair(sweep, tuple(sorted(frameworks)), tuple(restarts)) for restarts in arms if len(restarts) > 1]
    if new:
        directory.mkdir(parents=True, exist_ok=True)
        write_toml(path, {"schema": 1, "pairs": list(map(dataclasses.asdict, [*known, *new][-KEPT_PAIRS:]))})


def _read(path: Path) -> tuple[_Pair, ...]:
    try:
        pairs = build(_Pairs, read_record(path)).pairs
    except (TfptError, DocumentError):
        return ()
    return tuple(one for one in pairs if len(one.restarts) > 1 and all(map(_is_sound, one.restarts)))


def _is_sound(restart: Restart) -> bool:
    """Whether it can be what a duel showed: anybody may have changed the file."""
    known = math.isfinite(restart.log_ratio) and math.isfinite(restart.error)
    return known and restart.blocks > 0 and restart.freedom > 0


def _path(directory: Path, machine: str) -> Path:
    return directory / f"{machine}.toml"
