"""Long series of real duels on this machine, a line each in duel_series.csv.

    python -m tests.bench.duel_series KIND --data DIR --home DIR [--count N]

KIND is ``aa`` (a gate of 3 % between two starts of the same), ``aa-given-back`` (that with malloc as it is),
``planted`` (the first with a sleep of 8 % of a step in one arm), ``planted-5`` (that with five restarts instead of
three), or ``parity`` and ``default`` (both frameworks, by a duel and by pairs of runs of about the same total
time). It can be stopped after any trial, and goes on where the file ends. Recordings stay in the home, so that
the length of a duel is predicted from earlier ones, and its interval covers the spread that they showed. In the
other gates memory is kept: how malloc gives it back differs from start to start, by 7 % of PyTorch's time.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from tests.bench.kept import append
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.environments.interpreters import PACKAGE
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.duel_ratio import NO_SPREAD, estimate, estimate_restart, fixed_interval, log_ratios
from tfpt_tui.runs.tasks.neutrality_evidence import STEADY_MALLOC

FILE = Path(__file__).with_name("duel_series.csv")
COLUMNS = (
    "time",
    "kind",
    "trial",
    "way",
    "predicted_s",
    "seconds",
    "ratio",
    "low",
    "high",
    "verdict",
    "exit_code",
    # The interval of the processes that took turns, whatever others would show; and the rounds that do not count.
    "these_low",
    "these_high",
    "left_out",
)
GIVEN_BACK = "aa-given-back"
RESTARTS = {"aa": 3, GIVEN_BACK: 3, "planted": 3, "planted-5": 5}
GATES = tuple(RESTARTS)
DUEL_EPOCHS = 8
PAIRS, START_S = 3, 9.0  # pairs of runs, and what starting and testing took of each run here
GATE = "other slower than 3%"
SLOWDOWN = 0.08
STEP = "            step.update()\n"
ARMS = """
[grid]
environment = ["default", "other"]
[defaults]
framework = "pytorch"
track = "default"
cache = true
"""
BOTH = """
[grid]
framework = ["pytorch", "tensorflow"]
[defaults]
track = "{track}"
cache = true
epochs = {epochs}
"""


def tfpt(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program with settings and recordings of its own; gates with memory that is kept."""
    own = {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
    kept = STEADY_MALLOC if home.name in GATES and home.name != GIVEN_BACK else {}
    command = [sys.executable, "-m", "tfpt_tui", *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **own, **kept}, capture_output=True, text=True, check=False)


def compared(home: Path, *options: str) -> tuple[dict[str, object], int]:
    """The row beside the baseline of the latest sweep, and the exit code."""
    done = tfpt(home, "compare", "--format", "json", *options)
    rows = json.loads(done.stdout)["rows"]
    return next(row for row in rows if row["verdict"] != "baseline"), done.returncode


def slowed_python(home: Path, step_s: float) -> Path:
    """An interpreter that runs a copy of the package whose training steps sleep."""
    copy = home / "copy" / "tfpt_tui"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    training = copy / "backends/pytorch/training.py"
    text = training.read_text()
    assert text.count(STEP) == 2  # in the warm-up, and in the training
    planted = text.replace(STEP, f"{STEP}            time.sleep({step_s})\n")
    training.write_text(planted.replace("import copy\n", "import copy\nimport time\n", 1))
    script = home / "python"
    ours, theirs, python = map(shlex.quote, (str(PACKAGE), str(copy), sys.executable))
    script.write_text(f'#!/bin/bash\nours={ours} theirs={theirs}\nexec {python} "${{@/#$ours/$theirs}}"\n')
    script.chmod(0o755)
    return script


def gate(kind: str, home: Path, data: Path) -> list[dict[str, object]]:
    """One duel of PyTorch against itself, or against a copy that sleeps."""
    python = Path(sys.executable)
    if kind.startswith("planted"):
        (home / "one.toml").write_text(BOTH.format(track="default", epochs=2))
        tfpt(home, "run", home / "one.toml", "--rows", "1", "--data", data, "--headless")
        row = json.loads(tfpt(home, "compare", "--format", "json", "--all-columns").stdout)["rows"][0]
        python = slowed_python(home, SLOWDOWN * 32 / row["images_per_s"])
    if "other" not in tfpt(home, "env", "list").stdout:
        tfpt(home, "env", "add", "other", python).check_returncode()
    (home / "arms.toml").write_text(ARMS)
    restarts = "--repeats", RESTARTS[kind]
    length = timed(home, "run", home / "arms.toml", "--data", data, "--duel", *restarts, "--headless")
    row, code = compared(home, "--fail-if", GATE)
    return [line_of(row, "duel", length, code) | of_these_processes(home)]


def both(track: str, home: Path, data: Path) -> list[dict[str, object]]:
    """Both frameworks by a duel, then by three pairs of runs with as many epochs as take about the same time."""
    preset = home / "both.toml"
    preset.write_text(BOTH.format(track=track, epochs=DUEL_EPOCHS))
    length = timed(home, "run", preset, "--data", data, "--duel", "--headless")
    lines = [line_of(compared(home)[0], "duel", length, 0) | of_these_processes(home)]
    rows = json.loads(tfpt(home, "compare", "--format", "json").stdout)["rows"]
    epoch_s = sum(read_manifest(data).total("train") / row["images_per_s"] for row in rows)
    epochs = max(1, round((float(length["seconds"]) / PAIRS - len(rows) * START_S) / epoch_s))
    preset.write_text(BOTH.format(track=track, epochs=epochs))
    length = timed(home, "run", preset, "--data", data, "--repeats", PAIRS, "--cooldown", "0", "--headless")
    return [*lines, line_of(compared(home)[0], "pairs", length, 0)]


def of_these_processes(home: Path) -> dict[str, object]:
    """What the latest sweep, a duel of two arms, showed of its own processes."""
    rows = json.loads(tfpt(home, "compare", "--format", "json").stdout)["rows"]
    runs = home / "data/tfpt-tui/runs"
    arms = [[read_result(RunDirectory(runs / run)).slices for run in row["runs"].split()] for row in rows]
    rounds = [log_ratios(own, other) for other, own in zip(*arms, strict=True)]
    left_out = sum(max(map(len, pair)) for pair in zip(*arms, strict=True)) - sum(map(len, rounds))
    restarts = [one for one in map(estimate_restart, rounds) if one]
    if not restarts:  # there was no quiet round
        return {"left_out": left_out}
    interval = fixed_interval(estimate(restarts, NO_SPREAD))
    ends = {"these_low": interval.low, "these_high": interval.high}
    return {name: f"{math.exp(end):.4f}" for name, end in ends.items()} | {"left_out": left_out}


def timed(home: Path, *arguments: object) -> dict[str, str]:
    """The seconds that a plan was said to take, "" where nothing was said, and those that it took."""
    started = time.monotonic()
    said = re.search(r", about (\d+) (s|min)$", tfpt(home, *arguments).stderr, re.MULTILINE)
    seconds = time.monotonic() - started
    predicted = int(said[1]) * (60 if said[2] == "min" else 1) if said else ""
    return {"predicted_s": str(predicted), "seconds": f"{seconds:.0f}"}


def line_of(row: dict[str, object], way: str, length: dict[str, str], code: int) -> dict[str, object]:
    figures = {
        name: row[column] for name, column in (("ratio", "ratio"), ("low", "ratio_low"), ("high", "ratio_high"))
    }
    shown = {name: f"{value:.4f}" if isinstance(value, float) else "" for name, value in figures.items()}
    return {"way": way, **length, **shown, "verdict": row["verdict"], "exit_code": code}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=[*GATES, "parity", "default"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()
    known = list(csv.DictReader(FILE.open())) if FILE.exists() else []
    first = 1 + max((int(line["trial"]) for line in known if line["kind"] == options.kind), default=0)
    for trial in range(first, first + options.count):
        home = options.home.absolute() / options.kind
        home.mkdir(parents=True, exist_ok=True)
        run = gate if options.kind in GATES else both
        lines = run(options.kind, home, options.data.absolute())
        for line in lines:
            now = datetime.now().isoformat(timespec="seconds")
            append(FILE, COLUMNS, {"time": now, "kind": options.kind, "trial": trial, **line})
            print(options.kind, trial, *line.values(), flush=True)


if __name__ == "__main__":
    main()
