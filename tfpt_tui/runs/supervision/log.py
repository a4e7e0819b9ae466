"""The supervisor's log: what goes wrong beside a plan, which goes on without."""

from __future__ import annotations

import sys
from contextlib import suppress


def complain(problem: object) -> None:
    """Write the problem into the log, where there is room: the disk that is full may be the log's, too."""
    with suppress(OSError):
        print(problem, file=sys.stderr, flush=True)
