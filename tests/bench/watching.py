"""What watching costs: a run trains while its supervisor or the open Monitor is stopped every other turn."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.terminal import Terminal
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.toml import read_toml
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.results.comparison.statistics import compare_times
from tfpt_tui.runs.record.directory import find_run
from tfpt_tui.runs.record.state import read_state, request_stop

TURN_S, PAIRS = 4.0, 8
SIZE = (120, 36)
PER_CLASS = 200  # epochs of some seconds, as real ones have at least
CATCH_UP_S = 1.0  # who was stopped has some events to read: that is no part of the turn
PRESET = """
[preset]
name = "watching"
title = "watching"
[[rows]]
framework = "{framework}"
data = "{data}"
epochs = 10000
batch_size = 32
"""


class Progress:
    """How long an image takes, by what the worker tells five times a second."""

    def __init__(self, path):
        self._file = path.open()

    def seconds_an_image(self):
        """Since the last call."""
        lines = [line for line in self._file.read().splitlines(keepends=True) if line.endswith("\n")]
        told = [event for event in map(json.loads, lines) if event["kind"] == "progress"]
        first, last = ((one["elapsed"], one["epoch"] * one["total"] + one["done"]) for one in (told[0], told[-1]))
        return (last[0] - first[0]) / (last[1] - first[1])


def turns(pid, progress, wait):
    """With the process running and with it stopped, by pairs of turns that stand next to each other."""
    running, stopped = {}, {}
    for pair in range(PAIRS):
        for goes_on in (True, False) if pair % 2 == 0 else (False, True):
            os.kill(pid, signal.SIGCONT if goes_on else signal.SIGSTOP)
            wait(CATCH_UP_S)
            progress.seconds_an_image()
            wait(TURN_S)
            (running if goes_on else stopped)[pair] = progress.seconds_an_image()
    os.kill(pid, signal.SIGCONT)
    return compare_times(running, stopped)


def tell(framework, what, found):
    print(f"{framework}: {what}: {found.ratio:.3f} times as long [{found.low:.3f}, {found.high:.3f}]", flush=True)


def measure(framework, place, data):
    preset = place / f"{framework}.toml"
    preset.write_text(PRESET.format(framework=framework, data=data))
    paths = find_paths(place / "runs")
    command = [sys.executable, "-m", "tfpt_tui", "--runs", str(paths.runs), "run", str(preset), "--detach"]
    run = find_run(paths, subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    while not run.epochs.exists():
        time.sleep(0.2)
    progress = Progress(run.events)
    try:
        supervisor = read_state(run.state).supervisor.pid
        tell(framework, "with its supervisor", turns(supervisor, progress, time.sleep))
        with Terminal(paths.runs, SIZE) as terminal:
            terminal.wait_for("Monitor")
            terminal.drain(5)
            tell(framework, "with the Monitor open", turns(terminal.pid, progress, terminal.drain))
    finally:
        request_stop(run)
    while not run.result.exists():
        time.sleep(0.2)
    assert read_toml(run.result)["status"] == "stopped"


def main():
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        data = place / "data"
        prepare(make_synthetic(limit=PER_CLASS, classes=10), Target(data), jobs=2)
        for framework in FRAMEWORKS:
            measure(framework, place, data)
