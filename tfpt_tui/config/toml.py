"""TOML in and out: reading names the file and the line of a mistake, writing is atomic."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tfpt_tui.documents import DocumentError, check_version, without_none
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.files import open_regular, write_atomically


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file that a user may have written.

    Raises:
        MissingError: there is no such file, or it cannot be read.
        UsageError: it is not TOML; the message names the file, the line and the reason.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is not a file")  # a pipe would be waited for
    return _parse(path, path.read_bytes)


def read_record(path: Path, schema: int = 1) -> dict[str, Any]:
    """Read a TOML file of our own, which is no link.

    Raises:
        MissingError: there is no such file, or it cannot be read.
        UsageError: it is not TOML, or its field ``schema`` is of a later version.
    """

    def read() -> bytes:
        with open_regular(path) as file:
            return file.read()

    document = _parse(path, read)
    try:
        check_version(document, "schema", schema)
    except DocumentError as error:
        raise UsageError(f"{path}: {error}") from None
    return document


def _parse(path: Path, read: Callable[[], bytes]) -> dict[str, Any]:
    try:
        return tomllib.loads(read().decode("utf-8"))
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


def write_toml(path: Path, document: Mapping[str, Any], *, durable: bool = False) -> None:
    """Write the document under ``path``: the old text or the new one, never a half; ``durable`` as in files.py."""
    write_atomically(path, dump_toml(document), durable=durable)
