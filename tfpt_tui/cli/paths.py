"""``tfpt-tui paths``: where everything is."""

from __future__ import annotations

import json

import click

from tfpt_tui.cli.invocation import Invocation, pass_invocation, show
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.environments.interpreters import interpreter_of
from tfpt_tui.errors import printable
from tfpt_tui.runs.record.lock import lock_path


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@pass_invocation
def paths(invocation: Invocation, as_json: bool) -> None:
    """Where everything is.

    \b
    Example:
      tfpt-tui paths
    """
    found = {
        "runs": invocation.paths.runs,
        "sweeps": invocation.paths.sweeps,
        "downloads": invocation.paths.downloads,
        "environments": invocation.paths.environments,
        "proofs of parity": invocation.paths.proofs,
        "shown by duels": invocation.paths.duels,
        "datasets": invocation.paths.datasets,
        "preparations": invocation.paths.preparations,
        "settings": invocation.paths.settings,
        "user presets": invocation.paths.user_presets,
        "shipped presets": invocation.paths.shipped_presets,
        "machine lock": lock_path(),
        **{framework: interpreter_of(framework, invocation.settings) for framework in FRAMEWORKS},
    }
    if as_json:
        show(json.dumps({name: str(path) for name, path in found.items()}, indent=2) + "\n")
    else:
        show("".join(f"{name:<16} {printable(str(path))}\n" for name, path in found.items()))
    invocation.note_missing_frameworks()
