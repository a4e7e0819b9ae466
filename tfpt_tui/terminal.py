"""What the terminal is and can show: asked here by doctor, the app and the command line. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

STDOUT = 1
# What they obey is a line's end: no cursor is moved there and nothing is coloured (terminfo(5), dumb).
DUMB = ("", "dumb", "unknown")
CATEGORIES = ("LC_ALL", "LC_CTYPE", "LANG")
OTHERS = ("LC_ALL", "LANG")
COERCED = ("C.UTF-8", "C.utf8", "UTF-8")  # what Python sets (PEP 538)


def character_set(variables: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The variable that decides over letters, and its value, "" where none is set.

    The first that is set and not empty counts (POSIX, 8.2 Internationalization Variables).
    """
    values = {name: _given(name, variables) for name in CATEGORIES}
    return next(((name, value) for name, value in values.items() if value), ("LANG", ""))


def shows_utf8(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal shows UTF-8, as far as its locale says.

    Where none is set, as in most containers, nothing is said of the terminal, and most show it.
    """
    _, value = character_set(variables)
    return not value or is_utf8(value)


def is_utf8(locale: str) -> bool:
    """Whether a locale such as ``de_DE.UTF-8`` has it."""
    return "utf8" in locale.lower().replace("-", "")


def terminal_size(stream: int = STDOUT) -> tuple[int, int] | None:
    """Columns and lines of the terminal behind a file descriptor, None if it is not a terminal.

    COLUMNS is what a shell remembered, perhaps of another window.
    """
    try:
        size = os.get_terminal_size(stream)
    except OSError:
        return None
    return (size.columns, size.lines) if size.columns and size.lines else None


def can_draw(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether a terminal of this kind can be drawn on."""
    return variables.get("TERM", "") not in DUMB


def obeys(stream: TextIO) -> bool:
    """Whether what is written there may move the cursor."""
    return stream.isatty() and can_draw()


def has_colours(variables: Mapping[str, str] = os.environ) -> bool:
    """Whether colours are wanted (no-color.org)."""
    return "NO_COLOR" not in variables


def _given(name: str, variables: Mapping[str, str]) -> str:
    """What a variable was set to, but not by Python: in the C locale it sets LC_CTYPE itself (PEP 538), which says
    nothing of the terminal.
    """
    value = variables.get(name, "")
    return _LC_CTYPE if name == "LC_CTYPE" and variables is os.environ and value == _AT_START else value


def _read_lc_ctype() -> str:
    """LC_CTYPE as it was before this Python, or one that started us with its own variables, set it."""
    given = _environ_of("self")
    value, process = given.get("LC_CTYPE", "") if given else _AT_START, str(os.getppid())
    while value in COERCED and _is_python(process):
        before = _environ_of(process)
        others_differ = any(before.get(name) != given.get(name) for name in OTHERS)
        if others_differ or before.get("LC_CTYPE", "") == value:
            break
        value, process = before.get("LC_CTYPE", ""), _parent_of(process)
    return value


def _environ_of(process: str) -> dict[str, str]:
    """What a process was given when it started (proc(5), environ); empty where nobody tells."""
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return {}
    return dict(one.partition("=")[::2] for one in text.split("\0"))


def _is_python(process: str) -> bool:
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe")).startswith("python")
    except OSError:
        return False


def _parent_of(process: str) -> str:
    try:
        with open(f"/proc/{process}/status", encoding="utf-8", errors="replace") as file:
            return next(line.split()[1] for line in file if line.startswith("PPid:"))
    except (OSError, StopIteration):
        return "0"


_AT_START = os.environ.get("LC_CTYPE", "")
_LC_CTYPE = _read_lc_ctype()
