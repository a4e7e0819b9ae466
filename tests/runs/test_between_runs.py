"""What a supervisor does around its workers. It runs in this process, so that a test can look and interfere."""

import dataclasses
import os
import signal
import time
from types import SimpleNamespace

import pytest

from tfpt_tui.config.toml import read_toml
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import owner_of, status_of
from tfpt_tui.runs.supervision import supervisor as supervision
from tfpt_tui.runs.supervision import worker_run


@pytest.fixture
def told(monkeypatch):
    """What the supervisor says of itself: status, message and the states of its runs at that moment."""
    said = []

    def note(supervisor, status, message):
        said.append((status, message, [status_of(run) for run in supervisor.sweep.runs]))

    for module in (supervision, worker_run):
        monkeypatch.setattr(module, "tell", note)
    return said


@pytest.fixture
def supervise(start, told):
    """A supervisor that takes over a plan from the one that was started for it; ``plan`` changes its plan.toml."""
    lock = MachineLock()
    assert lock.acquire("a test")
    gpu = supervision.GpuReader().start()

    def take_over(*stories, rows=None, **plan):
        sweep = start(*stories, rows=rows)
        os.kill(owner_of(sweep.directory.state).pid, signal.SIGKILL)
        sweep = dataclasses.replace(sweep, plan=dataclasses.replace(sweep.plan, **plan))
        return supervision.Supervisor(sweep, identify(os.getpid()), gpu)

    yield take_over
    gpu.stop()
    lock.release()


def codes(run):
    return [warning["code"] for warning in read_toml(run.result)["warnings"]]


def test_the_machine_cools_down_between_two_runs_and_neither_before_nor_after(supervise, told):
    supervision.run_plan(supervise("completes", cooldown_s=0.01))
    statuses = [status for status, *_ in told]
    assert statuses.count("cooling") == 1
    cooling, after = told[statuses.index("cooling")], told[statuses.index("cooling") + 1]
    assert cooling[1] == "cooling down for 0.01 s before the next run"
    assert after[:2] == ("running", "")
    first, second = cooling[2]
    assert first == "completed"
    assert second != "completed"


def test_a_plan_without_a_cool_down_has_none(supervise, told):
    supervision.run_plan(supervise("completes"))
    assert "cooling" not in [status for status, *_ in told]


@pytest.mark.parametrize("whose", ["sweep", "run"])
def test_a_request_to_stop_ends_the_cool_down(supervise, told, monkeypatch, whose):
    supervisor = supervise("completes", cooldown_s=3600)
    second = supervisor.sweep.runs[1]
    stop = second.stop if whose == "run" else supervisor.sweep.directory.stop
    naps = []

    def nap(seconds):
        naps.append(seconds)
        stop.touch()

    monkeypatch.setattr(supervision, "time", SimpleNamespace(monotonic=time.monotonic, sleep=nap))
    supervision.run_plan(supervisor)
    assert [status_of(run) for run in supervisor.sweep.runs] == ["completed", "stopped"]
    assert len(naps) == 1
    assert naps[0] <= 0.2
    assert not second.log.exists()


def test_a_dataset_that_is_not_in_memory_is_read_before_the_worker_starts(supervise, told, monkeypatch):
    shares = iter([0.25, 1.0])
    read = []
    supervisor = supervise("completes", rows=[0])
    run = supervisor.sweep.runs[0]
    monkeypatch.setattr(worker_run, "resident_share", lambda files: next(shares))
    monkeypatch.setattr(worker_run, "read_all", lambda files, stopped: read.append((files, run.log.exists())))
    supervision.run_one(supervisor, run)
    ((files, worker_had_started),) = read
    assert any(file.endswith(".jpg") for file in files)
    assert not worker_had_started
    assert next(message for _, message, _ in told if message).startswith("reading the dataset into memory")
    data = read_toml(run.environment)["data"]
    assert (data["page_cache"], data["resident_share_before"]) == ("warmed", 0.25)
    assert "cold_data" not in codes(run)


def test_a_dataset_that_stays_on_the_disk_is_warned_of(supervise, monkeypatch):
    supervisor = supervise("completes", rows=[0])
    monkeypatch.setattr(worker_run, "resident_share", lambda files: 0.25)
    monkeypatch.setattr(worker_run, "read_all", lambda files, stopped: None)
    supervision.run_one(supervisor, supervisor.sweep.runs[0])
    assert read_toml(supervisor.sweep.runs[0].environment)["data"]["page_cache"] == "cold"
    assert "cold_data" in codes(supervisor.sweep.runs[0])


def test_a_dataset_that_is_in_memory_is_not_read_again(supervise, monkeypatch):
    supervisor = supervise("completes", rows=[0])
    monkeypatch.setattr(worker_run, "resident_share", lambda files: 1.0)
    monkeypatch.setattr(worker_run, "read_all", lambda *_: pytest.fail("it is in memory"))
    supervision.run_one(supervisor, supervisor.sweep.runs[0])
    assert read_toml(supervisor.sweep.runs[0].environment)["data"]["page_cache"] == "warm"


def test_a_run_that_is_stopped_while_its_dataset_is_read_never_starts(supervise, monkeypatch):
    supervisor = supervise("completes", rows=[0])
    run = supervisor.sweep.runs[0]

    def stop(files, stopped):
        assert not stopped()
        run.stop.touch()
        assert stopped()

    monkeypatch.setattr(worker_run, "resident_share", lambda files: 0.0)
    monkeypatch.setattr(worker_run, "read_all", stop)
    supervision.run_one(supervisor, run)
    assert status_of(run) == "stopped"
    assert not run.log.exists()


def test_a_worker_of_another_supervisor_that_is_there_at_the_end_is_warned_of(supervise, monkeypatch):
    supervisor = supervise("completes", rows=[0])
    run = supervisor.sweep.runs[0]
    monkeypatch.setattr(worker_run, "other_workers", lambda own: (99,) if own == os.getpid() else ())
    supervision.run_one(supervisor, run)
    assert "overlap" in [warning["code"] for warning in read_toml(run.environment)["warnings"]]
    assert codes(run).count("overlap") == 1
