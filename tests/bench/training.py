"""An epoch of a track against a plain script of each framework with the same network.

On the track published the script does the same work, and ours must not be slower; on the track default it is what
a newcomer writes.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.pictures import picture_folder
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.environments.interpreters import LAUNCH

EPOCHS = 4
LIMIT = 300  # training images a class
SCRIPTS = {name: Path(__file__).with_name(f"plain_{name}.py") for name in ("pytorch", "tensorflow")}


def plain(framework, data, track):
    command = [sys.executable, str(SCRIPTS[framework]), str(data), str(EPOCHS), track]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def ours(framework, data, track):
    run = Path(tempfile.mkdtemp())
    row = {"framework": framework, "data": str(data), "epochs": EPOCHS, "track": track}
    write_toml(run / "config.toml", {"rows": [row]})
    command = [sys.executable, "-P", str(LAUNCH), str(run), str(os.getpid())]
    subprocess.run(command, capture_output=True, check=True)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [event["seconds"] for event in events if event["kind"] == "epoch_end"]


def main():
    data = Path(tempfile.mkdtemp()) / "data"
    prepare(read_folder(picture_folder(), limit=LIMIT), Target(data), jobs=2)
    for track, framework in itertools.product(("published", "default"), SCRIPTS):
        times = {plain: [], ours: []}
        # Interleaved, so that what else the machine does meets both alike; the first epoch is left out.
        for measure in (plain, ours, ours, plain, plain, ours):
            times[measure] += measure(framework, data, track)[1:]
        for name, of in (("median", statistics.median), ("fastest", min)):
            reference, own = of(times[plain]), of(times[ours])
            print(
                f"{track:<9} {framework:<10} {name:<7} epoch: plain script {reference:.2f} s, ours {own:.2f} s:"
                f" {own / reference:.3f} (below 1 is faster)",
                flush=True,
            )
