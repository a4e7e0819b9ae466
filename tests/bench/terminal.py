"""The app in a real pseudo-terminal: what it writes, what it takes of a core, and how soon it answers."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import psutil

POINTER = re.compile(rb"\x1b\]22;[^\x07]*\x07")


class Terminal:
    """Runs the app on some runs, or another command; use it as a context."""

    def __init__(self, runs, size=(80, 24), command=None):
        columns, rows = size
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.started = time.perf_counter()
        self._app = subprocess.Popen(
            command or [sys.executable, "-m", "tfpt_tui", "--runs", str(runs)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": ""},
        )
        os.close(slave)
        self._process = psutil.Process(self._app.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._app.kill()
        self._app.wait()
        os.close(self._master)

    @property
    def pid(self):
        return self._app.pid

    def cpu_seconds(self):
        return sum(self._process.cpu_times()[:2])

    def drain(self, seconds, step=lambda: None):
        """The bytes that come within so many seconds; ``step`` is called five times a second."""
        written, end, due = 0, time.perf_counter() + seconds, 0.0
        while time.perf_counter() < end:
            if time.perf_counter() > due:
                due = time.perf_counter() + 0.2
                step()
            written += len(self._read(0.05))
        return written

    def press(self, keys):
        os.write(self._master, keys.encode())

    def answer(self, key, quiet=0.25):
        """Seconds to the first and to the last byte after a key, and how many there are."""
        started = time.perf_counter()
        os.write(self._master, key.encode())
        first = last = written = 0
        while time.perf_counter() < max(started + 2 * (not written), last + started + quiet):
            if read := POINTER.sub(b"", self._read(0.005)):  # the shape of the mouse's pointer is no answer
                last = time.perf_counter() - started
                first, written = first or last, written + len(read)
        return first, last, written

    def wait_for(self, text, step=lambda: None, seconds=60):
        """Seconds until the app has written the text."""
        seen, started = b"", time.perf_counter()
        while text.encode() not in seen:
            step()
            seen += self._read(0.01)
            if time.perf_counter() > started + seconds:
                raise TimeoutError(f"{text!r} was not shown within {seconds} s")
        return time.perf_counter() - started

    def _read(self, seconds):
        ready = select.select([self._master], [], [], seconds)[0]
        return os.read(self._master, 1 << 16) if ready else b""
