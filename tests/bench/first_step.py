"""How long a worker takes from its start to its first step, beside the plain script of the same work.

Both by turns, each alone. What both do in their first epoch or before it (tracing, compiling) counts in both: it
is the time until the first epoch is over, less that of a later one. The imports are the worker's own phase of that
name.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import write_toml
from tfpt_tui.environments.interpreters import PACKAGE, worker_command, worker_variables
from tfpt_tui.runs.tasks.neutrality_evidence import EpochLog, available_cores, make_images

TURNS, EPOCHS = 5, 6


def until_first_step(command, log, place):
    """Seconds from the start of the process."""
    with (place / "output").open("wb") as output, (place / "errors").open("wb") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=place, env=worker_variables())
    epochs = EpochLog(log)
    while not epochs.seconds and process.poll() is None:
        time.sleep(0.002)
        epochs.read()
    first_epoch_over = time.perf_counter() - started
    assert process.wait() == 0, (place / "errors").read_text()[-500:]
    epochs.read()
    return first_epoch_over - statistics.median(epochs.seconds[1:])


def import_s(events):
    """Seconds that the imports took of a worker."""
    told = [json.loads(line) for line in events.read_text().splitlines()]
    return next(one["seconds"] for one in told if one["kind"] == "phase_end" and one["phase"] == "import")


def main():
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        data = make_images(place / "images", "end_to_end")
        for framework in FRAMEWORKS:
            settings = {"framework": framework, "track": "default", "device": "cpu", "data": str(data)}
            settings |= {"epochs": EPOCHS, "threads": available_cores(), "num_workers": 0}
            config = RunConfig.from_mapping(settings, "first_step")
            (place / "settings.json").write_text(json.dumps(config.to_mapping()))
            script = PACKAGE / "backends" / framework / "plain.py"
            plain, worker, imports = [], [], []
            for turn in range(TURNS):
                own = place / f"{framework}-{turn}"
                own.mkdir()
                write_toml(own / "config.toml", {"rows": [config.to_mapping()]})
                command = [sys.executable, "-P", str(script), str(place / "settings.json")]
                plain.append(until_first_step(command, place / "output", place))
                worker.append(until_first_step(worker_command(sys.executable, own), own / "events.jsonl", own))
                imports.append(import_s(own / "events.jsonl"))
            ratios = [one / other for one, other in zip(worker, plain, strict=True)]
            share = statistics.median(one / other for one, other in zip(worker, imports, strict=True))
            print(
                f"{framework}: {statistics.median(worker):.2f} s to the first step,"
                f" {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}] times the plain script's"
                f" ({statistics.median(plain):.2f} s), {share:.2f} times its imports",
                flush=True,
            )


if __name__ == "__main__":
    main()
