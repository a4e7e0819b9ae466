"""The app in a pseudo-terminal, against its budgets: while a run is live, at rest, under a flood, with many runs.

A scripted writer stands in for the worker, five progress events a second: the reference is the same app on a run
that is over.
"""

import os
import statistics
import tempfile
import time
from datetime import datetime

from tests.bench.many import write_runs
from tests.bench.terminal import Terminal
from tfpt_tui import events
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import write_toml
from tfpt_tui.events import Stamped, encode
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.runs.record.directory import RunDirectory, make_directory
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import state_of, write_state

SETTLE_S, MEASURE_S = 4, 15
BUDGETS = {(80, 24): (5, 25), (200, 60): (10, 60)}
FLOOD_PER_S, PRESSES = 10_000, 20
MANY_RUNS = 10_000


class Writer:
    """Appends what a worker and its supervisor would, for a run that this process owns."""

    def __init__(self, runs):
        self.run = RunDirectory(make_directory(runs, "pytorch", datetime.now()))
        config = RunConfig.from_mapping({"framework": "pytorch", "data": "/d"}, "bench").to_mapping()
        write_toml(self.run.config, {"rows": [config]})
        me = identify(os.getpid())
        write_state(self.run.state, state_of(me, me))
        self.seq = 0
        self.started = self.told = time.perf_counter()
        self.recorder = Recorder(self.run.hardware, os.getpid(), GpuReader())
        self.tell(events.RunStart(self.run.id, "pytorch", "2.15.0", "0.2.0", config, os.getpid()))
        for epoch in range(1, 11):
            self.tell(events.EpochEnd(epoch, 20, 3 / epoch, epoch / 20, 60.0, 0.1, 800.0))

    def tell(self, event):
        with self.run.events.open("a") as file:
            file.write(encode(Stamped(self.seq, time.time(), time.perf_counter() - self.started, event)))
        self.seq += 1

    def step(self):
        done = int((time.perf_counter() - self.started) * 800)
        self.tell(events.Progress("training", 11, done, 50_000, 800.0 + done % 37))
        self.recorder.tick()

    def flood(self):
        """As many events as are due since the last call."""
        now = time.perf_counter()
        due, self.told = round((now - self.told) * FLOOD_PER_S), now
        line = encode(
            Stamped(self.seq, time.time(), now - self.started, events.Progress("training", 11, 5, 50_000, 9.0))
        )
        with self.run.events.open("a") as file:
            file.write(line * due)


def live(runs, size, step):
    """Kilobytes a second and per cent of a core, after the app has settled."""
    with Terminal(runs, size) as terminal:
        terminal.drain(SETTLE_S, step)
        before = terminal.cpu_seconds()
        written = terminal.drain(MEASURE_S, step)
        return written / MEASURE_S / 1000, 100 * (terminal.cpu_seconds() - before) / MEASURE_S


def answers(runs, step):
    """Seconds from a key press until what it opens is on the screen, for each of some presses."""
    times = []
    with Terminal(runs) as terminal:
        terminal.wait_for("Monitor")
        terminal.drain(SETTLE_S, step)
        for _ in range(PRESSES):
            terminal.press("?")
            times.append(terminal.wait_for("closes", step))
            terminal.press("\x1b")
            terminal.drain(1.0, step)
    return times


def main():
    for size, (cpu_budget, bytes_budget) in BUDGETS.items():
        runs = find_paths(tempfile.mkdtemp() + "/runs").runs
        writer = Writer(runs)
        kilobytes, cpu = live(runs, size, writer.step)
        write_toml(writer.run.result, {"run": writer.run.id, "status": "completed", "config": {}, "phases": {}})
        idle_kilobytes, idle_cpu = live(runs, size, lambda: None)
        print(
            f"{size[0]}x{size[1]}: live {cpu:.1f} % of a core, {kilobytes:.1f} kB/s"
            f" (budget {cpu_budget} %, {bytes_budget} kB/s); idle {idle_cpu:.1f} %, {idle_kilobytes:.2f} kB/s"
        )
    runs = find_paths(tempfile.mkdtemp() + "/runs").runs
    writer = Writer(runs)
    calm, flooded = answers(runs, lambda: None), answers(runs, writer.flood)
    print(
        f"a key is answered in {1000 * statistics.median(flooded):.0f} ms (at most {1000 * max(flooded):.0f} ms)"
        f" while {FLOOD_PER_S:,} events a second arrive, {1000 * statistics.median(calm):.0f} ms"
        f" (at most {1000 * max(calm):.0f} ms) while none do (budget 100 ms)"
    )
    with tempfile.TemporaryDirectory() as directory:
        paths = find_paths(f"{directory}/runs")
        write_runs(paths, MANY_RUNS)
        for how in ("no index yet", "an index"):
            with Terminal(paths.runs) as terminal:
                terminal.wait_for("10,000")
                listed = time.perf_counter() - terminal.started
                terminal.press("4")
                compared = terminal.wait_for("Sweeps")
            print(f"{MANY_RUNS:,} runs, {how}: Monitor {listed:.2f} s after the start, Compare {compared:.2f} s")
