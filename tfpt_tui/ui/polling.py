"""Look at files again and again from a worker's thread, and tell what has changed. No widget is known here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from textual.worker import get_current_worker

from tfpt_tui.errors import TfptError

View = TypeVar("View")


def keep_polling(
    look: Callable[[bool], View],
    tell: Callable[[View], object],
    refuse: Callable[[str], object],
    is_away: Callable[[], bool],
    wake: threading.Event,
    interval_s: float,
) -> None:
    """Look every so many seconds until the worker is cancelled, and at once when woken, but never while away.

    ``look`` learns whether it was woken; what it sees then, and what differs from the last, is told. It is the
    same for as long as the screen lives: what was read of a long file before a visit elsewhere is not read again.
    """
    worker = get_current_worker()
    shown: View | None = None
    problem = ""
    woken = True
    while not worker.is_cancelled:
        if not is_away():
            try:
                seen, problem = look(woken), ""
            except (OSError, TfptError) as error:
                # A file system that hiccups must not end the viewer: say it once and look again.
                if problem != str(error):
                    problem = str(error)
                    refuse(problem)
            else:
                if woken or seen != shown:
                    shown = seen
                    tell(seen)
        woken = wake.wait(interval_s)
        wake.clear()
