"""``tfpt-tui presets``: list them, or show one with every row resolved against its defaults."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import click

from tfpt_tui.cli.completion import complete_preset
from tfpt_tui.cli.invocation import Invocation, pass_invocation, say, show, show_table, table_text, text_width
from tfpt_tui.config.effective import BY_NAME
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.presets import Preset, find_preset, load_preset, preset_files
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.errors import TfptError, printable
from tfpt_tui.results.comparison.preset_table import preset_table
from tfpt_tui.results.table import Cell, Column, Table

WIDTH, HANGING = 100, 14  # columns of a description, and the indent of what does not fit on its first line
# How the lists of a track are introduced.
LISTS = {
    "reproduces": "reproduces",
    "leaves out": "leaves_out",
    "forces": "forces",
    "differs in": "exceptions",
}
INDENT = 11


class ShowsByName(click.Group):
    """``presets NAME`` is ``presets show NAME``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        invocation = ctx.find_object(Invocation)
        is_preset = args[0] not in self.commands and invocation and args[0] in preset_files(invocation.paths)
        return super().resolve_command(ctx, ["show", *args] if is_preset else args)


@click.group(cls=ShowsByName, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def presets(context: click.Context, as_json: bool) -> None:
    """List presets, or show one with every row resolved.

    \b
    Example:
      tfpt-tui presets show parity
    """
    if context.invoked_subcommand is None:
        context.invoke(list_presets, as_json=as_json)
    elif as_json:
        raise click.UsageError("put --json after the command: presets list --json, presets show NAME --json")


@presets.command("list")
@click.option("--json", "as_json", is_flag=True, help="As a list of JSON objects.")
@pass_invocation
def list_presets(invocation: Invocation, as_json: bool) -> None:
    """List every preset; one that is broken is named with the reason.

    \b
    Example:
      tfpt-tui presets list
    """
    found = []
    for name, path in preset_files(invocation.paths).items():
        try:
            found.append(load_preset(path))
        except TfptError as error:
            say(f"{name}: {error}")
    rows: list[dict[str, Cell]] = [
        {"name": preset.name, "rows": len(preset.rows), "title": preset.title, "path": str(preset.path)}
        for preset in found
    ]
    if as_json:
        show(json.dumps(rows, indent=2) + "\n")
    else:
        columns = (Column("name", "name"), Column("rows", "rows"), Column("title", "title"))
        show_table(Table(columns, tuple(rows)))
    invocation.note_missing_frameworks()


@presets.command("show")
@click.argument("name", shell_complete=complete_preset)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--toml", "as_toml", is_flag=True, help="As its file is, comments and all: to copy and change.")
@pass_invocation
def show_preset(invocation: Invocation, name: str, as_json: bool, as_toml: bool) -> None:
    """Show a preset, by NAME or path, with every row resolved against its defaults.

    \b
    Example:
      tfpt-tui presets show parity --toml > mine.toml
    """
    preset = find_preset(name, invocation.paths)
    if as_json and as_toml:
        raise click.UsageError("--json and --toml: choose one of them")
    if as_toml:
        show(preset.path.read_text(encoding="utf-8"))
        return
    if as_json:
        show(json.dumps(_document(preset), indent=2) + "\n")
        return
    tracks = dict.fromkeys(str(row.resolved()["track"]) for row in preset.rows)
    described = "\n".join(_wrap(line) for track in tracks for line in describe_track(track))
    heading = f"{printable(f'{preset.name}: {preset.title}')}\n{printable(str(preset.path))}"
    show(f"{heading}\n\n{table_text(preset_table(preset))}\n{described}\n")


def describe_track(name: str) -> list[str]:
    """Lines that say what a track does: its summary, then one line for every item."""
    track = TRACKS[name]
    named = track.name if track.title == track.name else f"{track.name} ({track.title})"
    lines = [f"track {named}: {track.summary}"]
    for words, notes in LISTS.items():
        lines += [f"  {words:<{INDENT}} {item}" for item in getattr(track, notes)]
        lines += [
            f"  {words:<{INDENT}} {framework.title}: {item}"
            for framework in FRAMEWORKS.values()
            if name in framework.tracks
            for item in getattr(framework.tracks[name], notes)
        ]
    if track.unequal:
        titles = ", ".join(BY_NAME[name].title for name in track.unequal)
        lines.append(f"  {'differs in':<{INDENT}} what a comparison reads back and names: {titles}")
    return lines


def _wrap(line: str) -> str:
    return textwrap.fill(line, min(WIDTH, text_width()), subsequent_indent=" " * HANGING)


def _document(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "title": preset.title,
        "source": preset.source,
        "hardware": preset.hardware,
        "duel": preset.duel,
        "repeats": preset.repeats,
        "train_images": preset.train_images,
        "test_images": preset.test_images,
        "path": str(preset.path),
        "rows": [
            {**row.resolved(), **({"published": dict(row.published)} if row.published else {})}
            for row in preset.rows
        ],
    }
