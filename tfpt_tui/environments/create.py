"""Make an environment that holds one framework and nothing of ours: with uv where there is one, else with pip."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tfpt_tui.config.claim import claimed
from tfpt_tui.config.schema import FRAMEWORK_TITLES
from tfpt_tui.environments.interpreters import worker_variables
from tfpt_tui.environments.probe import Probe, probe
from tfpt_tui.environments.registry import VENV, Named, check_name, register
from tfpt_tui.errors import MissingError, UsageError, cannot

# The packages of a framework; the first has the version. Backends need numpy and Pillow beside it.
REQUIREMENTS = {
    "pytorch": ("torch", "torchvision", "numpy", "pillow"),
    "tensorflow": ("tensorflow", "numpy", "pillow"),
}
# PyTorch's usual build has CUDA with it.
GPU_EXTRAS = {"pytorch": "", "tensorflow": "[and-cuda]"}
VERSION = r"\d+(\.\d+)*([.+-]?[a-z0-9]+)*"
ROOM_BYTES = 8_000_000_000  # PyTorch with its CUDA takes about 6 GB, TensorFlow 2 to 5


def default_name(framework: str, version: str | None, gpu: bool) -> str:
    """Such as ``pytorch-2.8.0`` or ``tensorflow-gpu``."""
    return "-".join([framework, *([version] if version else []), *(["gpu"] if gpu else [])])


def create(
    framework: str,
    name: str,
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
    check_name(name, directory)
    if version and not re.fullmatch(VERSION, version):
        raise UsageError(f"--version {version}: no version, such as 2.8.0")
    home = directory / name
    with claimed(directory, "the environment", "making an environment"):
        return _make(framework, name, home, version=version, gpu=gpu, say=say)


def _make(
    framework: str, name: str, home: Path, *, version: str | None, gpu: bool, say: Callable[[str], None]
) -> tuple[Named, Probe]:
    _make_room(home)
    try:
        python = str(home / VENV / "bin" / "python")
        for command in _commands(python, requirements(framework, version, gpu), home / VENV):
            say(f"+ {' '.join(command)}")
            _run(command)
        found = probe(framework, python)
        if found.problem:
            raise MissingError(f"{name}: {FRAMEWORK_TITLES[framework]} was installed, but {found.problem}")
        return register(name, python, home.parent, made=True), found
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise


def requirements(framework: str, version: str | None, gpu: bool) -> list[str]:
    """What pip is asked to install, such as ``tensorflow[and-cuda]==2.20.0``."""
    first, *others = REQUIREMENTS[framework]
    extras = GPU_EXTRAS[framework] if gpu else ""
    return [f"{first}{extras}" + (f"=={version}" if version else ""), *others]


def _make_room(home: Path) -> None:
    try:
        if home.exists():
            shutil.rmtree(home)  # no environment.toml: an attempt that was killed
        home.mkdir(parents=True)
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise cannot("make the environment", home, error) from None
    if free < ROOM_BYTES:
        home.rmdir()
        raise MissingError(
            f"{home}: up to {ROOM_BYTES / 1e9:.0f} GB are needed and {free / 1e9:.1f} GB are free; free some room"
        )


def _commands(python: str, wanted: Sequence[str], venv: Path) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv:
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(venv)],
            [uv, "pip", "install", "--python", python, *wanted],
        ]
    return [[sys.executable, "-m", "venv", str(venv)], [python, "-m", "pip", "install", *wanted]]


def _run(command: Sequence[str]) -> None:
    """What the installer prints is narration."""
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=worker_variables())
    except OSError as error:
        raise cannot("start", command[0], error) from None
    if not ended.returncode:
        return
    if "venv" in command[1:3]:
        raise MissingError(
            f"{sys.executable}: cannot make a virtual environment; install uv, or Debian's package python3-venv"
        )
    raise MissingError(
        f"{' '.join(command[:3])}: failed (exit code {ended.returncode}), see its lines above;"
        " nothing of the environment was kept"
    )
