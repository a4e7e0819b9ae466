"""Processes that load images for a worker: they end with it, and it with them."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from multiprocessing import queues

from tfpt_tui.lifeline import die_with_parent

# Exit codes that tell the worker what the process died of; Python's own are 0, 1 and 2.
NO_SHARED_MEMORY, NO_BATCH = 28, 29
EXPLANATIONS = {
    NO_SHARED_MEMORY: "a process that loads images found no room in shared memory (/dev/shm);"
    " give the container more (docker run --shm-size), or set num_workers=0",
    NO_BATCH: "a process that loads images could not hand a batch over; its log has the reason",
}


def begin_loader(_: int) -> None:
    """The first call in a process that loads images.

    A batch that cannot be handed over is lost in a thread of its queue, and the worker would wait for it for ever:
    the process ends instead, which the worker notices.
    """
    die_with_parent()
    queues.Queue._on_queue_feeder_error = staticmethod(_end)  # type: ignore[attr-defined]


def loader_failure(error: BaseException) -> str:
    """What a loader died of, as far as the error says that one died; else ""."""
    found = re.search(r"worker .* exited unexpectedly with exit code (\d+)", str(error))
    return EXPLANATIONS.get(int(found[1]), "") if found else ""


def _end(error: Exception, _: object) -> None:
    traceback.print_exception(error)
    sys.stderr.flush()
    no_room = getattr(error, "errno", None) == errno.ENOSPC or "shared memory" in str(error)
    os._exit(NO_SHARED_MEMORY if no_room else NO_BATCH)
