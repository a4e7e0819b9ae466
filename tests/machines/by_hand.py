"""Machines that a script keeps up by hand: what a shell must know of them, and their interpreter."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

FAKE_PYTHON = Path(__file__).parents[1] / "fake_python.py"
STANDINS = Path(__file__).parents[1] / "standins"
STORY = "story"


def keep_up(place: Path, settings: str, variables: Mapping[str, str]) -> None:
    """Write ``place``/env, by which a tfpt-tui finds the machines and directories of its own; wait for Ctrl-C, or
    for SIGTERM: a shell lets what it starts in the background ignore Ctrl-C.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    config = place / "config" / "tfpt-tui"
    config.mkdir(parents=True, exist_ok=True)
    (config / "config.toml").write_text(settings)
    own = {"XDG_CONFIG_HOME": place / "config", "XDG_DATA_HOME": place / "data", "TFPT_TUI_LOCK": place / "lock"}
    lines = [f"export {name}={value}\n" for name, value in {**variables, **own}.items()]
    (place / "env").write_text("".join(lines))
    print(f"they are up: . {place / 'env'}", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def write_interpreter(place: Path) -> None:
    """A framework's interpreter that is the scripted worker; its story stands in a file, and can be changed."""
    tell(place, "completes")
    script = place / "fake-python"
    story = f'FAKE_STORY=$(cat "{place / STORY}")'
    script.write_text(f'#!/bin/sh\n{story} exec "{sys.executable}" "{FAKE_PYTHON}" "$@"\n')
    script.chmod(0o755)


def tell(place: Path, story: str) -> None:
    """What workers that begin from now on tell."""
    (place / STORY).write_text(story)
