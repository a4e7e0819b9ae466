"""What the whole of tfpt-tui costs: a run with its supervisor, sampler and an open Monitor beside a plain script.

    python -m tests.bench.harness FRAMEWORK [--starts N] [--planted]

The script imports nothing of tfpt_tui. Both are alive at once and take turns: while one trains, every process of
the other is stopped. Memory is kept in both (how malloc gives it back is luck of a start). A start counts with the
median of its pairs of turns. With ``--planted`` the sampler of a copy of the package takes 3 % of a core more,
which must be found. Each start is a line of harness.csv; at last it says what all lines of a kind show together.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from tests.bench.kept import append, machine
from tests.bench.terminal import Terminal
from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import dump_toml
from tfpt_tui.counters import descendants
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.environments.interpreters import PACKAGE
from tfpt_tui.results.comparison.statistics import compare_times
from tfpt_tui.runs.record.directory import find_run
from tfpt_tui.runs.record.state import read_state, request_stop
from tfpt_tui.runs.tasks.neutrality_evidence import STEADY_MALLOC, EpochLog, available_cores

FILE = Path(__file__).with_name("harness.csv")
COLUMNS = ("time", "machine", "framework", "sampler", "ratio", "supervisor", "monitor")
PER_CLASS, CLASSES = 256, 10  # epochs of some seconds, as real ones have at least
TURN_S, PAIRS, STARTS = 5.0, 10, 5
SIZE = (120, 36)
PLANTED_S = 0.03  # of every second
DUE = "        fields = self._cpu.read()\n        sample"
BURN = (
    "        busy = time.thread_time() + {seconds}\n        while time.thread_time() < busy:\n            pass\n"
)
START_TIMEOUT_S = 180


@dataclass(frozen=True)
class Side:
    """One of the two: what it tells, its processes now, and what has to be done while they run."""

    log: EpochLog
    processes: Callable[[], list[int]]
    look_after: Callable[[], object]

    def halt(self) -> None:
        while any(map(stop, self.processes())):
            time.sleep(0.001)

    def wait_for(self, epochs: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while len(self.log.seconds) < epochs:
            assert time.monotonic() < deadline, f"no epoch within {START_TIMEOUT_S} s: {self.log.path}"
            self.look_after()
            self.log.read()

    def turn(self) -> float:
        """Seconds of an epoch on average, without the one that the last turn interrupted."""
        resume(self.processes())
        self.log.read()
        known = len(self.log.seconds)
        self.wait_for(known + 1)
        ends = time.monotonic() + TURN_S
        while time.monotonic() < ends:
            self.wait_for(len(self.log.seconds) + 1)
        self.halt()
        self.log.read()
        return statistics.fmean(self.log.seconds[known + 1 :])


def resume(processes: Iterable[int]) -> None:
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def stop(pid: int) -> bool:
    """Ask a process to stop; whether it has not yet."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            return False
        process.suspend()
        return True
    return False


@contextmanager
def script(settings: dict[str, object], place: Path) -> Iterator[Side]:
    """The plain script of the framework, by itself."""
    (place / "settings.json").write_text(json.dumps(settings))
    plain = PACKAGE / "backends" / str(settings["framework"]) / "plain.py"
    with (place / "output").open("wb") as output, (place / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", str(plain), str(place / "settings.json")],
            stdout=output,
            stderr=errors,
            cwd=place,
        )
    try:
        yield Side(
            EpochLog(place / "output"), lambda: [process.pid, *descendants(process.pid)], lambda: time.sleep(0.01)
        )
    finally:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Ours:
    side: Side
    supervisor: psutil.Process
    monitor: psutil.Process


@contextmanager
def whole(settings: dict[str, object], place: Path, package: Path) -> Iterator[Ours]:
    """A run as users start it, from a package, with the Monitor open on it."""
    (place / "run.toml").write_text(dump_toml({"rows": [settings]}))
    paths = find_paths(place / "runs")
    command = [sys.executable, "-m", "tfpt_tui", "--runs", str(paths.runs), "run", "run.toml", "--detach"]
    own = {**os.environ, "PYTHONPATH": str(package.parent)}
    started = subprocess.run(command, cwd=place, env=own, check=True, capture_output=True, text=True)
    run = find_run(paths, started.stdout.strip())
    while not (supervisor := read_state(run.state).supervisor) or not run.events.exists():
        time.sleep(0.1)
    try:
        with Terminal(paths.runs, SIZE) as terminal:
            terminal.wait_for("Monitor")
            both = (supervisor.pid, terminal.pid)
            side = Side(
                EpochLog(run.events),
                lambda: [one for pid in both for one in (pid, *descendants(pid))],
                lambda: terminal.drain(0.01),
            )
            yield Ours(side, *map(psutil.Process, both))
    finally:
        resume([supervisor.pid, *descendants(supervisor.pid)])
        request_stop(run)
        while not run.result.exists():
            time.sleep(0.2)


def planted(place: Path) -> Path:
    """A copy of the package whose sampler is busy for 30 ms each time."""
    copy = place / "copy" / "tfpt_tui"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    recorder = copy / "hardware/recorder.py"
    text = recorder.read_text()
    assert text.count(DUE) == 1
    recorder.write_text(text.replace(DUE, BURN.format(seconds=PLANTED_S) + DUE))
    return copy


def one_start(framework: str, *, plant: bool) -> dict[str, str]:
    """How many times as long an epoch takes with all of ours, and what our processes take of a core."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        prepare(make_synthetic(limit=PER_CLASS, classes=CLASSES), Target(place / "data"), jobs=2)
        settings: dict[str, object] = {"framework": framework, "track": "default", "device": "cpu"}
        settings |= {"data": str(place / "data"), "epochs": 10_000, "threads": available_cores(), "num_workers": 0}
        package = planted(place) if plant else PACKAGE
        with whole(settings, place, package) as ours, script(script_settings(settings), place) as plain:
            sides = (plain, ours.side)
            for side in sides:
                side.wait_for(2)
                side.halt()
            watched = (ours.supervisor, ours.monitor)
            before, took_s, pairs = list(map(cpu_s, watched)), 0.0, []
            for number in range(PAIRS):
                seconds = [0.0, 0.0]
                for which in (0, 1) if number % 2 == 0 else (1, 0):
                    began = time.monotonic()
                    seconds[which] = sides[which].turn()
                    took_s += (time.monotonic() - began) * which  # the turns of ours
                pairs.append(seconds[1] / seconds[0])
            shares = [(cpu_s(one) - first) / took_s for one, first in zip(watched, before, strict=True)]
    return {
        "time": datetime.now().isoformat(timespec="seconds"),
        "machine": machine(),
        "framework": framework,
        "sampler": "planted" if plant else "as it is",
        "ratio": f"{statistics.median(pairs):.4f}",
        "supervisor": f"{shares[0]:.4f}",
        "monitor": f"{shares[1]:.4f}",
    }


def script_settings(settings: dict[str, object]) -> dict[str, object]:
    """All settings by name, as the plain script expects them."""
    return RunConfig.from_mapping(settings, "harness").to_mapping()


def cpu_s(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def continue_series(framework: str, *, starts: int, plant: bool) -> None:
    os.environ.update(STEADY_MALLOC)
    for _ in range(starts):
        line = one_start(framework, plant=plant)
        append(FILE, COLUMNS, line)
        print(*line.values(), flush=True)


def show_series() -> None:
    """All starts of a kind on this machine together, a line a kind."""
    lines = [line for line in csv.DictReader(FILE.open()) if line["machine"] == machine()]
    for kind in dict.fromkeys((line["framework"], line["sampler"]) for line in lines):
        show_kind([line for line in lines if (line["framework"], line["sampler"]) == kind])


def show_kind(lines: Sequence[dict[str, str]]) -> None:
    ratios = dict(enumerate(float(line["ratio"]) for line in lines))
    found = compare_times(ratios, dict.fromkeys(ratios, 1.0))
    assert found
    supervisor, monitor = (statistics.median(float(line[name]) for line in lines) for name in COLUMNS[-2:])
    ends = f" [{found.low:.3f}, {found.high:.3f}]" if found.low and found.high else ""
    print(
        f"{lines[0]['framework']}, sampler {lines[0]['sampler']}: an epoch takes {found.ratio:.3f} times as long"
        f"{ends}, {len(lines)} starts; of a core the supervisor takes {supervisor:.1%}, the Monitor {monitor:.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framework", choices=list(FRAMEWORKS))
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    continue_series(options.framework, starts=options.starts, plant=options.planted)
    show_series()


if __name__ == "__main__":
    main()
