"""The environments that have a name: each is a directory with ``environment.toml``, and a venv if we made it.

While one is made or deleted there is a file ``unfinished`` in place of ``environment.toml``: whatever interrupts
us, the directory is known as ours, and no other one is ever replaced or deleted.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT, ENVIRONMENT_NAME, nearest
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot, printable

NAME = "environment.toml"
UNFINISHED = "unfinished"
VENV = "venv"
SCHEMA = 1
MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Named:
    """``python`` is the interpreter; ``made`` says that its venv is ours, and goes when it is removed."""

    name: str
    python: str
    made: bool = False


@dataclass(frozen=True)
class Leftover:
    """A directory among the environments that is none; ``remedy`` is the line that gets rid of it."""

    name: str
    problem: str
    remedy: str
    ours: bool = True
    unfinished: bool = False


def list_environments(directory: Path) -> list[Named]:
    """All environments by name, without what is broken, unfinished or not ours."""
    return [found for found in _look_at_all(directory) if isinstance(found, Named)]


def list_leftovers(directory: Path) -> list[Leftover]:
    """What lies among the environments and cannot be used: broken, unfinished, or not ours."""
    return [found for found in _look_at_all(directory) if isinstance(found, Leftover)]


def named_interpreters(directory: Path) -> dict[str, str]:
    """The interpreter of every environment, by its name."""
    return {environment.name: environment.python for environment in list_environments(directory)}


def check_name(name: str, directory: Path, *, replaced: bool = False) -> None:
    """Refuse a name that cannot be one, or is taken; ``replaced`` allows that of an unfinished environment.

    Raises:
        UsageError: the line says why.
    """
    if not _can_be_named(name):
        raise UsageError(
            f"{name!r}: not a name for an environment: at most 64 letters, digits and . _ + -"
            f" (not {DEFAULT_ENVIRONMENT!r})"
        )
    home = directory / name
    if not os.path.lexists(home) or _is_empty(home):
        return
    found = _look_at(home)
    if isinstance(found, Named):
        goes = "deletes" if found.made else "forgets"
        raise UsageError(f"{name}: there is an environment of that name; tfpt-tui env remove {name} {goes} it")
    if not (found.unfinished and replaced):
        raise UsageError(f"{name}: {found.problem}; choose another name, or remove it with: {found.remedy}")


def register(name: str, python: str, directory: Path) -> Named:
    """Give an interpreter a name.

    Raises:
        UsageError: the name is taken, or cannot be one.
        MissingError: the directory cannot be written.
    """
    check_name(name, directory)
    return _keep(Named(name, python), directory)


def begin(name: str, directory: Path) -> Path:
    """The empty directory of an environment that is to be made, in place of an unfinished one.

    Raises:
        UsageError: the name is taken, or cannot be one.
        MissingError: the directory cannot be written.
    """
    check_name(name, directory, replaced=True)
    home = directory / name
    try:
        home.mkdir(parents=True, exist_ok=True)
        (home / UNFINISHED).touch()
        _delete_venv(home)
    except OSError as error:
        raise cannot("make the environment", home, error) from None
    return home


def finish(name: str, python: str, directory: Path) -> Named:
    """What was begun is an environment from now on.

    Raises:
        MissingError: the directory cannot be written.
    """
    made = _keep(Named(name, python, made=True), directory)
    (directory / name / UNFINISHED).unlink()
    return made


def delete(home: Path) -> None:
    """Delete what we made in a directory, what makes it ours last, and the directory if nothing else is in it.

    Raises:
        OSError: it cannot be deleted.
    """
    if (home / NAME).exists():
        # A rename needs no room on a disk that is full, which may be why it is removed.
        (home / NAME).replace(home / UNFINISHED)
    _delete_venv(home)
    (home / UNFINISHED).unlink(missing_ok=True)
    if home.is_symlink():
        home.unlink()
    elif _is_empty(home):
        home.rmdir()


def remove(name: str, directory: Path) -> Named:
    """Forget an environment; a venv that we made is deleted with it, any other interpreter stays.

    One that is broken or unfinished goes as well, but nothing that is not ours.

    Raises:
        MissingError: there is none of that name, or it cannot be deleted.
        UsageError: it is not ours, or another process of ours makes or removes one.
    """
    if name == DEFAULT_ENVIRONMENT:
        raise UsageError(
            f"{name} cannot be removed: it is the interpreter of [interpreters] in config.toml, else the one that"
            " runs tfpt-tui; tfpt-tui paths shows both"
        )
    home = directory / name
    if not _can_be_named(name) or not os.path.isdir(home):
        hint = nearest(name, named_interpreters(directory))
        raise MissingError(f"{name}: no environment of that name{hint}; see tfpt-tui env list")
    with claimed(directory, "the environment", "making or removing an environment"):
        found = _look_at(home)
        if isinstance(found, Leftover) and not found.ours:
            raise UsageError(f"{name}: {found.problem}; to delete it anyway: {found.remedy}")
        try:
            delete(home)
        except OSError as error:
            raise cannot("remove the environment", home, error) from None
    return found if isinstance(found, Named) else Named(name, "", made=True)


def _keep(environment: Named, directory: Path) -> Named:
    home = directory / environment.name
    document = {
        "schema": SCHEMA,
        "python": environment.python,
        "made": environment.made,
        "created": datetime.now().replace(microsecond=0),
    }
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_toml(home / NAME, document)
    except (OSError, UnicodeError) as error:
        if _is_empty(home):
            home.rmdir()
        if isinstance(error, UnicodeError):
            raise UsageError(f"{printable(environment.python)}: is not UTF-8, as a record must be") from None
        raise cannot("keep the environment", home, error) from None
    return environment


def _can_be_named(name: str) -> bool:
    return name != DEFAULT_ENVIRONMENT and re.fullmatch(ENVIRONMENT_NAME, name) is not None


def _look_at_all(directory: Path) -> list[Named | Leftover]:
    return [_look_at(path) for path in sorted(directory.glob("*")) if os.path.isdir(path)]


def _look_at(home: Path) -> Named | Leftover:
    removal = f"tfpt-tui env remove {home.name}"
    deletion = f"rm -r {shlex.quote(str(home))}"
    if not _can_be_named(home.name):
        problem = f"{home} was not made by tfpt-tui: no environment can be called so"
        return Leftover(home.name, problem, deletion, ours=False)
    if os.path.isdir(home / NAME):
        problem = f"{home} was not made by tfpt-tui: its {NAME} is a directory"
        return Leftover(home.name, problem, deletion, ours=False)
    # os.path: unlike Path.exists it calls what we may not look into absent.
    if os.path.exists(home / NAME):
        try:
            return _read(home)
        except TfptError as error:
            return Leftover(home.name, f"it is broken: {error}", removal)
    if os.path.exists(home / UNFINISHED):
        problem = "it is unfinished: being made, or its making or removal was cut off"
        return Leftover(home.name, problem, removal, unfinished=True)
    problem = f"{home} was not made by tfpt-tui: it has no {NAME}"
    return Leftover(home.name, problem, deletion, ours=False)


def _read(home: Path) -> Named:
    if not os.path.isfile(home / NAME):
        raise UsageError(f"{home / NAME} is not a file")  # to read a pipe would wait for ever
    if os.path.getsize(home / NAME) > MOST_BYTES:
        raise UsageError(f"{home / NAME} is larger than any that tfpt-tui writes")
    document = read_toml(home / NAME)
    python = document.get("python")
    if not isinstance(python, str) or not os.path.isabs(python) or "\0" in python:
        raise UsageError(f"{home / NAME}: python must be the full path of an interpreter")
    return Named(home.name, python, document.get("made") is True)


def _delete_venv(home: Path) -> None:
    venv = home / VENV
    if venv.is_symlink():
        venv.unlink()  # where it leads is whoever's who made the link
    elif venv.exists():
        shutil.rmtree(venv)


def _is_empty(home: Path) -> bool:
    return os.access(home, os.R_OK) and os.path.isdir(home) and not any(home.iterdir())
