"""How things are said everywhere: texts on a terminal, long lists, names that the system has."""

from __future__ import annotations

import math
import signal
import textwrap
from collections.abc import Sequence

from tfpt_tui.errors import printable

FEW = 5
UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}


def printable_lines(text: str) -> str:
    """The text with everything but its newlines escaped that a terminal would obey."""
    return "\n".join(printable(line.expandtabs(4)) for line in text.split("\n"))


def end_of(path: str, width: int) -> str:
    """The end of a path that has not so many letters of room: it tells more than its beginning."""
    return path if len(path) <= width else f"…{path[len(path) - width + 1 :]}"


def wrap(text: str, width: int, first: str = "", indent: str = "") -> list[str]:
    """The lines of a text, broken between its words only: commands and paths are there to be copied."""
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def signal_name(number: int) -> str:
    """The name of a signal; real-time ones have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def first_few(names: Sequence[str]) -> str:
    """The first names of a list that may be long, and how many more there are."""
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def parse_duration(text: str) -> float:
    """The seconds of a time such as ``90s``, ``10m`` or ``1h``; without a unit they are seconds.

    Raises:
        ValueError: it is not a time.
    """
    factor = UNITS_S.get(text[-1:])
    try:
        seconds = float(text[:-1] if factor else text) * (factor or 1.0)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError("must be a time such as 90s, 10m or 1h")
    return seconds


def show_duration(seconds: float) -> str:
    """Such as ``40 s``, ``12 min`` or ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
