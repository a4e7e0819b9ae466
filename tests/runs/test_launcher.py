"""How a worker is started."""

import os

from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.supervision.launcher import launch_worker

# Says on which cores it may run once its starter has had the time to decide.
TELLING = "#!/bin/sh\nread -r _ < fifo\nexec grep Cpus_allowed_list /proc/self/status\n"


def test_a_worker_keeps_off_the_cores_that_are_left_to_us(tmp_path):
    run = RunDirectory(tmp_path / "20261122-165501-pytorch-3f9a")
    run.path.mkdir()
    os.mkfifo(run.path / "fifo")
    script = tmp_path / "python"
    script.write_text(TELLING)
    script.chmod(0o755)
    first, *others = sorted(os.sched_getaffinity(0))
    worker = launch_worker(run, str(script), others)
    (run.path / "fifo").write_text("go on\n")
    assert worker.wait(30) == 0
    assert run.log.read_text().split()[-1] == str(first)
    assert len(os.sched_getaffinity(0)) == 1 + len(others)
