"""The help against the start of an empty Python process, the first paint against that of an empty Textual app."""

import statistics
import subprocess
import sys
import time

from tests.bench.terminal import Terminal

REPEATS = 7
NOWHERE = "/nonexistent/runs"
EMPTY_APP = """
from textual.app import App
from textual.widgets import Label

class Empty(App):
    def compose(self):
        yield Label("Monitor")

Empty().run()
"""


def first_paint(command=None):
    """The median of the seconds from the start in a pseudo-terminal until the Monitor's name is on it."""
    times = []
    for _ in range(REPEATS):
        with Terminal(NOWHERE, command=command) as terminal:
            terminal.wait_for("Monitor")
            times.append(time.perf_counter() - terminal.started)
    return statistics.median(times)


def seconds(command):
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main():
    empty = seconds([sys.executable, "-c", "pass"])
    empty_app, ours = first_paint([sys.executable, "-c", EMPTY_APP]), first_paint()
    print(f"first paint         {ours:.3f} s = {ours / empty_app:.2f} x an empty Textual app ({empty_app:.3f} s)")
    for arguments in (["--help"], ["presets"], ["runs"], ["compare"]):
        ours = seconds([sys.executable, "-m", "tfpt_tui", "--runs", NOWHERE, *arguments])
        print(f"tfpt-tui {arguments[0]:<10} {ours:.3f} s = {ours / empty:.1f} x an empty Python ({empty:.3f} s)")
