"""How fast the track best is on this machine, and that measuring costs nothing: every ratio with its interval.

    python -m tests.bench.goals --data DIR --home DIR [--only NAME ...]

DIR is a prepared dataset, the home is for recordings. Each ratio is a line of goals.csv, with date and machine; at
last the newest of each on this machine is printed as a table, which manual/fastest.md keeps. It says how many
times as fast the first is as the second. Below it stand the series of the harness and of advise so far.

- best: beside ``default`` in one duel of three restarts; beside ``published``, which takes no turns, by runs.
- roofline: the arithmetic of its steps, beside that of the network's convolutions alone, of three profiled runs.
- worker: beside the plain script that ``tfpt-tui advise --script`` gives away (``parity --neutrality``).
- harness: one more start of each framework (:mod:`tests.bench.harness`).
- prepare: all pictures, beside creating as many files of the same size.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.bench import advice, harness, prepare
from tests.bench.kept import append, machine
from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.paths import find_paths
from tfpt_tui.results.comparison.groups import group
from tfpt_tui.results.comparison.verdicts import compare_evidence, evidence_of
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.sweep import latest_sweep

FILE = Path(__file__).with_name("goals.csv")
COLUMNS = ("time", "machine", "what", "against", "ratio", "low", "high", "n")
BEST, CACHED, PLAIN, PUBLISHED = "best", "default, cache=true", "default", "published"
ROWS = {
    BEST: 'track = "best"',
    CACHED: 'track = "default"\ncache = true',
    PLAIN: 'track = "default"',
    PUBLISHED: 'track = "published"',
}
PAIRS = 5
PROFILED = 3


@dataclass(frozen=True)
class Ratio:
    """``n`` are restarts of a duel, runs, or starts of a pair of processes."""

    what: str
    against: str
    ratio: float
    low: float | None
    high: float | None
    n: int


def best(home: Path, data: Path) -> Iterator[Ratio]:
    """Each framework beside its own default with and without a cache, then beside published."""
    for framework in FRAMEWORKS:
        yield from compared(framework, (BEST, CACHED, PLAIN), home, data, "--duel", "--repeats", "3")
        yield from compared(framework, (BEST, PUBLISHED), home, data, "--repeats", str(PAIRS), "--cooldown", "0")


def compared(framework: str, rows: tuple[str, ...], home: Path, data: Path, *options: str) -> Iterator[Ratio]:
    """Run the rows, and how many times as fast the first is as each other."""
    preset = home / "goal.toml"
    tables = "\n".join(f"[[rows]]\n{ROWS[row]}" for row in rows)
    preset.write_text(f'[defaults]\nframework = "{framework}"\nepochs = 8\n{tables}\n')
    tfpt("run", preset, "--data", data, "--headless", *options)
    groups = group([read_result(run) for run in newest_runs()])
    first, *others = groups
    for entry, against in zip(others, rows[1:], strict=True):
        time = compare_evidence(evidence_of(first, entry), 1)
        assert time
        yield Ratio(
            f"{title_of(framework)} best",
            against,
            1 / time.ratio,
            1 / time.high if time.high else None,
            1 / time.low if time.low else None,
            time.n,
        )


def roofline(home: Path, data: Path) -> Iterator[Ratio]:
    """What the track best reaches of its own convolutions, the lowest and the highest of some runs."""
    for framework in FRAMEWORKS:
        row = ("--data", data, "--set", f"framework={framework}", "--set", "measure=profile")
        tfpt("run", BEST, *row, "--repeats", PROFILED, "--cooldown", 0, "--headless")
        shares = [share_of_convolutions(read_result(run)) for run in newest_runs()]
        what = f"{title_of(framework)} best, operations a second"
        yield Ratio(
            what, "its convolutions alone", statistics.median(shares), min(shares), max(shares), len(shares)
        )


def share_of_convolutions(result: RunResult) -> float:
    assert result.model
    assert result.model.flops_per_image
    operations = result.model.flops_per_image * result.config.batch_size
    return 1e-9 * operations / result.profile.step_s / result.profile.convolution_gflops


def worker(home: Path, data: Path) -> Iterator[Ratio]:
    """The script's time over the worker's: below 1 the worker costs something."""
    found = json.loads(tfpt("parity", "--neutrality", "--track", "best", "--json"))
    for one in found["neutrality"]:
        (time,) = [check for check in one["checks"] if check["name"] == "time"]
        name = f"{title_of(one['framework'])} worker"
        yield Ratio(name, "plain script", 1 / time["ratio"], 1 / time["high"], 1 / time["low"], one["restarts"])


def another_start(home: Path, data: Path) -> Iterator[Ratio]:
    """A start more of each framework for the series of the harness, which keeps its own lines."""
    for framework in FRAMEWORKS:
        harness.continue_series(framework, starts=1, plant=False)
    return iter(())


def preparation(home: Path, data: Path) -> Iterator[Ratio]:
    """All pictures in as many processes as there are cores, and the files alone in one."""
    ratios = prepare.speeds()
    yield Ratio("prepare", "files alone", statistics.median(ratios), min(ratios), max(ratios), len(ratios))


GOALS = {
    "best": best,
    "roofline": roofline,
    "worker": worker,
    "harness": another_start,
    "prepare": preparation,
}


def newest_runs() -> Sequence[RunDirectory]:
    sweep = latest_sweep(find_paths())
    assert sweep
    return sweep.runs


def tfpt(*arguments: object) -> str:
    command = [sys.executable, "-m", "tfpt_tui", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def keep(ratio: Ratio) -> None:
    ends = (f"{ratio.ratio:.4f}", *(f"{end:.4f}" if end else "" for end in (ratio.low, ratio.high)))
    now = datetime.now().isoformat(timespec="seconds")
    line = (now, machine(), ratio.what, ratio.against, *ends, ratio.n)
    append(FILE, COLUMNS, dict(zip(COLUMNS, line, strict=True)))


def show_newest() -> None:
    """The newest line of each ratio on this machine, as Markdown."""
    lines = [line for line in csv.DictReader(FILE.open()) if line["machine"] == machine()]
    newest = {(line["what"], line["against"]): line for line in lines}
    print("| | against | times as fast | n |\n|---|---|---|---|")
    for (what, against), line in newest.items():
        interval = f" [{float(line['low']):.2f}, {float(line['high']):.2f}]" if line["low"] else ""
        print(f"| {what} | {against} | {float(line['ratio']):.2f}{interval} | {line['n']} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=GOALS, default=list(GOALS))
    options = parser.parse_args()
    home = options.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(XDG_DATA_HOME=str(home / "data"), XDG_CONFIG_HOME=str(home / "config"))
    for name in options.only:
        for ratio in GOALS[name](home, options.data.absolute()):
            keep(ratio)
            print(f"{ratio.what} / {ratio.against}: {ratio.ratio:.2f}", flush=True)
    show_newest()
    harness.show_series()
    for framework in FRAMEWORKS:
        advice.show_trials(framework)


if __name__ == "__main__":
    main()
