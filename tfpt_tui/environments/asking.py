"""Ask a program something: its time and its words are limited, and nothing of it is left afterwards."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tfpt_tui.errors import printable
from tfpt_tui.wording import signal_name

MOST_BYTES = 4 << 20  # frameworks print some thousand lines at worst
MOST_CHARACTERS = 300
CHUNK_BYTES = 1 << 16
GLANCE_S = 0.1  # between two looks at whether it was cancelled
BURIAL_S = 2

SILENT, LATE, ENDLESS = "silent", "late", "endless"


class AbandonedError(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Answer:
    """What a program printed, and how it ended: by itself with ``returncode``, or ``cut`` off, for being so."""

    stdout: str
    stderr: str
    returncode: int = 0
    cut: str = ""

    @property
    def reason(self) -> str:
        """Why it failed: the last line that it complained with, else how it ended."""
        last = (self.stderr.strip().splitlines() or [""])[-1]
        return one_line(last) or f"it ends {self.ending}"

    @property
    def ending(self) -> str:
        if self.returncode >= 0:
            return f"with exit code {self.returncode}"
        return f"by {signal_name(-self.returncode)}"


def never() -> bool:
    return False


def one_line(text: object) -> str:
    """What another program says, such that it can stand in a line of ours."""
    line = printable(str(text))
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}..."


def ask(
    command: Sequence[str],
    variables: Mapping[str, str],
    timeout_s: float,
    *,
    silence_s: float | None = None,
    cancelled: Callable[[], bool] = never,
) -> Answer:
    """Run the command; it is ended after ``timeout_s``, and when it has printed nothing within ``silence_s``.

    Its processes are a group of their own that is killed whatever happens: what it started does not outlive it.

    Raises:
        OSError: it cannot be started.
        AbandonedError: ``cancelled`` became true.
    """
    if cancelled():
        raise AbandonedError
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        process_group=0,
    )
    try:
        return _listen(process, timeout_s, silence_s or timeout_s, cancelled)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # One that hangs in a driver or a file system dies later, and nobody shall wait for it.
    with suppress(subprocess.TimeoutExpired):
        process.wait(BURIAL_S)
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def _listen(
    process: subprocess.Popen[bytes], timeout_s: float, silence_s: float, cancelled: Callable[[], bool]
) -> Answer:
    started, heard = time.monotonic(), {process.stdout: bytearray(), process.stderr: bytearray()}

    def answer(cut: str = "") -> Answer:
        stdout, stderr = (text.decode(errors="replace") for text in heard.values())
        return Answer(stdout, stderr, process.returncode or 0, cut)

    with selectors.DefaultSelector() as selector:
        for stream in heard:
            assert stream is not None
            selector.register(stream, selectors.EVENT_READ)
        while True:
            # Asked before its streams are read: what it printed just before its end is not lost.
            ended = process.poll() is not None
            ready = selector.select(0 if ended else GLANCE_S)
            if ended and not ready:  # its children may still hold the streams open
                return answer()
            if cancelled():
                raise AbandonedError
            for key, _ in ready:
                chunk = os.read(key.fd, CHUNK_BYTES)
                heard[key.fileobj].extend(chunk)  # type: ignore[index]
                if not chunk:
                    selector.unregister(key.fileobj)
            seconds = time.monotonic() - started
            if sum(map(len, heard.values())) > MOST_BYTES:
                return answer(ENDLESS)
            if seconds > timeout_s:
                return answer(LATE)
            if seconds > silence_s and not heard[process.stdout]:
                return answer(SILENT)
