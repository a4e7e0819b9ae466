"""What watching costs: a run trains while its supervisor or the open Monitor is stopped every other turn."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.terminal import Terminal
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import FRAMEWORKS
from tfpt_tui.config.toml import read_toml
from tfpt_tui.results.statistics import compare_times
from tfpt_tui.runs.directory import find_run
from tfpt_tui.runs.neutrality import make_images
from tfpt_tui.runs.state import read_state, request_stop

TURN_S, PAIRS = 4.0, 10
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


class Epochs:
    """The seconds of the epochs that have ended."""

    def __init__(self, path):
        self._file = path.open()

    def read(self):
        told = [json.loads(line) for line in self._file.read().splitlines(keepends=True) if line.endswith("\n")]
        return [event["seconds"] for event in told if event["kind"] == "epoch_end"]


def turns(pid, epochs, wait):
    """Seconds of an epoch with the process running and with it stopped, by pairs that stand next to each other."""
    running, stopped = {}, {}
    for pair in range(PAIRS):
        for goes_on in (True, False) if pair % 2 == 0 else (False, True):
            os.kill(pid, signal.SIGCONT if goes_on else signal.SIGSTOP)
            wait(CATCH_UP_S)
            epochs.read()
            wait(TURN_S)
            _, *whole = epochs.read()  # the first had begun before
            (running if goes_on else stopped)[pair] = statistics.fmean(whole)
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
    while not (run.epochs.exists() and len(run.epochs.read_text().splitlines()) > 3):
        time.sleep(0.2)
    epochs = Epochs(run.events)
    try:
        tell(
            framework, "with its supervisor", turns(read_state(run.state)["supervisor"]["pid"], epochs, time.sleep)
        )
        for size in ((80, 24), (200, 60)):
            with Terminal(paths.runs, size) as terminal:
                terminal.wait_for("Monitor")
                terminal.drain(5)
                tell(
                    framework,
                    f"with the Monitor at {size[0]}x{size[1]}",
                    turns(terminal.pid, epochs, terminal.drain),
                )
    finally:
        request_stop(run)
    while not run.result.exists():
        time.sleep(0.2)
    assert read_toml(run.result)["status"] == "stopped"


def main():
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        data = make_images(place / "data")
        for framework in FRAMEWORKS:
            measure(framework, place, data)
