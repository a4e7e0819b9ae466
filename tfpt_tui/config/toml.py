"""TOML in and out: reading names the file and the line of a mistake, writing is atomic."""

from __future__ import annotations

import errno
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfpt_tui.documents import without_none
from tfpt_tui.errors import MissingError, UsageError


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        MissingError: there is no such file, or it cannot be read.
        UsageError: it is not TOML; the message names the file, the line and the reason.
    """
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path}: is not a file")  # a pipe would be waited for
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise MissingError(f"{path}: no such file") from None
    except OSError as error:
        raise MissingError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a TOML file: byte {error.start} is not UTF-8") from None
    # The last two: a number of thousands of digits, brackets within thousands of brackets.
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        place = re.search(r"line (\d+)", str(error))
        line = f"line {place[1]}" if place else "end of the file"
        reason = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise UsageError(f"{path}: {line}: {reason}") from None


def dump_toml(document: Mapping[str, Any]) -> str:
    """The document as TOML text; keys whose value is None are left out, as TOML has no null."""
    import tomli_w

    return tomli_w.dumps(without_none(document))


def write_toml(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document under ``path``: the old text or the new one, never a half."""
    write_atomically(path, dump_toml(document))


def beside(path: Path) -> Path:
    """A hidden name beside a file, to write under until all is written. Raises OSError for what has no name."""
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` to a temporary name beside ``path`` and rename it.

    Raises:
        OSError: the directory is read-only or the disk is full; nothing is left behind then.
    """
    temporary = beside(path)
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = str(path)
        raise
