"""The manual is current: regenerate what is made from the code with ``python -m tests.test_manual``."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tfpt_tui.manual
from tfpt_tui.cli.main import run
from tfpt_tui.cli.presets import describe_track
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.schema import SETTINGS, plain
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.events import KINDS
from tfpt_tui.manual import TOPICS, read_topic, title_of
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.ui.keys import KEYS, show_keys

FOLDER = Path(tfpt_tui.manual.__file__).parent
README = Path(__file__).parents[1] / "README.md"


def settings():
    lines = []
    for setting in SETTINGS.values():
        default = "required" if setting.required else f"default {plain(setting.default)}"
        unit = f", in {setting.unit}" if setting.unit else ""
        only = "" if len(setting.frameworks) == len(SETTINGS["framework"].choices) else " " + _only(setting)
        lines.append(f"- `{setting.key}` ({default}): {setting.help}. Takes {setting.allowed}{unit}.{only}")
    return "\n".join(lines)


def _only(setting):
    shared = [track.name for track in TRACKS.values() if setting.is_resource and track.equal_resources]
    also = f", and for all on {' and '.join(shared)}" if shared else ""
    return f"For {' and '.join(setting.frameworks)} only{also}."


def keys():
    lines, where = [], ""
    for key in KEYS:
        if key.where != where:
            lines += [*([""] if where else []), f"## {key.where}", ""]
            where = key.where
        lines.append(f"- `{show_keys(key.keys)}` {key.help} (`{key.id}`)")
    return "\n".join(lines)


def presets():
    shipped = sorted(find_paths().shipped_presets.glob("*.toml"))
    found = [load_preset(path) for path in shipped]
    rows = [f"- `{one.name}`: {one.title} ({len(one.rows)} row{'s' * (len(one.rows) > 1)})" for one in found]
    return "\n".join(rows)


def tracks():
    parts = []
    for name in TRACKS:
        first, *items = describe_track(name)
        parts.append(
            "\n".join([f"**{first.removeprefix('track ')}**", "", *(f"- {' '.join(i.split())}" for i in items)])
        )
    return "\n\n".join(parts)


def metrics():
    lines = []
    for metric in METRICS.values():
        better = f"; {metric.better} is better" if metric.better else ""
        lines.append(f"- `{metric.name}`{'*' * metric.in_summary}: {metric.help}{better}")
    return "\n".join(lines)


def events():
    lines = []
    for kind, event in KINDS.items():
        fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(event))
        lines.append(f"- `{kind}`: {fields or 'nothing more'}")
    return "\n".join(lines)


MADE = {
    "settings": settings,
    "keys": keys,
    "presets": presets,
    "tracks": tracks,
    "events": events,
    "metrics": metrics,
}
PLACES = {
    "settings": "settings",
    "keys": "keys",
    "presets": "presets",
    "tracks": "presets",
    "events": "files",
    "metrics": "compare",
}


def section(text, name):
    return re.search(rf"(?<=<!-- {name}: generated -->\n).*?(?=<!-- end of {name} -->)", text, re.DOTALL)


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_from_the_code_is_current(name):
    text = (FOLDER / f"{PLACES[name]}.md").read_text()
    assert section(text, name)[0] == MADE[name]() + "\n"


def test_every_file_is_a_topic_with_a_title():
    assert {path.stem for path in FOLDER.glob("*.md")} == set(TOPICS)
    assert all(title_of(topic) for topic in TOPICS)


def test_the_readme_is_short_and_names_every_topic():
    text = README.read_text()
    assert len(text.splitlines()) < 150
    assert all(f"tfpt_tui/manual/{topic}.md" in text for topic in TOPICS)


def test_topics_are_listed_and_printed_and_a_wrong_one_gets_a_hint(capfd):
    assert run(["manual"]) == 0
    assert [line.split()[0] for line in capfd.readouterr().out.splitlines()] == list(TOPICS)
    assert run(["manual", "settings"]) == 0
    out = capfd.readouterr().out
    assert out == read_topic("settings")
    assert "<!--" not in out
    assert run(["manual", "keyz"]) == 2
    assert "no topic 'keyz'; did you mean 'keys'?" in capfd.readouterr().err


def test_commands_that_the_manual_shows_exist():
    """Every ``tfpt-tui WORD`` of manual and README is a command."""
    told = subprocess.run([sys.executable, "-m", "tfpt_tui", "--help"], capture_output=True, text=True, check=True)
    commands = set(re.findall(r"^  ([a-z]+)  ", told.stdout, re.MULTILINE))
    for path in (*FOLDER.glob("*.md"), README):
        used = set(re.findall(r"tfpt-tui ([a-z]+)\b", path.read_text()))
        assert used <= commands, path


if __name__ == "__main__":
    for name, make in MADE.items():
        path = FOLDER / f"{PLACES[name]}.md"
        text = path.read_text()
        start, end = section(text, name).span()
        path.write_text(text[:start] + make() + "\n" + text[end:])
        print(f"{path}: {name}")
