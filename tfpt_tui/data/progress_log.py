"""What a preparation tells those who follow it: JSON lines, at most five a second, the last one how it ended."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.documents import Value
from tfpt_tui.errors import INTERRUPTED, TfptError

INTERVAL_S = 0.2
WINDOW_S = 5.0  # the rate is that of the last seconds: images that were there already pass in no time
TAIL_BYTES = 1 << 16  # more than the longest line, which names files that are no images

Tell = Callable[[str, int, int], None]


def tell_nobody(phase: str, done: int, total: int) -> None:
    """For work that nobody follows."""


@dataclass(frozen=True)
class Step:
    """How far it is: bytes while ``fetching``, else images; ``total`` of 0 is not known."""

    phase: str
    done: int
    total: int
    per_second: float | None


@dataclass(frozen=True)
class Ending:
    """The exit code and the command's last words; ``images`` were made in so many ``seconds``."""

    code: int
    message: str
    images: int = 0
    seconds: float = 0.0


STOP = "stop"  # the name of the request to stop, beside the journal


class ProgressLog:
    """Appends to a file, or to none. A line that cannot be written is not worth ending the work for."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._phase = ""
        self._began = self._written = clock()
        self._recent: deque[tuple[float, int]] = deque()

    def write_to(self, path: Path | None) -> None:
        """Append to this file from now on."""
        self._path = path

    def tell(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Say how far it is; what comes too soon after the last line is left out, but for the last of a phase.

        Raises:
            KeyboardInterrupt: a file beside the journal asks to stop.
        """
        now = self._clock()
        if phase != self._phase:
            self._phase, self._began = phase, now
            self._recent.clear()
        elif now - self._written < INTERVAL_S and (done != total or not total):
            return
        self._written = now
        self._recent.append((now, done))
        while self._recent[0][0] < now - WINDOW_S:
            self._recent.popleft()
        self._append({"phase": phase, "done": done, "total": total, "per_second": self._rate()})
        if self._path and self._path.with_name(STOP).exists():
            raise KeyboardInterrupt

    def end(self, code: int, message: str, images: int = 0) -> None:
        """Say how it ended, and how many images the last phase made."""
        seconds = self._clock() - self._began
        self._append({"code": code, "message": message, "images": images, "seconds": round(seconds, 3)})

    def _rate(self) -> float | None:
        (then, before), (now, done) = self._recent[0], self._recent[-1]
        return round((done - before) / (now - then), 2) if now > then else None

    def _append(self, line: Mapping[str, Value | None]) -> None:
        if self._path:
            with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


@contextmanager
def following(path: Path | None) -> Iterator[ProgressLog]:
    """A journal at ``path``, or one that nobody reads; a failure within is its last line."""
    journal = ProgressLog(path)
    try:
        yield journal
    except TfptError as error:
        journal.end(error.exit_code, str(error))
        raise
    except KeyboardInterrupt:
        journal.end(INTERRUPTED, "stopped on request; the same command continues")
        raise


def read_last(path: Path) -> Step | Ending | None:
    """The last whole line of a journal, None where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            *lines, _ = file.read().split(b"\n")
        line = json.loads(lines[-1])
        return Ending(**line) if "code" in line else Step(**line)
    except (OSError, IndexError, TypeError, ValueError):
        return None
