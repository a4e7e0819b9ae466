"""The supervisor's end of a worker's gate (backends/gate.py): orders go in, what was done in a turn comes back."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Mapping
from typing import Any

from tfpt_tui.events import ANEW

READ_BYTES = 4096


class Gate:
    """The gate of one arm of a ``kind`` (:data:`tfpt_tui.events.ARM_KINDS`)."""

    def __init__(self, kind: str) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._kind = kind
        self._read = b""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the worker inherits."""
        return (self._theirs.fileno(),)

    @property
    def task(self) -> tuple[str, ...]:
        """What the worker is started with."""
        return "worker", str(self._theirs.fileno()), self._kind

    def begun(self) -> None:
        """The worker has its end: with it the socket closes."""
        self._theirs.close()

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()

    def order(self, **order: object) -> None:
        """Tell the worker what to do next; one that is gone is noticed by whoever waits for it."""
        try:
            self._ours.sendall((json.dumps(order) + "\n").encode())
        except OSError:
            return

    def let_go(self) -> None:
        """Tell the worker to train to its last epoch, or to begin with that."""
        self.order(**{"anew" if self._kind == ANEW else "free": True})

    def answer(self, seconds: float) -> Mapping[str, Any] | None:
        """What the worker says within so many seconds, None for nothing; that it is gone is for others to see."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if ready:
            received = self._ours.recv(READ_BYTES)
            if not received:
                time.sleep(seconds)  # it is about to end
            self._read += received
        line, end, rest = self._read.partition(b"\n")
        if not end:
            return None
        self._read = rest
        message: Mapping[str, Any] = json.loads(line)
        return message
