"""Hold a directory against another process of ours that would write to it at the same time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfpt_tui.errors import UsageError, cannot
from tfpt_tui.files import lock


@contextmanager
def claimed(directory: Path, what: str, busy: str) -> Iterator[None]:
    """Make the directory where needed, and hold it; the kernel lets go of it when we die.

    ``what`` is what is made there, such as ``the dataset``; ``busy`` is what another process of ours is doing.

    Raises:
        MissingError: the directory cannot be made.
        UsageError: another process holds it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise cannot(f"make {what}", directory, error) from None
    try:
        if not lock(handle):
            raise UsageError(f"{directory}: another tfpt-tui is {busy}; wait for that one")
        yield
    finally:
        os.close(handle)
