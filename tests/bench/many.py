"""How listing and comparing grow with the number of recorded runs: seconds, each by those of a tenth of them."""

import os
import subprocess
import sys
import tempfile
import time

from tests.recordings import record_run, record_sweep
from tfpt_tui.config.paths import find_paths

COUNTS = (100, 1_000, 10_000, 100_000)
REPEATS = 3  # of the sweep that is compared
SWEEP = "20270101-000000-quick-0000"
COMMANDS = {
    "runs list": ("runs", "list"),
    "compare, the first time": ("compare",),
    "compare": ("compare",),
    "compare batch_size=64": ("compare", "batch_size=64", "--across"),
}
FILES = ("config.toml", "result.toml", "environment.toml")


def write_runs(paths, count):
    """So many recorded runs, one in fifty with another batch size, the last of which are a sweep."""
    models = [record_run(paths, f"20260101-000000-{n:04x}", "pytorch", batch_size=32 + 32 * n) for n in range(2)]
    texts = [{name: (model.path / name).read_text() for name in FILES} for model in models]
    for number in range(count - len(models) - 2 * REPEATS):
        model = number % 50 == 0
        day, second = divmod(number, 80_000)
        run = f"202602{day + 1:02}-{second // 3600:02}{second % 3600 // 60:02}{second % 60:02}-pytorch-0000"
        (paths.runs / run).mkdir()
        for name, text in texts[model].items():
            (paths.runs / run / name).write_text(text.replace(models[model].id, run))
    sweep = [
        record_run(
            paths,
            f"20270101-000000-{n:03x}{seed % 16:x}",
            framework,
            seed=seed,
            rate=100.0 + 7 * n + seed,
            sweep=SWEEP,
        )
        for seed in range(25, 25 + REPEATS)
        for n, framework in enumerate(("pytorch", "tensorflow"))
    ]
    record_sweep(paths, SWEEP, *sweep)


def measure(paths, *arguments):
    started = time.perf_counter()
    command = [sys.executable, "-m", "tfpt_tui", "--runs", str(paths.runs), *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=dict(os.environ))
    return time.perf_counter() - started


def main():
    before = {}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as directory:
            paths = find_paths(f"{directory}/runs")
            write_runs(paths, count)
            taken = {"making the index": measure(paths, "runs", "list")}
            taken |= {name: measure(paths, *arguments) for name, arguments in COMMANDS.items()}
        told = [
            f"{name} {seconds:.2f} s" + (f" ({seconds / before[name]:.1f} x)" if before else "")
            for name, seconds in taken.items()
        ]
        before = taken
        print(f"{count:>7,} runs: {', '.join(told)}", flush=True)
