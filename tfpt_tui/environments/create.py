"""Make an environment that holds one framework and nothing of ours: with uv where there is one, else with pip."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.frameworks import EVERY_BACKEND_NEEDS, FRAMEWORKS, title_of
from tfpt_tui.environments.interpreters import worker_variables
from tfpt_tui.environments.probe import Probe, probe
from tfpt_tui.environments.registry import VENV, Named, begin, check_name, delete, finish
from tfpt_tui.errors import MissingError, UsageError, cannot
from tfpt_tui.files import free_bytes
from tfpt_tui.lifeline import die_with_parent

VERSION = r"\d[a-z0-9]*([.+-][a-z0-9]+)*"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ROOM_BYTES = 8_000_000_000  # PyTorch with its CUDA takes about 6 GB, TensorFlow 2 to 5


def default_name(framework: str, version: str | None, gpu: bool) -> str:
    """Such as ``pytorch-2.8.0`` or ``tensorflow-gpu``."""
    return "-".join([framework, *([version] if version else []), *(["gpu"] if gpu else [])])


def create(
    framework: str,
    name: str | None,
    directory: Path,
    *,
    version: str | None,
    gpu: bool,
    say: Callable[[str], None],
) -> tuple[Named, Probe]:
    """Make a venv below ``directory``, install the framework there, import it, and give it its name.

    Nothing is left of it when any of that fails, or is interrupted.

    Raises:
        UsageError: the name or the version cannot be one.
        MissingError: no room, no venv module, or the installer failed; its own lines were shown.
    """
    if version is not None and not re.fullmatch(VERSION, version):
        raise UsageError(f"--version {version!r}: not a version such as 2.8.0")
    chosen = name if name is not None else default_name(framework, version, gpu)
    check_name(chosen, directory, replaced=True)
    with claimed(directory, "the environment", "making or removing an environment"):
        return _make(framework, chosen, directory, version=version, gpu=gpu, say=say)


def _make(
    framework: str, name: str, directory: Path, *, version: str | None, gpu: bool, say: Callable[[str], None]
) -> tuple[Named, Probe]:
    _check_room(directory)
    home = begin(name, directory)
    try:
        python = str(home / VENV / "bin" / "python")
        for command in _commands(python, requirements(framework, version, gpu), home / VENV):
            say(f"+ {' '.join(command)}")
            _run(command, home)
        found = probe(framework, python)
        if found.problem:
            raise MissingError(f"{name}: {title_of(framework)} was installed, but {found.problem}")
        return finish(name, python, directory), found
    except BaseException:
        _give_up(home, say)
        raise


def requirements(framework: str, version: str | None, gpu: bool) -> list[str]:
    """What pip is asked to install, such as ``tensorflow[and-cuda]==2.20.0``."""
    needed = FRAMEWORKS[framework].requirements
    first, *others = needed.gpu if gpu else needed.cpu
    others = [name for name in others if name not in EVERY_BACKEND_NEEDS]
    return [f"{first}=={version}" if version else first, *others, *EVERY_BACKEND_NEEDS]


def _check_room(directory: Path) -> None:
    free = free_bytes(directory)
    if free is not None and free < ROOM_BYTES:
        raise MissingError(
            f"{directory}: up to {ROOM_BYTES / 1e9:.0f} GB are needed and {free / 1e9:.1f} GB are free;"
            " free some room"
        )


def _give_up(home: Path, say: Callable[[str], None]) -> None:
    """Leave nothing behind, whoever is in a hurry; what cannot be deleted stays known as unfinished."""
    say(f"removing what was made of {home.name}")
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDINGS}
    try:
        delete(home)
    except OSError as error:
        say(f"note: {cannot('remove the unfinished environment', home, error)}")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _commands(python: str, wanted: Sequence[str], venv: Path) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv:
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(venv)],
            [uv, "pip", "install", "--python", python, *wanted],
        ]
    # -I: with -m, Python imports from the working directory first.
    return [[sys.executable, "-I", "-m", "venv", str(venv)], [python, "-I", "-m", "pip", "install", *wanted]]


def _run(command: Sequence[str], home: Path) -> None:
    """What the installer prints is narration. It reads no settings where the command was given, as uv would."""
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            env=worker_variables(),
            cwd=home,
            # Killed, we cannot delete what an installer that goes on would write.
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    except OSError as error:
        raise cannot("start", command[0], error) from None
    if not ended.returncode:
        return
    if command[1:4] == ["-I", "-m", "venv"]:
        raise MissingError(
            f"{sys.executable}: cannot make a virtual environment; install uv, or Debian's package python3-venv"
        )
    shown = " ".join([word for word in command if word != "-I"][:3])
    raise MissingError(f"{shown}: failed (exit code {ended.returncode}), see its lines above")
