"""The environments that have a name: each is a directory with ``environment.toml``, and a venv if we made it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT, ENVIRONMENT_NAME, nearest
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot

NAME = "environment.toml"
VENV = "venv"
SCHEMA = 1


@dataclass(frozen=True)
class Named:
    """``python`` is the interpreter; ``made`` says that its venv is ours, and goes when it is removed."""

    name: str
    python: str
    made: bool = False


def list_environments(directory: Path) -> list[Named]:
    """All environments by name; one whose file is broken is passed over, as is one that is being made."""
    found = []
    for path in sorted(directory.glob(f"*/{NAME}")):
        try:
            found.append(_read(path.parent))
        except TfptError:
            continue
    return found


def named_interpreters(directory: Path) -> dict[str, str]:
    """The interpreter of every environment, by its name."""
    return {environment.name: environment.python for environment in list_environments(directory)}


def check_name(name: str, directory: Path) -> None:
    """Refuse a name that cannot be one, or is taken.

    Raises:
        UsageError: the line says why.
    """
    if not re.fullmatch(ENVIRONMENT_NAME, name) or name == DEFAULT_ENVIRONMENT:
        raise UsageError(
            f"{name!r}: no name for an environment: letters, digits and . _ + - (not {DEFAULT_ENVIRONMENT!r})"
        )
    if (directory / name / NAME).exists():
        raise UsageError(f"{name}: there is an environment of that name; tfpt-tui env remove {name} forgets it")


def register(name: str, python: str, directory: Path, *, made: bool = False) -> Named:
    """Give an interpreter a name.

    Raises:
        UsageError: the name is taken, or cannot be one.
        MissingError: the directory cannot be written.
    """
    check_name(name, directory)
    document = {"schema": SCHEMA, "python": python, "made": made, "created": datetime.now().replace(microsecond=0)}
    try:
        (directory / name).mkdir(parents=True, exist_ok=True)
        write_toml(directory / name / NAME, document)
    except OSError as error:
        raise cannot("keep the environment", directory / name, error) from None
    return Named(name, python, made)


def remove(name: str, directory: Path) -> Named:
    """Forget an environment; a venv that we made is deleted with it, any other interpreter stays.

    What is left of a removal that was interrupted, or is broken, goes as well.

    Raises:
        MissingError: there is none of that name, or it cannot be deleted.
    """
    names = named_interpreters(directory)
    home = directory / name
    if not re.fullmatch(ENVIRONMENT_NAME, name) or not home.is_dir():
        raise MissingError(f"{name}: no environment of that name{nearest(name, names)}; see tfpt-tui env list")
    made = name not in names or _read(home).made
    try:
        # First what makes it one: an interruption leaves a directory that nothing refers to.
        (home / NAME).unlink(missing_ok=True)
        shutil.rmtree(home)
    except OSError as error:
        raise cannot("remove the environment", home, error) from None
    return Named(name, names.get(name, ""), made)


def _read(directory: Path) -> Named:
    document = read_toml(directory / NAME)
    python = document.get("python")
    if not isinstance(python, str):
        raise UsageError(f"{directory / NAME}: python is missing or wrong")
    return Named(directory.name, python, bool(document.get("made")))
