"""Measure how much others on the processor slow a framework down: a worker trains while a known burner comes and
goes.

The burner runs for one epoch in two, so what the machine does for longer meets both alike.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfpt_tui.hardware.sensitivity import SHARES, Sensitivity
from tfpt_tui.lifeline import die_with_parent
from tfpt_tui.runs.tasks.neutrality_evidence import Arm, Case, started_worker, wait_for_epochs

PAIRS = 12
# Spins for a part of each 20 ms: arguments are that part in seconds, and the whole.
BURNER = """
import sys, time
busy, period = float(sys.argv[1]), float(sys.argv[2])
while True:
    began = time.perf_counter()
    while time.perf_counter() - began < busy:
        pass
    time.sleep(max(0.0, period - (time.perf_counter() - began)))
"""
PERIOD_S = 0.02


def measure_sensitivity(
    case: Case, interpreter: str, data: Path, directory: Path, threads: int, say: Callable[[str], None]
) -> Sensitivity:
    """How many times as long an epoch takes while a burner uses each of the shares of our cores.

    Raises:
        TfptError: the worker ended; the message has its last line.
    """
    cores = len(os.sched_getaffinity(0))
    slowdown = {}
    with started_worker(case, interpreter, data, directory, threads) as worker:
        wait_for_epochs(worker, 3)
        for share in SHARES:
            with _burning(share * cores) as burners:
                ratios = [_burdened_over_quiet(worker, burners) for _ in range(PAIRS)]
            slowdown[share] = statistics.median(ratios)
            say(f"{case}: others using {share:.0%} of the {cores} cores: {slowdown[share]:.2f} times as long")
    return Sensitivity(slowdown)


def _burdened_over_quiet(worker: Arm, burners: list[subprocess.Popen[bytes]]) -> float:
    seconds = {}
    for signal_number in (signal.SIGSTOP, signal.SIGCONT):
        for burner in burners:
            burner.send_signal(signal_number)
        known = len(worker.log.seconds)
        wait_for_epochs(worker, known + 2)
        seconds[signal_number] = worker.log.seconds[known + 1]  # the one before had begun otherwise
    return seconds[signal.SIGCONT] / seconds[signal.SIGSTOP]


@contextmanager
def _burning(cores: float) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that together use the time of so many cores, at most one core each."""
    parts = [min(1.0, cores - whole) for whole in range(int(-(-cores // 1)))]
    burners = [
        subprocess.Popen(
            [sys.executable, "-I", "-c", BURNER, str(part * PERIOD_S), str(PERIOD_S)], preexec_fn=die_with_parent
        )
        for part in parts
    ]
    try:
        yield burners
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
