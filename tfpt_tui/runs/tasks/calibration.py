"""A few steps of a run, thrown away: how fast is this machine, where nothing like the run is recorded?"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.toml import write_toml
from tfpt_tui.errors import MissingError
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import Record, fold_all
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.processes import kill_group
from tfpt_tui.runs.record.tail import EventTail
from tfpt_tui.runs.supervision.launcher import launch_worker

# Most of the ten seconds or so that it takes are the import of the framework.
IMAGES = 2048
TIMEOUT_S = 120
POLL_S = 0.1


def calibrate(config: RunConfig, interpreter: str) -> Record | None:
    """The record of a few steps of this configuration; None where a plan is training, or it does not work.

    The worker is ended after its first epoch: the rate of the training has to stand for the evaluation, too.
    """
    lock = MachineLock()
    try:
        if not lock.acquire("tfpt-tui run, calibrating"):
            return None
        with tempfile.TemporaryDirectory(prefix="tfpt-tui-calibration-") as directory:
            run = RunDirectory(Path(directory))
            few = config.replace(
                epochs=1, epochs_measured=0, cache=False, max_steps=max(1, IMAGES // config.batch_size)
            )
            write_toml(run.config, {"rows": [few.to_mapping()]})
            return _watch(run, interpreter)
    except (OSError, MissingError):
        return None  # no room to calibrate: what is wrong for the run itself is said there
    finally:
        lock.release()


def _watch(run: RunDirectory, interpreter: str) -> Record | None:
    worker = launch_worker(run, interpreter)
    tail, record = EventTail(run.events), Record()
    deadline = time.monotonic() + TIMEOUT_S
    try:
        while not record.epochs and time.monotonic() < deadline:
            over = worker.poll() is not None
            record = fold_all(tail.stream(), record)
            if over or record.end:
                break
            time.sleep(POLL_S)
    finally:
        kill_group(worker.pid)
        worker.wait()
    return record if record.epochs else None
