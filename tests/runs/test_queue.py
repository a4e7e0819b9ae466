import os
import signal

from tests.waiting import wait_until
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.processes import boot_id
from tfpt_tui.runs.record.state import owner_of, status_of
from tfpt_tui.runs.supervision.queue import alive_here, waits_for


def test_on_a_machine_that_is_free_a_plan_waits_for_nothing(paths):
    assert waits_for(paths) == ""


def test_a_plan_waits_for_the_runs_of_the_one_that_trains(paths, start):
    sweep = start("hangs")
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    assert waits_for(paths) == f"2 runs of sweep {sweep.id}"
    second = start("hangs")
    assert waits_for(paths) == "4 runs of 2 sweeps"
    for one in (sweep, second):
        one.directory.stop.touch()
        wait_until(lambda one=one: owner_of(one.directory.state) is None)
    assert waits_for(paths) == ""


def test_a_plan_waits_for_somebody_elses_training_too(paths):
    lock = MachineLock()
    assert lock.acquire("sweep 20261122-000000-demo-0000, process 7")
    assert waits_for(paths) == "sweep 20261122-000000-demo-0000, process 7"
    lock.release()
    assert waits_for(paths) == ""


def test_the_runs_of_another_machine_are_neither_waited_for_nor_ours_to_end(paths, start):
    sweep = start("hangs", rows=[0])
    (run,) = sweep.runs
    wait_until(lambda: status_of(run) == "running")
    assert alive_here(paths) == [run]
    os.kill(owner_of(run.state).pid, signal.SIGKILL)
    wait_until(lambda: owner_of(run.state) is None)
    for state in (sweep.directory.state, run.state):
        state.write_text(state.read_text().replace(boot_id(), "another-machine"))
    assert status_of(run) == "running"
    assert alive_here(paths) == []
    wait_until(lambda: waits_for(paths) == "")  # the lock goes with the process, a moment later


def test_looking_does_not_keep_anybody_from_training(paths):
    lock = MachineLock()
    waits_for(paths)
    assert lock.acquire("me")
    lock.release()
