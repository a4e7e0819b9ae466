"""Both arms of the check for neutrality are stopped and go on as groups, on scripts that only pretend to train."""

import os
import sys
import time

import pytest

from tests.waiting import wait_until
from tfpt_tui.runs.record.processes import halt_group, resume_group
from tfpt_tui.runs.tasks import neutrality_evidence as neutrality

# A loader that is stopped alone, as one that was being forked when its group was stopped; then an epoch ends.
LOADER = """
import os, signal, time
loader = os.fork()
if loader == 0:
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
os.waitpid(loader, 0)
print('{"seconds": 1.0}', flush=True)
time.sleep(60)
"""
COUNTER = """
import os
if os.fork() == 0:
    name = "child"
else:
    name = "parent"
while True:
    with open(name, "a") as file:
        file.write("x")
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A script as an arm; it is stopped at first."""
    monkeypatch.setattr(neutrality, "START_TIMEOUT_S", 20)

    def started(text):
        script = tmp_path / "script.py"
        script.write_text(text)
        return neutrality._started(([sys.executable, str(script)], tmp_path / "output"), tmp_path)

    return started


def test_a_loader_that_stays_stopped_alone_is_woken(start):
    with start(LOADER) as arm:
        resume_group(arm.process)
        neutrality.wait_for_epochs(arm, 1)
        assert arm.log.seconds == [1.0]


def test_whoever_is_stopped_does_nothing_and_neither_do_its_loaders(start, tmp_path):
    with start(COUNTER) as arm:
        resume_group(arm.process)
        wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "parent").exists())
        halt_group(arm.process)
        sizes = [os.stat(tmp_path / name).st_size for name in ("child", "parent")]
        time.sleep(0.1)
        assert [os.stat(tmp_path / name).st_size for name in ("child", "parent")] == sizes
