"""The tables of the README are made from the registries: regenerate them with ``python -m tests.test_readme``."""

import re
from pathlib import Path

from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.ui.keys import KEYS, show_keys

README = Path(__file__).parents[1] / "README.md"


def settings_table():
    rows = ["| key | default | values | what |", "| --- | --- | --- | --- |"]
    for key, setting in SETTINGS.items():
        default = (
            "" if setting.required else str(setting.default).lower() if setting.type is bool else setting.default
        )
        unit = f" ({setting.unit})" if setting.unit else ""
        only = "" if len(setting.frameworks) > 1 else f"; {setting.frameworks[0]} only"
        shared = [track.name for track in TRACKS.values() if setting.is_resource and track.equal_resources]
        only += f", but both on {' and '.join(shared)}" if shared else ""
        rows.append(f"| `{key}` | {default} | {setting.allowed} | {setting.help}{unit}{only} |")
    return "\n".join(rows)


def keys_table():
    rows = ["| key | where | what |", "| --- | --- | --- |"]
    rows += [f"| `{show_keys(key.keys)}` | {key.where} | {key.help} |" for key in KEYS]
    return "\n".join(rows)


def between(name):
    found = re.search(rf"<!-- {name}: .*? -->\n(.*?)\n<!-- end of {name} -->", README.read_text(), re.DOTALL)
    return found[1]


def test_the_settings_of_the_readme_are_those_of_the_schema():
    assert between("settings") == settings_table()


def test_the_keys_of_the_readme_are_those_of_the_registry():
    assert between("keys") == keys_table()


if __name__ == "__main__":
    text = README.read_text()
    for name, table in (("settings", settings_table()), ("keys", keys_table())):
        start, end = text.index(f"<!-- {name}:"), text.index(f"<!-- end of {name}")
        start = text.index("\n", start) + 1
        text = text[:start] + table + "\n" + text[end:]
    README.write_text(text)
