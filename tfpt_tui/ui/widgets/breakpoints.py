"""How large the terminal is, as the classes that screens are laid out by."""

from __future__ import annotations

from typing import Any

from textual.app import App


def size_classes(app: App[Any]) -> str:
    """Those of the terminal now. A screen that begins with them is not styled a second time when it is shown."""
    size = app.size
    sides = ((app.HORIZONTAL_BREAKPOINTS, size.width), (app.VERTICAL_BREAKPOINTS, size.height))
    return " ".join(max(one for one in points or () if one[0] <= length)[1] for points, length in sides)
