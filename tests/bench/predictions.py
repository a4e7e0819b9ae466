"""Whether a duel takes as long as it was said to take: plans that differ, a line each in predictions.csv.

    python -m tests.bench.predictions --data DIR --home DIR [--count N]

The next of ``PLANS`` that are not in the file yet run, each once. What a plan is said to take comes from the
recordings in the home: before the first plan, one short run of each framework is made there.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.bench.duel_series import tfpt, timed
from tests.bench.kept import append

FILE = Path(__file__).with_name("predictions.csv")
COLUMNS = ("time", "plan", "predicted_s", "seconds", "off")
EPOCHS = "epochs = 8\n"  # so many hold all turns of a duel
CACHED = EPOCHS + "cache = true\n"
BEST = EPOCHS + 'track = "best"\n'


@dataclass(frozen=True)
class Plan:
    """A preset by name, or what differs between the arms (``grid``) and what does not (``defaults``)."""

    name: str
    grid: str = ""
    defaults: str = CACHED
    restarts: int = 1
    preset: str = ""


BOTH = 'framework = ["pytorch", "tensorflow"]\n'
PYTORCH, TENSORFLOW = (f'framework = "{name}"\n' for name in ("pytorch", "tensorflow"))
PLANS = (
    Plan("both frameworks", BOTH),
    Plan("both on parity", BOTH, CACHED + 'track = "parity"\n'),
    Plan("both on best", BOTH, BEST),
    Plan("quick", preset="quick"),
    Plan("demo", preset="demo"),
    Plan("PyTorch, batch 16 and 64", "batch_size = [16, 64]\n", CACHED + PYTORCH),
    Plan("TensorFlow, batch 16 and 64", "batch_size = [16, 64]\n", CACHED + TENSORFLOW),
    Plan("PyTorch, 0 and 2 workers", "num_workers = [0, 2]\n", CACHED + PYTORCH),
    Plan("PyTorch, cached or not", "cache = [true, false]\n", EPOCHS + PYTORCH),
    Plan("TensorFlow, cached or not", "cache = [true, false]\n", EPOCHS + TENSORFLOW),
    Plan("PyTorch, channels_last", 'channels_last = ["off", "on"]\n', BEST + PYTORCH),
    Plan("TensorFlow, onednn", 'onednn = ["off", "on"]\n', BEST + TENSORFLOW),
    Plan("PyTorch, compiled or not", 'compile = ["off", "on"]\n', CACHED + PYTORCH),
    Plan("TensorFlow, flipped or not", "augment = [false, true]\n", CACHED + TENSORFLOW),
    Plan("PyTorch, three batch sizes", "batch_size = [16, 32, 128]\n", CACHED + PYTORCH),
    Plan("both, batch 128", BOTH, CACHED + "batch_size = 128\n"),
    Plan("both, 64 pixels", BOTH, CACHED + "image_size = 64\n"),
    Plan("PyTorch, default and best", 'track = ["default", "best"]\n', EPOCHS + PYTORCH),
    Plan("both, batch 32 and 64", BOTH + "batch_size = [32, 64]\n"),
    Plan("both, two restarts", BOTH, restarts=2),
)


def run(plan: Plan, home: Path, data: Path) -> dict[str, str]:
    """The seconds that a plan was said to take, those that it took, and by what share of those it was wrong."""
    source: str | Path = plan.preset
    if not plan.preset:
        source = home / "plan.toml"
        source.write_text(f"[grid]\n{plan.grid}[defaults]\n{plan.defaults}")
    length = timed(home, "run", source, "--data", data, "--duel", "--repeats", plan.restarts, "--headless")
    predicted, seconds = length["predicted_s"], float(length["seconds"])
    return {**length, "off": f"{abs(float(predicted) - seconds) / seconds:.2f}" if predicted else ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--count", type=int, default=len(PLANS))
    options = parser.parse_args()
    home, data = options.home.absolute(), options.data.absolute()
    if not home.exists():
        home.mkdir(parents=True)
        tfpt(home, "run", "quick", "--data", data, "--no-duel", "--headless").check_returncode()
    known = [line["plan"] for line in csv.DictReader(FILE.open())] if FILE.exists() else []
    for plan in [plan for plan in PLANS if plan.name not in known][: options.count]:
        line = {"time": datetime.now().isoformat(timespec="seconds"), "plan": plan.name, **run(plan, home, data)}
        append(FILE, COLUMNS, line)
        print(*line.values(), flush=True)


if __name__ == "__main__":
    main()
