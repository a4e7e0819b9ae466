"""The Monitor in a real pseudo-terminal while a run is live: bytes to the terminal and share of a core.

A scripted writer stands in for the worker, five progress events a second: the reference is the same app on a run
that is over.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from datetime import datetime

import psutil

from tfpt_tui import events
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import write_toml
from tfpt_tui.events import Stamped, encode
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.recorder import Recorder
from tfpt_tui.runs.directory import RunDirectory, make_directory
from tfpt_tui.runs.processes import identify
from tfpt_tui.runs.state import write_state

SETTLE_S, MEASURE_S = 4, 15
BUDGETS = {(80, 24): (5, 25), (200, 60): (10, 60)}


class Writer:
    """Appends what a worker and its supervisor would, for a run that this process owns."""

    def __init__(self, runs):
        self.run = RunDirectory(make_directory(runs, "pytorch", datetime.now()))
        config = RunConfig.from_mapping({"framework": "pytorch", "data": "/d"}, "bench").to_mapping()
        write_toml(self.run.config, {"rows": [config]})
        me = identify(os.getpid())
        write_state(self.run.state, me, me)
        self.seq = 0
        self.started = time.perf_counter()
        self.recorder = Recorder(self.run.hardware, os.getpid(), GpuReader())
        self.tell(events.RunStart(self.run.id, "pytorch", "2.15.0", config, os.getpid()))
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


def measure(runs, size, step):
    """Bytes a second and CPU share of the app, after it has settled."""
    columns, rows = size
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": ""}
    app = subprocess.Popen(
        [sys.executable, "-m", "tfpt_tui", "--runs", str(runs)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=environment,
    )
    os.close(slave)
    process = psutil.Process(app.pid)
    written = drain(master, SETTLE_S, step)
    before = sum(process.cpu_times()[:2])
    written = drain(master, MEASURE_S, step)
    share = (sum(process.cpu_times()[:2]) - before) / MEASURE_S
    app.kill()
    app.wait()
    os.close(master)
    return written / MEASURE_S / 1000, share * 100


def drain(master, seconds, step):
    written, end, due = 0, time.perf_counter() + seconds, 0.0
    while time.perf_counter() < end:
        if time.perf_counter() > due:
            due = time.perf_counter() + 0.2
            step()
        if select.select([master], [], [], 0.05)[0]:
            written += len(os.read(master, 1 << 16))
    return written


def main():
    for size, (cpu_budget, bytes_budget) in BUDGETS.items():
        runs = find_paths(tempfile.mkdtemp() + "/runs").runs
        writer = Writer(runs)
        kilobytes, cpu = measure(runs, size, writer.step)
        write_toml(writer.run.result, {"run": writer.run.id, "status": "completed", "config": {}, "phases": {}})
        idle_kilobytes, idle_cpu = measure(runs, size, lambda: None)
        print(
            f"{size[0]}x{size[1]}: live {cpu:.1f} % of a core, {kilobytes:.1f} kB/s"
            f" (budget {cpu_budget} %, {bytes_budget} kB/s); idle {idle_cpu:.1f} %, {idle_kilobytes:.2f} kB/s"
        )
