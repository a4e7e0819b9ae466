"""Whether ``advise`` finds what is fastest: all combinations of switches are measured once, then it is tried.

    python -m tests.bench.advice KIND FRAMEWORK --data DIR --home DIR

KIND is ``race`` (the next eight of all combinations take turns with the usual one), ``final`` (the fastest four of
the races, in a duel of three restarts), ``trial`` (a search by ``advise`` in a fifth of the time that the races
took) or ``judge`` (a duel of three restarts between the winner of the final and all that trials advised since the
last judgement, each once). Each appends its lines to advice.csv; on another machine it begins anew.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import time
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from tests.bench.duel_series import tfpt
from tests.bench.kept import append, machine
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.config.toml import dump_toml

FILE = Path(__file__).with_name("advice.csv")
COLUMNS = ("time", "machine", "framework", "kind", "number", "settings", "seconds", "ratio", "low", "high")
ARMS, FINALISTS = 8, 4
FIGURES = {"ratio": "ratio", "low": "ratio_low", "high": "ratio_high"}
EPOCHS = 20
NEAR = 1.03  # times as long as the fastest of all
Candidate = Mapping[str, str]


def combinations(framework: str) -> list[dict[str, str]]:
    """Every combination of the switches that are on or off: 64. All others are as they usually are."""
    keys = [key for key in (*FRAMEWORKS[framework].switches, "compile") if len(SETTINGS[key].tried) == 2]
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(("off", "on"), repeat=len(keys))]


def duel(
    home: Path, data: Path, framework: str, arms: Sequence[Candidate], repeats: int
) -> list[dict[str, object]]:
    """The rows of a comparison of these arms, the first of which is what the others are measured against."""
    preset = home / "arms.toml"
    defaults = {"framework": framework, "track": "best", "epochs": EPOCHS}
    rows = [{key: int(value) if value.isdecimal() else value for key, value in arm.items()} for arm in arms]
    preset.write_text(dump_toml({"defaults": defaults, "rows": rows}))
    tfpt(home, "run", preset, "--data", data, "--duel", "--repeats", repeats, "--headless").check_returncode()
    done = tfpt(home, "compare", "--format", "json", "--all-columns")
    return list(json.loads(done.stdout)["rows"])


def find(rows: Sequence[Mapping[str, object]], arm: Candidate) -> Mapping[str, object]:
    """The row of an arm; of settings that make no difference to it the table may say nothing."""
    return next(row for row in rows if all(str(row.get(key) or value) == value for key, value in arm.items()))


def known(framework: str, kind: str) -> list[dict[str, str]]:
    lines = csv.DictReader(FILE.open()) if FILE.exists() else []
    wanted = (machine(), framework, kind)
    return [line for line in lines if (line["machine"], line["framework"], line["kind"]) == wanted]


def keep(
    framework: str, kind: str, number: int, seconds: float, found: Sequence[tuple[Candidate, Mapping]]
) -> None:
    for arm, row in found:
        figures = {name: row.get(column) for name, column in FIGURES.items()}
        shown = {name: f"{value:.4f}" if isinstance(value, float) else "" for name, value in figures.items()}
        line = {
            "time": datetime.now().isoformat(timespec="seconds"),
            "machine": machine(),
            "framework": framework,
            "kind": kind,
            "number": number,
            "settings": " ".join(f"{key}={value}" for key, value in arm.items()),
            "seconds": f"{seconds:.0f}",
            **shown,
        }
        append(FILE, COLUMNS, line)
        print(*line.values(), flush=True)


def settings_of(named: str) -> dict[str, str]:
    return dict(part.split("=") for part in named.split())


def race(framework: str, home: Path, data: Path) -> None:
    before = known(framework, "race")
    every = combinations(framework)
    usual = {**every[-1], "compile": "off"}
    measured = [settings_of(line["settings"]) for line in before]
    left = [one for one in every if one not in measured and one != usual][:ARMS]
    began = time.monotonic()
    rows = duel(home, data, framework, [usual, *left], repeats=1)
    number = 1 + max((int(line["number"]) for line in before), default=0)
    keep(framework, "race", number, time.monotonic() - began, [(arm, find(rows, arm)) for arm in (usual, *left)])


def final(framework: str, home: Path, data: Path) -> None:
    # The usual one has a line in every race.
    ratios = {line["settings"]: float(line["ratio"]) for line in known(framework, "race")}
    fastest = sorted(ratios, key=lambda settings: ratios[settings])[:FINALISTS]
    arms = [settings_of(settings) for settings in fastest]
    began = time.monotonic()
    rows = duel(home, data, framework, arms, repeats=3)
    keep(framework, "final", 1, time.monotonic() - began, [(arm, find(rows, arm)) for arm in arms])


def trial(framework: str, home: Path, data: Path) -> None:
    races = {line["number"]: float(line["seconds"]) for line in known(framework, "race")}
    began = time.monotonic()
    budget = f"{sum(races.values()) / 5:.0f}s"
    tfpt(home, "advise", framework, "--data", data, "--budget", budget).check_returncode()
    seconds = time.monotonic() - began
    preset = max((home / "config/tfpt-tui/presets").glob("best-*.toml"), key=lambda path: path.stat().st_mtime)
    (row,) = tomllib.loads(preset.read_text())["rows"]
    measured = combinations(framework)[0]
    advised = {key: str(row.get(key, SETTINGS[key].default)) for key in measured}
    rest = {key: str(value) for key, value in row.items() if SETTINGS[key].speed and key not in measured}
    keep(framework, "trial", 1 + len(known(framework, "trial")), seconds, [(advised | rest, {})])


def judge(framework: str, home: Path, data: Path) -> None:
    best = min(known(framework, "final"), key=lambda line: float(line["ratio"]))["settings"]
    judged = {line["settings"] for line in known(framework, "judge")}
    advised = {line["settings"] for line in known(framework, "trial")} - judged - {best}
    arms = [settings_of(settings) for settings in (best, *sorted(advised)[: ARMS - 1])]
    began = time.monotonic()
    rows = duel(home, data, framework, arms, repeats=3)
    number = 1 + max((int(line["number"]) for line in known(framework, "judge")), default=0)
    keep(framework, "judge", number, time.monotonic() - began, [(arm, find(rows, arm)) for arm in arms])


def show_trials(framework: str) -> None:
    """How near each search came to the fastest of all combinations, as far as that has been judged."""
    ratios = {line["settings"]: float(line["ratio"]) for line in known(framework, "judge")}
    trials = [line["settings"] for line in known(framework, "trial")]
    judged = sorted(ratios[settings] for settings in trials if settings in ratios)
    if judged:
        near = sum(ratio <= NEAR for ratio in judged)
        print(
            f"advise {framework}: of {len(judged)} searches {near} within {NEAR - 1:.0%} of the fastest of"
            f" {len(combinations(framework))}, the last {judged[-1]:.3f} times as long"
        )


def main() -> None:
    kinds = {"race": race, "final": final, "trial": trial, "judge": judge}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("framework", choices=list(FRAMEWORKS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    options = parser.parse_args()
    options.home.mkdir(parents=True, exist_ok=True)
    kinds[options.kind](options.framework, options.home.absolute(), options.data.absolute())


if __name__ == "__main__":
    main()
