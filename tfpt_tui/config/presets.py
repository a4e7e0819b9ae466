"""Presets: TOML files whose rows are run configurations, shipped, the user's own, or named by path."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import PLAN, PRINTED, SETTINGS, check_settings, defaults, nearest
from tfpt_tui.config.toml import read_toml
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError

TABLES = ("preset", "defaults", "rows", "grid")
HEADINGS = {
    "name": str,
    "title": str,
    "track": str,
    "duel": str,
    "repeats": int,
    "source": str,
    "hardware": str,
    "train_images": int,
    "test_images": int,
}
DUELS = SPEED, ACCURACY = "speed", "accuracy"
MARKED = "marked_best"
PUBLISHED = ("training_s", "evaluation_s", MARKED)
QUICK = ("demo", "quick")
# They tell repeats and short forms apart, not rows: what was printed for a row holds whatever they are.
NOT_A_ROW = tuple(key for key, setting in SETTINGS.items() if not setting.identifies)
# Nobody waits for more, and a product of lists is soon more than a memory holds.
MAX_ROWS = 1000
# In a grid it stands for numbers that depend on the machine.
UP_TO_CORES = "0..cores"
MOST_DIGITS = 9  # Python itself refuses numbers of thousands


@dataclass(frozen=True)
class PresetRow:
    """One row: the settings it gives (defaults of the preset included) and what its source printed."""

    settings: Mapping[str, Value]
    published: Mapping[str, Value]

    def resolved(self) -> dict[str, Value | None]:
        """Every key of the schema; None where neither the preset nor the schema has a value."""
        return {**defaults(), **self.settings}


@dataclass(frozen=True)
class Preset:
    """``train_images`` and ``test_images`` are those of the printed numbers, 0 where nothing was printed.

    ``duel`` says what a duel of its rows is for: "speed", or "accuracy" too; "" where they run one after the other
    unless a duel is wanted. ``repeats`` is how often each row is run where nobody says it, 0 for as usual.
    """

    name: str
    title: str
    source: str
    hardware: str
    train_images: int
    test_images: int
    rows: tuple[PresetRow, ...]
    path: Path
    duel: str = ""
    repeats: int = 0


def load_preset(path: Path) -> Preset:
    """Read and validate a preset file.

    Raises:
        MissingError: there is no such file.
        UsageError: broken TOML, an unknown table or key, a refused value, or no row at all.
    """
    document = read_toml(path)
    _check_keys(document, TABLES, str(path), "table")
    heading = _table(document, "preset", path)
    _check_keys(heading, tuple(HEADINGS), f"{path}: [preset]", "key")
    for key, value in heading.items():
        if type(value) is not HEADINGS[key]:
            kind = "text" if HEADINGS[key] is str else "a whole number"
            raise UsageError(f"{path}: [preset]: {key} must be {kind}, not {value!r}")
    if "duel" in heading and heading["duel"] not in DUELS:
        raise UsageError(f"{path}: [preset]: duel must be one of {', '.join(DUELS)}, not {heading['duel']!r}")
    if "repeats" in heading:
        _check_repeats(heading["repeats"], path)
    common: dict[str, object] = {"track": heading["track"]} if "track" in heading else {}
    defaults = check_settings(_table(document, "defaults", path), f"{path}: [defaults]")
    if "track" in defaults and common.get("track", defaults["track"]) != defaults["track"]:
        raise UsageError(f"{path}: [defaults]: track is not that of [preset]; leave one of them out")
    common |= defaults
    rows = [*_listed_rows(document, common, path), *_grid_rows(document, common, path)]
    if not rows:
        raise UsageError(f"{path}: no [[rows]] and no [grid]: there is nothing to run")
    return Preset(
        name=heading.get("name", _name_of(path)),
        title=heading.get("title", ""),
        source=heading.get("source", ""),
        hardware=heading.get("hardware", ""),
        train_images=heading.get("train_images", 0),
        test_images=heading.get("test_images", 0),
        rows=tuple(rows),
        path=path,
        duel=heading.get("duel", ""),
        repeats=heading.get("repeats", 0),
    )


def _name_of(path: Path) -> str:
    try:
        path.stem.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{os.fsencode(path)!r}: its name is not UTF-8; rename it") from None
    return path.stem


def _check_repeats(repeats: int, path: Path) -> None:
    try:
        PLAN["repeats"].check(repeats)
    except ValueError as error:
        raise UsageError(f"{path}: [preset]: repeats {error}") from None


def preset_files(paths: Paths) -> dict[str, Path]:
    """Every preset by name, the quick ones first; the user's own hide shipped ones of the same name."""
    files: dict[str, Path] = {}
    for directory in (paths.shipped_presets, paths.user_presets):
        # Editors leave hidden ones while they write, and so do we.
        files |= {path.stem: path for path in directory.glob("[!.]*.toml")}
    return {name: files[name] for name in sorted(files, key=lambda name: (name not in QUICK, name))}


def find_preset(name: str, paths: Paths) -> Preset:
    """Load the preset of that name, or the file at that path.

    Raises:
        UsageError: no preset has that name; the message names the nearest one.
    """
    files = preset_files(paths)
    if name in files:
        return load_preset(files[name])
    if name.endswith(".toml") or "/" in name:
        return load_preset(Path(name))
    raise UsageError(f"no preset named {name!r}{nearest(name, files)} (known: {', '.join(files)})")


def select_rows(count: int, text: str) -> list[int]:
    """The row indices (from 0) that ``1,3-5`` names among ``count`` rows.

    Raises:
        UsageError: not of that form, or a row that does not exist.
    """
    chosen: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"--rows {text}: {part!r} is neither a row nor a range such as 3-5")
        too_long = max(len(first), len(last)) > MOST_DIGITS
        numbers = range(0) if too_long else range(int(first), int(last if dash else first) + 1)
        if not numbers or numbers[0] < 1 or numbers[-1] > count:
            raise UsageError(f"--rows {text}: {part!r} is not among the rows 1 to {count}")
        chosen += [number - 1 for number in numbers]
    return list(dict.fromkeys(chosen))


def _listed_rows(document: Mapping[str, Any], common: Mapping[str, object], path: Path) -> list[PresetRow]:
    listed = document.get("rows", [])
    if not isinstance(listed, list):
        raise UsageError(f"{path}: rows must be an array of tables, written [[rows]]")
    rows = []
    for number, row in enumerate(listed, start=1):
        where = f"{path}: row {number}"
        if not isinstance(row, dict):
            raise UsageError(f"{where}: must be a table")
        published = row.get(PRINTED, {})
        if not isinstance(published, dict):
            raise UsageError(f"{where}: published must be a table")
        _check_keys(published, PUBLISHED, f"{where}: published", "key")
        _check_printed(published, f"{where}: published")
        own = {key: value for key, value in row.items() if key != PRINTED}
        rows.append(PresetRow(check_settings({**common, **own}, where), published))
    return rows


def _check_printed(published: Mapping[str, object], where: str) -> None:
    for key, value in published.items():
        is_switch = isinstance(value, bool)
        if key == MARKED and not is_switch:
            raise UsageError(f"{where}: {key} must be true or false")
        if key != MARKED and (is_switch or not isinstance(value, int | float) or not 0 < value < math.inf):
            raise UsageError(f"{where}: {key} must be a number of seconds above 0")


def _grid_rows(document: Mapping[str, Any], common: Mapping[str, object], path: Path) -> list[PresetRow]:
    grid = _table(document, "grid", path)
    if not grid:
        return []
    where = f"{path}: [grid]"
    lists = {key: up_to_cores() if values == UP_TO_CORES else values for key, values in grid.items()}
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise UsageError(f"{where}: {key} must be a list of values, or {UP_TO_CORES!r}")
    combinations = math.prod(map(len, lists.values()))
    if combinations > MAX_ROWS:
        raise UsageError(f"{where}: {combinations:,} combinations: more than {MAX_ROWS:,}; shorten a list")
    products = itertools.product(*lists.values())
    return [
        PresetRow(check_settings({**common, **dict(zip(grid, values, strict=True))}, where), {})
        for values in products
    ]


def up_to_cores() -> list[int]:
    """0, 1, 2, 4 and so on, and at last the number of logical cores that this process may use, or the most workers
    that there may be.
    """
    cores = min(len(os.sched_getaffinity(0)), int(SETTINGS["num_workers"].maximum or 0))
    doubled = itertools.takewhile(lambda count: count < cores, (1 << power for power in itertools.count()))
    return [0, *doubled, cores]


def _table(document: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} must be a table, written [{name}]")
    return table


def _check_keys(table: Mapping[str, object], known: tuple[str, ...], where: str, what: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: unknown {what} {key!r}{nearest(key, list(known))}")
