"""What reading the hardware once a second costs, as a share of one core."""

import os
import tempfile
import time
from pathlib import Path

from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.recorder import Recorder

SECONDS = 10


def main():
    gpu = GpuReader().start()
    with Recorder(Path(tempfile.mkdtemp()) / "hardware.csv", os.getpid(), gpu) as recorder:
        recorder.tick()
        used, started = time.process_time(), time.perf_counter()
        while time.perf_counter() - started < SECONDS:
            recorder.tick()
            time.sleep(0.2)
        share = (time.process_time() - used) / (time.perf_counter() - started)
    gpu.stop()
    print(f"sampling at 1 Hz, polled at 5 Hz: {share:.2%} of a core (budget 1 %)")
