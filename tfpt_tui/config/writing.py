"""A preset as TOML text, and how one is kept among the user's own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import Preset, PresetRow
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.toml import dump_toml
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError, cannot
from tfpt_tui.files import write_atomically

# A name that is also a file, an argument of a command line, and no path.
NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"


def preset_text(preset: Preset, comment: str) -> str:
    """The file of a preset whose rows are exactly these: as a grid where they are a product of lists.

    ``comment`` stands above it and may have several lines.
    """
    heading: dict[str, Value] = {
        "name": preset.name,
        "title": preset.title,
        "duel": preset.duel,
        "repeats": preset.repeats,
        "source": preset.source,
        "hardware": preset.hardware,
        "train_images": preset.train_images,
        "test_images": preset.test_images,
    }
    common = _common(preset.rows)
    remarks = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    parts = [remarks, _table("[preset]", {key: value for key, value in heading.items() if value})]
    if common:
        parts.append(_table("[defaults]", common))
    if lists := _as_product(preset.rows):
        parts.append(_table("[grid]", lists))
    else:
        parts += [_row(row, common) for row in preset.rows]
    return "\n".join(parts)


def save_preset(name: str, text: str, paths: Paths, *, overwrite: bool = False) -> Path:
    """Keep the text among the user's own presets, whole or not at all.

    Raises:
        UsageError: no name for a preset, or there is one of that name and ``overwrite`` is false.
        MissingError: the directory cannot be written.
    """
    check_preset_name(name)
    path = own_preset(name, paths)
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: there is a preset of that name; choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise cannot("keep the preset", path, error) from None
    return path


def check_preset_name(name: str) -> None:
    """Raise UsageError for a name that cannot be one."""
    if not re.fullmatch(NAME, name):
        raise UsageError(
            "not a name for a preset: at most 64 letters, digits and . _ + -, a letter or digit first"
        )


def own_preset(name: str, paths: Paths) -> Path:
    return paths.user_presets / f"{name}.toml"


def suggest_name(base: str, taken: Collection[str]) -> str:
    """A free name like that of the preset that a new one was made from: ``quick-2``."""
    stem = re.sub(r"[^A-Za-z0-9._+-]+|^[._+-]+", "-", base).strip("-")[:50] or "preset"
    return next(name for number in itertools.count(2) if (name := f"{stem}-{number}") not in taken)


def _common(rows: Sequence[PresetRow]) -> dict[str, Value]:
    """What all rows say alike; nothing where there is one row, which says it itself."""
    if len(rows) == 1:
        return {}
    return {
        key: rows[0].settings[key]
        for key in SETTINGS
        if len({row.settings.get(key) for row in rows}) == 1 and key in rows[0].settings
    }


def _as_product(rows: Sequence[PresetRow]) -> dict[str, list[Value]]:
    """The lists whose product the rows are, in their order; empty where they are none, or have printed numbers."""
    differing = _differing(rows)
    if not differing or any(row.published for row in rows):
        return {}
    if any(key not in row.settings for key in differing for row in rows):
        return {}
    lists = {key: list(dict.fromkeys(row.settings[key] for row in rows)) for key in differing}
    wanted = [tuple(row.settings[key] for key in differing) for row in rows]
    return lists if list(itertools.product(*lists.values())) == wanted else {}


def _differing(rows: Sequence[PresetRow]) -> list[str]:
    """The settings in which rows differ, those first that change last: a product's outermost list."""
    changes = {}
    for key in SETTINGS:
        values = [row.settings.get(key) for row in rows]
        if len(set(values)) > 1:
            changes[key] = next(index for index, value in enumerate(values) if value != values[0])
    return sorted(changes, key=lambda key: -changes[key])


def _row(row: PresetRow, common: Mapping[str, Value]) -> str:
    own = {key: row.settings[key] for key in SETTINGS if key in row.settings and key not in common}
    return _table("[[rows]]", own) + (f"published = {_value(row.published)}\n" if row.published else "")


def _table(heading: str, values: Mapping[str, Value | Sequence[Value]]) -> str:
    return "\n".join([heading, *(f"{key} = {_value(value)}" for key, value in values.items())]) + "\n"


def _value(value: Value | Sequence[Value] | Mapping[str, Value]) -> str:
    """On one line, as people write it; tomli_w gives every item of a list a line of its own."""
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items())} }}"
    return dump_toml({"value": value}).removeprefix("value = ").rstrip("\n")
