"""The help against the start of an empty Python process."""

import os
import pty
import statistics
import subprocess
import sys
import time

REPEATS = 7


def first_paint():
    """Seconds from the start of the app in a pseudo-terminal until the Monitor's name is on it."""
    master, slave = pty.openpty()
    started = time.perf_counter()
    app = subprocess.Popen(
        [sys.executable, "-m", "tfpt_tui", "--runs", "/nonexistent/runs"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    seen = b""
    while b"Monitor" not in seen:
        seen += os.read(master, 1 << 16)
    seconds = time.perf_counter() - started
    app.kill()
    app.wait()
    os.close(master)
    os.close(slave)
    return seconds


def seconds(command):
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main():
    empty = seconds([sys.executable, "-c", "pass"])
    paint = statistics.median(first_paint() for _ in range(REPEATS))
    print(f"first paint         {paint:.3f} s = {paint / empty:.1f} x an empty Python ({empty:.3f} s)")
    for arguments in (["--help"], ["presets"], ["runs"], ["compare"]):
        ours = seconds([sys.executable, "-m", "tfpt_tui", "--runs", "/nonexistent/runs", *arguments])
        print(f"tfpt-tui {arguments[0]:<10} {ours:.3f} s = {ours / empty:.1f} x an empty Python ({empty:.3f} s)")
