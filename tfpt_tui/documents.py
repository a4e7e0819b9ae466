"""Frozen dataclasses from what TOML and JSON files say, and back. Standard library only."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

# What a setting, or a fact about a machine, may be.
Value = str | int | float | bool
# TOML's integers (toml.io/en/v1.0.0#integer): what is larger could be read and never be written again.
INTEGER_LIMIT = 2**63

Built = TypeVar("Built")
Reader = Callable[[Any], Any]
_KNOWN: dict[tuple[type, bool], tuple[dict[str, Reader], tuple[str, ...]]] = {}


class DocumentError(ValueError):
    """A document is not what its kind promises; the message begins with the path of the field."""

    def __init__(self, problem: str, *path: str) -> None:
        super().__init__(f"{'.'.join(path)}: {problem}" if path else problem)
        self.problem = problem
        self.path = path


def build(kind: type[Built], document: object, *, exact: bool = False) -> Built:
    """An instance of a dataclass from a table, its parts, lists and tables of values included; one stays as it is.

    Fields without a value get their default. Unknown names are passed over, and None in a table of values is as
    good as absent; with ``exact`` an unknown name is a mistake.

    Raises:
        DocumentError: a field has a wrong type, a field without default is missing, or ``exact`` and a name is
            unknown.
    """
    if isinstance(document, kind):
        return document
    if not isinstance(document, dict | Mapping):
        raise DocumentError(f"must be a table, not {document!r}")
    readers, required = _KNOWN.get((kind, exact)) or _describe(kind, exact)
    found = {}
    for name, value in document.items():
        if read := readers.get(name):
            try:
                found[name] = read(value)
            except (ValueError, TypeError, OverflowError) as error:
                raise _within(name, error) from None
        elif exact:
            raise DocumentError(f"unknown field {name!r}")
    for name in required:
        if name not in found:
            raise DocumentError(f"{name} is missing")
    return kind(**found)


def check_version(document: Mapping[str, Any], name: str, newest: int) -> None:
    """Refuse a document that a later version wrote; one without a version was written before there were any.

    Raises:
        DocumentError: its version is newer than ``newest``, or none.
    """
    version = document.get(name, newest)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DocumentError(f"must be a whole number from 1, not {version!r}", name)
    if version > newest:
        raise DocumentError(f"has {name} {version}, which needs a newer tfpt-tui")


def finite(value: Any) -> Any:
    """The value with "nan", "inf" and "-inf" in place of the numbers that JSON has not."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def without_none(value: Any) -> Any:
    """The value without what is None in its tables: TOML has no null."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value


def _describe(kind: Any, exact: bool) -> tuple[dict[str, Reader], tuple[str, ...]]:
    """How each field is read, and which must be there. Found out once: a viewer reads thousands a second."""
    hints, fields = typing.get_type_hints(kind), dataclasses.fields(kind)
    readers = {one.name: _reader(hints[one.name], exact) for one in fields}
    missing = dataclasses.MISSING
    required = tuple(one.name for one in fields if one.default is missing and one.default_factory is missing)
    _KNOWN[kind, exact] = readers, required
    return readers, required


def _reader(hint: Any, exact: bool) -> Reader:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint == Value:
        return _value
    if origin in (typing.Union, types.UnionType):
        return _optional(_reader(arguments[0], exact))
    if origin is tuple:
        return _list(_reader(arguments[0], exact))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _table(_reader(arguments[1], exact))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return functools.partial(build, hint, exact=exact)
    readers: dict[type, Reader] = {
        str: _text,
        bool: _truth,
        int: _integer,
        float: _number,
        datetime: _moment,
        object: lambda value: value,
    }
    return readers[hint]


def _within(name: str, error: Exception) -> DocumentError:
    """The error of a part, by its path from the whole."""
    if isinstance(error, DocumentError):
        return DocumentError(error.problem, name, *error.path)
    return DocumentError(str(error), name)


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _list(read: Reader) -> Reader:
    def read_list(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise DocumentError(f"must be a list, not {value!r}")
        return tuple(read(item) for item in value)

    return read_list


def _table(read: Reader) -> Reader:
    def read_table(value: object) -> object:
        if not isinstance(value, Mapping):
            raise DocumentError(f"must be a table, not {value!r}")
        found = {}
        for name, item in value.items():
            if item is not None:
                try:
                    found[_text(name)] = read(item)
                except (ValueError, TypeError, OverflowError) as error:
                    raise _within(name, error) from None
        return found

    return read_table


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DocumentError(f"must be text, not {value!r}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # half of a pair, which JSON can hold and no file of ours
            raise DocumentError(f"is not Unicode: {value!r}") from None
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise DocumentError(f"must be true or false, not {value!r}")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise DocumentError(f"must be a whole number, not {value!r}")
    number = int(value)
    if not -INTEGER_LIMIT <= number < INTEGER_LIMIT:
        raise DocumentError("is too large for a whole number")
    return number


def _number(value: Any) -> float:
    """Also from "nan", "inf" and "-inf", as JSON has them."""
    if isinstance(value, bool):
        raise DocumentError(f"must be a number, not {value!r}")
    return _integer(value) if isinstance(value, int) else float(value)


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise DocumentError(f"must be a date and time, not {value!r}")
    return value


def _value(value: object) -> Value:
    if isinstance(value, bool | float):
        return value
    return _integer(value) if isinstance(value, int) else _text(value if isinstance(value, str) else str(value))
