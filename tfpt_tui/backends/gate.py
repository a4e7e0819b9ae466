"""The gate of a duel: a worker trains on so many images, waits for its device, tells, and blocks until its turn.

The supervisor holds the other end of a socket. It says ``{"images": n, "round": r, "position": p}`` for a turn,
``{"free": true}`` to train on to the end, and ``{"over": true}`` when no more of the training is wanted. The
worker answers each turn with what it did. Time at the gate is in no figure: the report's clock stands still there.
"""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from tfpt_tui.backends.report import Report
from tfpt_tui.cgroup import find_quota
from tfpt_tui.cores import usable_cores
from tfpt_tui.counters import read_busy_s, read_counters
from tfpt_tui.events import Slice

# An arm that is only measured trains until the duel ends: as many epochs as there may be.
MOST_EPOCHS = 10_000
ASLEEP_S = 0.1
# The kernel looks a few hundred times a second whose a core is: of less it does not tell how much was whose.
LEAST_JUDGED_S = 0.2
# Those that we were started on: a framework may bind the thread that asks later to one of them.
CORES = frozenset(usable_cores())
QUOTA = find_quota()


class DuelOver(BaseException):
    """No more of this training is wanted: it was measured."""


class TrainAnew(BaseException):
    """It was measured; the training that is wanted begins now."""


class Gate:
    """One worker's end: ``number`` is its socket's descriptor, ``synchronize`` returns when the device is done.

    ``on_gpu`` if it trains on one: then the processor has cores to spare.
    """

    def __init__(
        self, report: Report, number: int, synchronize: Callable[[], None], *, on_gpu: bool = False
    ) -> None:
        self._report = report
        self._socket = socket.socket(fileno=number)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._synchronize = synchronize
        self._on_gpu = on_gpu
        self._left: float = 0
        self._over = False
        self._turn = Slice()
        self._steps = 0
        self._images = 0
        self._started = 0.0
        self._before = _Moment()
        self._suspended_s = 0.0

    def arrive(self) -> None:
        """Tell that all is ready, and wait for the first turn.

        Raises:
            DuelOver: there will be none.
        """
        self._report.stop_clock()
        self._await_turn({"ready": True})

    def passed(self, images: int, steps: int) -> None:
        """Count what was trained; at the end of the turn tell what was done in it, and wait for the next.

        Raises:
            DuelOver: there will be none.
            TrainAnew: nor will there, and this training was for the turns alone.
        """
        self._steps += steps
        self._images += images
        if self._images < self._left:
            return
        self._synchronize()
        seconds = self._report.stop_clock() - self._started
        now = _Moment.read()
        cpu_s, other_load = now.cpu_s - self._before.cpu_s, now.other_load_since(self._before, self._on_gpu)
        done = Slice(self._turn.round, self._turn.position, self._steps, self._images, seconds, cpu_s, other_load)
        answer: dict[str, object] = {"steps": done.steps, "images": done.images, "other_load": other_load}
        if _suspended_s() - self._suspended_s < ASLEEP_S:
            answer["seconds"] = seconds
            if done.round:
                self._report.emit(done)
        self._await_turn(answer)

    def leave(self) -> None:
        """The training has come to its end: wait until the evaluation is nobody else's turn.

        Raises:
            DuelOver: it is not wanted.
        """
        if self._over:
            raise DuelOver
        if self._left < math.inf:
            self._report.stop_clock()
            self._await_turn({"ended": True})

    def _await_turn(self, message: dict[str, object]) -> None:
        self._socket.sendall((json.dumps(message) + "\n").encode())
        line = self._lines.readline()
        order = json.loads(line) if line else {"over": True}
        self._over = bool(order.get("over"))
        if self._over:
            raise DuelOver
        self._left = order.get("images", math.inf)
        self._turn = Slice(order.get("round", 0), order.get("position", 0))
        self._steps = self._images = 0
        self._before = _Moment.read()
        self._suspended_s = _suspended_s()
        self._started = self._report.start_clock()
        if order.get("anew"):
            raise TrainAnew


def _suspended_s() -> float:
    """Seconds since the boot in which the machine was asleep: a turn with such a gap does not count."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def taken_share(others: float, own: float, cores: int, allowed: float, *, on_gpu: bool) -> float:
    """The share that others took of the cores that a training needs, 0 to 1; loads and numbers are in cores.

    It needs all that it is ``allowed``; on a GPU those that it uses, and one more.
    """
    needed = min(cores, allowed, own + 1 if on_gpu else math.inf)
    return min(1.0, max(0.0, others - (cores - needed)) / needed)


@dataclass(frozen=True)
class _Moment:
    """Clock, processor time of this process and its children, and of all that ran on its cores, in seconds."""

    time: float = 0.0
    cpu_s: float = 0.0
    busy_s: float | None = None

    @classmethod
    def read(cls) -> _Moment:
        counters = read_counters()
        return cls(time.monotonic(), counters.user_s + counters.system_s, read_busy_s(CORES))

    def other_load_since(self, before: _Moment, on_gpu: bool) -> float | None:
        """What others took of the cores that are needed since then; None where it cannot be known."""
        seconds = self.time - before.time
        if self.busy_s is None or before.busy_s is None or seconds < LEAST_JUDGED_S:
            return None
        own_s = self.cpu_s - before.cpu_s
        others_s = self.busy_s - before.busy_s - own_s
        allowed = QUOTA.cores if QUOTA else math.inf
        return taken_share(others_s / seconds, own_s / seconds, len(CORES), allowed, on_gpu=on_gpu)
