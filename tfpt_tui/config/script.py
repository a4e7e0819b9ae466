"""A configuration of the track best as one plain script, which knows nothing of tfpt-tui."""

from __future__ import annotations

import re

from tfpt_tui.config.frameworks import BACKENDS
from tfpt_tui.config.schema import OFF, ON, SETTINGS, RunConfig

TEMPLATE = "best/script.py"


def script_text(config: RunConfig) -> str:
    """The framework's script with the settings of this configuration: a constant each, at its top."""
    text = (BACKENDS / config.framework / TEMPLATE).read_text(encoding="utf-8")

    def constant(found: re.Match[str]) -> str:
        key = found[1].lower()
        return f"{found[1]} = {_literal(config, key)}" if key in SETTINGS else found[0]

    return re.sub(r"^([A-Z_]+) = .*$", constant, text, flags=re.MULTILINE)


def _literal(config: RunConfig, key: str) -> str:
    value = config.value(key)
    if SETTINGS[key].is_switch and ON in SETTINGS[key].choices:
        value = ON if config.is_on(key) else OFF
    literal = repr(value)
    # With the quotes of the script, where nothing in the text needs others.
    return f'"{value}"' if literal == f"'{value}'" and '"' not in literal else literal
