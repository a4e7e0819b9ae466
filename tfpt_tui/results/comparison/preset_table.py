"""A preset as a table: what its rows ask for, and what their source printed."""

from __future__ import annotations

from collections.abc import Mapping

from tfpt_tui.config.presets import PUBLISHED, Preset
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.documents import Value
from tfpt_tui.results.table import Cell, Column, Table


def preset_table(preset: Preset) -> Table:
    """One line a row: the settings in which rows differ, or that differ from the schema's defaults."""
    resolved = [row.resolved() for row in preset.rows]
    keys = [
        key
        for key, setting in SETTINGS.items()
        if len({row[key] for row in resolved}) > 1 or (resolved[0][key] not in (setting.default, None))
    ]
    printed = [key for key in PUBLISHED if any(key in row.published for row in preset.rows)]
    # What is the same in all rows comes last: it may find no room on a narrow terminal.
    keys.sort(key=lambda key: len({show_setting(key, row) for row in resolved}) < 2)
    varying = sum(len({show_setting(key, row) for row in resolved}) > 1 for key in keys)
    columns = (
        Column("row", "row"),
        *(Column(key, key) for key in keys[:varying]),
        *(Column(f"published.{key}", f"published {key}") for key in printed),
        *(Column(key, key) for key in keys[varying:]),
    )
    rows = [
        {
            "row": number,
            **{key: show_setting(key, values) for key in keys},
            **{f"published.{key}": row.published.get(key) for key in printed},
        }
        for number, (row, values) in enumerate(zip(preset.rows, resolved, strict=True), start=1)
    ]
    return Table(columns, tuple(rows))


def show_setting(key: str, values: Mapping[str, Value | None]) -> Cell:
    """The row's value, or that the setting is none of its framework's."""
    return values[key] if SETTINGS[key].applies_to(str(values["framework"]), str(values["track"])) else "n/a"
