"""Paths complete while they are typed, by the first directory that begins so; the right arrow takes the rest."""

from __future__ import annotations

import asyncio
import os

from textual.suggester import Suggester


class PathSuggester(Suggester):
    """Directories alone: a dataset is one, and is made from one."""

    def __init__(self) -> None:
        # Directories come and go, and their names have cases.
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(complete, value)


def complete(text: str) -> str | None:
    """The text, and the rest of the first directory that begins so; None without such a directory.

    Hidden ones are meant where the text begins so.
    """
    parent, name = os.path.split(text)
    if not name:
        return None
    try:
        with os.scandir(os.path.expanduser(parent or ".")) as entries:
            found = sorted(entry.name for entry in entries if entry.name.startswith(name) and entry.is_dir())
    except OSError:
        return None
    shown = [one for one in found if name.startswith(".") or not one.startswith(".")]
    return os.path.join(parent, shown[0]) if shown else None
