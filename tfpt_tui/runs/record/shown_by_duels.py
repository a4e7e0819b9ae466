"""What the duels on a machine showed, kept for later ones: how much processes differ, and what a setting brought.

A file for each machine, by its fingerprint; nobody but the supervisor of a duel writes it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, Value, build
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.record.duel_ratio import Restart, Spread, learn_spread

# Of arms, with one restart and with several; older ones are forgotten: drivers and frameworks change.
KEPT_PAIRS = 100


@dataclass(frozen=True)
class Pair:
    """What two arms of a duel showed: the restarts of one against the baseline.

    ``frameworks`` are those of all arms of the duel. ``setting`` is the only one in which the two differ, "" if
    they differ in several or not at all; ``value`` and ``baseline`` are theirs. ``ratio`` is of their times, with
    its 95 % interval, on that ``track`` with batches of that size.
    """

    sweep: str
    frameworks: tuple[str, ...]
    restarts: tuple[Restart, ...]
    setting: str = ""
    value: Value = ""
    baseline: Value = ""
    ratio: float = 1.0
    low: float = 0.0
    high: float = math.inf
    track: str = ""
    batch_size: int = 0


@dataclass(frozen=True)
class _Pairs:
    pairs: tuple[Pair, ...] = ()


def shown_spread(directory: Path, machine: str, frameworks: Collection[str], but: str = "") -> Spread:
    """What the duels of these frameworks on a machine showed, or of any where there were none of these.

    It is the assumed one without duels, also where they cannot be read. One of the sweep ``but`` does not count:
    it is resumed, and its restarts are counted by itself.
    """
    pairs = [one for one in _read(_path(directory, machine)) if len(one.restarts) > 1 and one.sweep != but]
    alike = [one for one in pairs if set(one.frameworks) == set(frameworks)]
    return learn_spread([one.restarts for one in alike or pairs])


def shown_effect(directory: Path, machine: str, config: RunConfig, setting: str) -> Pair | None:
    """The latest duel on a machine in which this framework fought itself with another value of the setting, on the
    same track with batches of the same size.
    """
    found = [
        one
        for one in _read(_path(directory, machine))
        if one.setting == setting
        and set(one.frameworks) == {config.framework}
        and (one.track, one.batch_size) == (config.track, config.batch_size)
    ]
    return found[-1] if found else None


def keep_duel(directory: Path, machine: str, pairs: Sequence[Pair]) -> None:
    """Keep what a duel showed, in place of what it had shown before it was resumed.

    Raises:
        OSError: it cannot be written.
    """
    path = _path(directory, machine)
    sweeps = {one.sweep for one in pairs}
    known = [one for one in _read(path) if one.sweep not in sweeps]
    directory.mkdir(parents=True, exist_ok=True)
    # A search leaves many pairs of a single restart; how much processes differ only those of several tell.
    every = [*known, *pairs]
    single = [one for one in every if len(one.restarts) == 1][-KEPT_PAIRS:]
    several = [one for one in every if len(one.restarts) > 1][-KEPT_PAIRS:]
    kept = [one for one in every if one in single or one in several]
    write_toml(path, {"schema": 1, "pairs": list(map(dataclasses.asdict, kept))})


def _read(path: Path) -> tuple[Pair, ...]:
    try:
        pairs = build(_Pairs, read_record(path)).pairs
    except (TfptError, DocumentError):
        return ()
    return tuple(one for one in pairs if one.restarts and all(map(_is_sound, one.restarts)))


def _is_sound(restart: Restart) -> bool:
    """Whether it can be what a duel showed: anybody may have changed the file."""
    known = math.isfinite(restart.log_ratio) and math.isfinite(restart.error)
    return known and restart.blocks > 0 and restart.freedom > 0


def _path(directory: Path, machine: str) -> Path:
    return directory / f"{machine}.toml"
