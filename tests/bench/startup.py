"""The help against the start of an empty Python process."""

import statistics
import subprocess
import sys
import time

REPEATS = 7


def seconds(command):
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main():
    empty = seconds([sys.executable, "-c", "pass"])
    for arguments in (["--help"], ["presets"], ["runs"], ["compare"]):
        ours = seconds([sys.executable, "-m", "tfpt_tui", "--runs", "/nonexistent/runs", *arguments])
        print(f"tfpt-tui {arguments[0]:<10} {ours:.3f} s = {ours / empty:.1f} x an empty Python ({empty:.3f} s)")
