"""Frozen dataclasses from what TOML and JSON files say, and back. Standard library only."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

# What a setting, or a fact about a machine, may be.
Value = str | int | float | bool

Built = TypeVar("Built")
Reader = Callable[[Any], Any]
_KNOWN: dict[tuple[type, bool], dict[str, tuple[Reader, bool]]] = {}


class DocumentError(ValueError):
    """A document is not what its kind promises; the message begins with the path of the field."""

    def __init__(self, problem: str, *path: str) -> None:
        super().__init__(f"{'.'.join(path)}: {problem}" if path else problem)
        self.problem = problem
        self.path = path


def build(kind: type[Built], document: object, *, exact: bool = False) -> Built:
    """An instance of a dataclass from a table, its parts, lists and tables of values included.

    Fields without a value get their default. Unknown names are passed over, and None in a table of values is as
    good as absent; with ``exact`` an unknown name is a mistake.

    Raises:
        DocumentError: a field has a wrong type, a field without default is missing, or ``exact`` and a name is
            unknown.
    """
    if not isinstance(document, Mapping):
        raise DocumentError(f"must be a table, not {document!r}")
    fields = _fields(kind, exact)
    if exact and (unknown := document.keys() - fields.keys()):
        raise DocumentError(f"unknown field {min(unknown)!r}")
    found = {}
    for name, (read, required) in fields.items():
        if name in document:
            try:
                found[name] = read(document[name])
            except (ValueError, TypeError, OverflowError) as error:
                raise _within(name, error) from None
        elif required:
            raise DocumentError(f"{name} is missing")
    return kind(**found)


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


def _fields(kind: type, exact: bool) -> dict[str, tuple[Reader, bool]]:
    """How each field is read, and whether it must be there. Found out once: a viewer reads thousands a second."""
    if (kind, exact) not in _KNOWN:
        _KNOWN[kind, exact] = _describe(kind, exact)
    return _KNOWN[kind, exact]


def _describe(kind: Any, exact: bool) -> dict[str, tuple[Reader, bool]]:
    hints = typing.get_type_hints(kind)
    return {
        one.name: (
            _reader(hints[one.name], exact),
            one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
        )
        for one in dataclasses.fields(kind)
    }


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
    readers: dict[type, Reader] = {str: _text, bool: _truth, int: _integer, float: _number}
    return readers[hint]


def _within(name: str, error: Exception) -> DocumentError:
    """The error of a part, by its path from the whole."""
    if isinstance(error, DocumentError):
        return DocumentError(error.problem, name, *error.path)
    return DocumentError(str(error), name)


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _list(read: Reader) -> Reader:
    def read_list(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise DocumentError(f"must be a list, not {value!r}")
        return tuple(read(item) for item in value)

    return read_list


def _table(read: Reader) -> Reader:
    def read_table(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise DocumentError(f"must be a table, not {value!r}")
        found = {}
        for name, item in value.items():
            if item is not None:
                try:
                    found[name] = read(item)
                except (ValueError, TypeError, OverflowError) as error:
                    raise _within(name, error) from None
        return found

    return read_table


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DocumentError(f"must be text, not {value!r}")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise DocumentError(f"must be true or false, not {value!r}")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise DocumentError(f"must be a whole number, not {value!r}")
    return int(value)


def _number(value: Any) -> float:
    """Also from "nan", "inf" and "-inf", as JSON has them."""
    if isinstance(value, bool):
        raise DocumentError(f"must be a number, not {value!r}")
    return float(value)


def _value(value: Any) -> Value:
    return value if isinstance(value, str | int | float | bool) else str(value)
