"""The supervisor on a scripted worker: whatever happens to a worker, a record is left and no process."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.waiting import wait_until
from tfpt_tui.config.toml import read_toml
from tfpt_tui.errors import MissingError
from tfpt_tui.events import ALIVE
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record import heartbeat
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.heartbeat import SILENT_S
from tfpt_tui.runs.record.lock import MachineLock
from tfpt_tui.runs.record.processes import boot_id, identify, pid_namespace
from tfpt_tui.runs.record.state import owner_of, read_state, request_stop, state_of, status_of, write_state
from tfpt_tui.runs.record.sweep import latest_sweep, read_environment, read_sweep, record_plan, remove_abandoned
from tfpt_tui.runs.supervision import submit as submitting


def finish(sweep, seconds=60):
    """The results of a sweep once its supervisor is gone."""
    wait_until(lambda: owner_of(sweep.directory.state) is None, seconds)
    return [read_toml(run.result) for run in sweep.runs]


def worker_of(run):
    state = read_state(run.state)
    return state.process(state.worker)


def wait_for_epoch(run):
    wait_until(lambda: run.events.exists() and b"epoch_end" in run.events.read_bytes())


def warning_of(result, code):
    """The warning of a kind: others may be due on the machine that tests run on."""
    (warning,) = [warning for warning in result["warnings"] if warning["code"] == code]
    return warning


def test_of_unfinished_submissions_nothing_is_left_and_a_directory_of_the_users_own_stays(paths):
    mine = paths.sweeps / "archive"
    (mine / "20260101-000000-quick-0001").mkdir(parents=True)
    (mine / "notes.md").write_text("mine")
    about_to_be_filled = paths.sweeps / "20260102-000000-quick-0002"
    about_to_be_filled.mkdir()
    killed = subprocess.Popen(["sleep", "60"])
    owner = state_of(identify(killed.pid))
    sweep = SweepDirectory(paths.sweeps / "20260103-000000-quick-0003")
    run = RunDirectory(paths.runs / "20260103-000000-pytorch-0003")
    for directory in (sweep, run):
        directory.path.mkdir(parents=True)
    write_state(sweep.state, owner)
    write_state(run.state, replace(owner, sweep=sweep.id))
    remove_abandoned(paths)
    assert sweep.path.is_dir()  # somebody is at it
    killed.kill()
    killed.wait()
    remove_abandoned(paths)
    assert not sweep.path.exists()
    assert not run.path.exists()
    assert (mine / "notes.md").read_text() == "mine"
    assert about_to_be_filled.is_dir()


def is_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def test_a_plan_runs_in_order_and_leaves_a_complete_record(start):
    sweep = start("completes")
    pytorch, tensorflow = finish(sweep)
    assert (pytorch["status"], tensorflow["status"]) == ("completed", "completed")
    assert pytorch["ended"] <= tensorflow["started"]
    assert pytorch["config"]["framework"] == "pytorch"
    assert pytorch["effective"] == {"device_name": "cpu", "device": "cpu", "threads": 2}
    assert pytorch["phases"] == {"import": 1.0, "training": 1.5, "evaluation": 0.5}
    assert pytorch["training"]["epochs"] == 2
    assert pytorch["training"]["first_epoch_s"] == 1.0
    assert pytorch["training"]["images_per_s"] == pytest.approx(200.0)
    assert pytorch["test"]["accuracy"] == 0.6
    assert pytorch["memory"]["peak_rss_bytes"] >= 10**6
    assert pytorch["article_clock"] == {"training_s": 1.5, "evaluation_s": 0.5}
    recorded = read_toml(sweep.runs[0].environment)["interpreter"]
    assert recorded == sweep.plan.runs[0].interpreter
    assert [run["state"] for run in read_toml(sweep.directory.plan)["runs"]] == ["completed", "completed"]
    assert read_state(sweep.directory.state).status == "done"


def test_every_file_of_the_design_is_there(start):
    sweep = start("completes", rows=[0])
    finish(sweep)
    run = sweep.runs[0]
    names = {path.name for path in run.path.iterdir()}
    assert names >= {
        "config.toml",
        "events.jsonl",
        "epochs.csv",
        "hardware.csv",
        "worker.log",
        "result.toml",
        "environment.toml",
        "history.png",
        "state.toml",
    }
    assert not [name for name in names if "tmp" in name]
    with run.epochs.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["train_loss"] for row in rows] == ["2.0", "1.0"]
    with run.hardware.open() as file:
        reading = next(csv.DictReader(file))
    assert float(reading["memory_total_bytes"]) > 0
    assert float(reading["worker_rss_bytes"]) > 0
    environment = read_toml(run.environment)
    assert environment["versions"] == {"torch": "9.9"}
    assert environment["machine"]["memory_bytes"] > 0
    assert environment["data"]["path"].endswith("tiny")
    assert environment["runs"]["path"] == str(run.path.parent)
    assert set(environment["fingerprint"]) == {"machine", "software"}


def test_a_run_can_be_started_again_from_its_own_configuration(start, paths):
    from tfpt_tui.config.presets import load_preset

    sweep = start("completes", rows=[0], batch_size=16)
    finish(sweep)
    preset = load_preset(sweep.runs[0].config)
    assert len(preset.rows) == 1
    assert preset.rows[0].settings["batch_size"] == 16


@pytest.mark.parametrize(
    ("story", "status", "said"),
    [
        ("fails", "failed", "a bad value"),
        ("runs_out_of_memory", "out_of_memory", "tried to allocate 1 TB"),
        ("exits", "crashed", "the worker ended with exit code 3 and left no message"),
        ("is_killed", "crashed", "the worker was killed by SIGKILL and left no message"),
        ("talks_nonsense", "crashed", "the worker ended with exit code 0 and left no message"),
    ],
)
def test_however_a_worker_ends_a_result_says_how_and_the_next_run_goes_on(start, story, status, said):
    first, second = finish(start(story, "completes"))
    assert first["status"] == status
    assert said in first["error"]["message"]
    assert second["status"] == "completed"


def test_what_was_measured_before_a_crash_is_kept(start):
    sweep = start("is_killed", rows=[0])
    (result,) = finish(sweep)
    assert result["training"]["epochs"] == 1
    assert result["training"]["loss"] == 2.0
    assert sweep.runs[0].epochs.read_text().count("\n") == 2


def test_nonsense_is_counted_and_what_is_printed_goes_to_the_log(start):
    sweep = start("talks_nonsense", rows=[0])
    (result,) = finish(sweep)
    assert result["training"]["epochs"] == 1
    assert warning_of(result, "malformed_events")["message"] == "4 lines of events.jsonl are not events"
    assert "Hello from a library" in sweep.runs[0].log.read_text()


def test_a_loss_that_is_no_number_is_recorded_as_such(start):
    sweep = start("diverges", rows=[0])
    (result,) = finish(sweep)
    assert result["status"] == "completed"
    assert str(result["training"]["loss"]) == "nan"
    assert result["test"]["loss"] == float("inf")
    assert "nan" in sweep.runs[0].epochs.read_text()


def test_what_a_profiled_run_reaches_at_best_is_known_to_later_runs_on_this_machine(start):
    first = start("profiles", rows=[0])
    finish(first)
    second = start("completes", rows=[0])
    finish(second)
    peaks = [read_environment(sweep.runs[0]).peaks for sweep in (first, second)]
    assert peaks == [{}, {"matmul": 150.0}]


def test_a_flood_of_events_is_read_to_its_end(start):
    (result,) = finish(start("floods", rows=[0]))
    assert result["status"] == "completed"
    assert result["training"]["epochs"] == 1


def test_a_run_that_is_asked_to_stop_ends_as_stopped_and_the_next_one_goes_on(start):
    sweep = start("hangs", "completes")
    wait_for_epoch(sweep.runs[0])
    sweep.runs[0].stop.touch()
    first, second = finish(sweep)
    assert first["status"] == "stopped"
    assert "error" not in first
    assert first["training"]["epochs"] == 1
    assert second["status"] == "completed"


def test_a_sweep_that_is_asked_to_stop_starts_nothing_more(start):
    sweep = start("hangs")
    wait_for_epoch(sweep.runs[0])
    sweep.directory.stop.touch()
    first, second = finish(sweep)
    assert (first["status"], second["status"]) == ("stopped", "stopped")
    assert not sweep.runs[1].events.exists()


def test_a_queued_run_can_be_stopped_before_it_starts(start):
    sweep = start("hangs")
    wait_for_epoch(sweep.runs[0])
    sweep.runs[1].stop.touch()
    sweep.runs[0].stop.touch()
    assert [result["status"] for result in finish(sweep)] == ["stopped", "stopped"]
    assert not sweep.runs[1].log.exists()


def test_a_worker_that_ignores_the_request_is_killed_with_its_children(start):
    sweep = start("is_stubborn", rows=[0])
    note = sweep.runs[0].path / "child.json"
    wait_until(lambda: note.exists() and note.read_text())
    child = json.loads(note.read_text())["pid"]
    worker = worker_of(sweep.runs[0])
    sweep.runs[0].stop.touch()
    (result,) = finish(sweep)
    assert result["status"] == "stopped"
    wait_until(lambda: is_gone(child))
    assert not worker.is_alive()


def test_a_run_that_takes_too_long_is_ended_as_timeout(start):
    (result,) = finish(start("hangs", rows=[0], timeout_s=1))
    assert result["status"] == "timeout"
    assert result["error"]["message"] == "not done after 1 s (the key timeout_s sets the limit)"


def test_a_hang_up_of_the_terminal_does_not_reach_the_run(start):
    sweep = start("hangs", rows=[0])
    wait_for_epoch(sweep.runs[0])
    owner = owner_of(sweep.directory.state)
    assert os.getsid(owner.pid) == owner.pid != os.getsid(0)
    os.kill(owner.pid, signal.SIGHUP)
    sweep.runs[0].stop.touch()
    assert finish(sweep)[0]["status"] == "stopped"


def test_the_worker_dies_with_a_supervisor_that_is_killed_and_the_run_shows_as_crashed(start):
    sweep = start("hangs", rows=[0])
    wait_for_epoch(sweep.runs[0])
    worker = worker_of(sweep.runs[0])
    os.kill(owner_of(sweep.directory.state).pid, signal.SIGKILL)
    wait_until(lambda: not worker.is_alive())
    assert status_of(sweep.runs[0]) == "crashed"
    result = read_result(sweep.runs[0])
    assert result.training.epochs == 1
    assert result.error.message.startswith("its supervisor exited unexpectedly")
    assert result.error.message.endswith(f"resume with: tfpt-tui runs resume {sweep.id}")


def test_a_run_whose_supervisor_was_killed_before_it_says_that_it_never_started(start):
    sweep = start("hangs", rows=[0, 1])
    wait_for_epoch(sweep.runs[0])
    os.kill(owner_of(sweep.directory.state).pid, signal.SIGKILL)
    wait_until(lambda: status_of(sweep.runs[1]) == "crashed")
    told = read_result(sweep.runs[1]).error.message
    assert told.startswith("it never started")
    assert told.endswith(f"resume with: tfpt-tui runs resume {sweep.id}")


def test_the_next_supervisor_writes_the_result_that_a_killed_one_could_not(start):
    orphan = start("hangs", rows=[0])
    wait_for_epoch(orphan.runs[0])
    os.kill(owner_of(orphan.directory.state).pid, signal.SIGKILL)
    wait_until(lambda: owner_of(orphan.directory.state) is None)
    finish(start("completes", rows=[0]))
    result = read_toml(orphan.runs[0].result)
    assert result["status"] == "crashed"
    assert "supervisor exited unexpectedly" in result["error"]["message"]
    assert result["training"]["epochs"] == 1


def test_a_run_that_had_finished_is_no_crash_though_its_supervisor_was_killed_before_its_result(start, paths):
    done = start("completes", rows=[0])
    (run,) = done.runs
    wait_until(run.result.exists)
    finish(done)
    run.result.unlink()
    assert status_of(run) == "crashed"
    finish(start("completes", rows=[0]))
    assert read_toml(run.result)["status"] == "completed"


def test_an_orphan_that_cannot_be_settled_does_not_hold_up_another_plan(start, monkeypatch, paths):
    """The supervisor runs in this process, so that the orphan's disk can refuse."""
    from tfpt_tui.runs.supervision import supervisor as supervision

    orphan = start("hangs", rows=[0])
    os.kill(owner_of(orphan.directory.state).pid, signal.SIGKILL)
    wait_until(lambda: owner_of(orphan.directory.state) is None)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(supervision, "finalize_lost", refuse)
    supervision._settle_orphans(paths)
    assert not orphan.runs[0].result.exists()


@pytest.mark.parametrize("elsewhere", ["another machine", "another container"])
def test_a_run_of_another_place_is_dead_only_once_nothing_was_seen_to_change(start, later, elsewhere):
    run = start("hangs", rows=[0]).runs[0]
    wait_for_epoch(run)
    os.kill(owner_of(run.state).pid, signal.SIGKILL)
    name = boot_id() if elsewhere == "another machine" else pid_namespace()
    run.state.write_text(run.state.read_text().replace(name, elsewhere))
    os.utime(run.state, (0, 0))  # its clock may say anything
    assert status_of(run) == "running"
    later(SILENT_S - 1)
    assert status_of(run) == "running"
    os.utime(run.state, (1, 1))
    later(2)
    assert status_of(run) == "running"
    later(SILENT_S)
    assert status_of(run) == "crashed"


def test_what_one_look_saw_the_next_one_knows(start, later):
    """Each command is a process of its own."""
    run = start("hangs", rows=[0]).runs[0]
    wait_for_epoch(run)
    os.kill(owner_of(run.state).pid, signal.SIGKILL)
    run.state.write_text(run.state.read_text().replace(boot_id(), "another machine"))
    assert status_of(run) == "running"
    heartbeat._save()
    heartbeat._notes.clear()
    later(SILENT_S)
    assert status_of(run) == "crashed"


def test_a_second_supervisor_of_a_sweep_is_refused_and_changes_nothing(start, paths):
    sweep = start("hangs", rows=[0])
    wait_for_epoch(sweep.runs[0])
    before = sweep.runs[0].state.read_text()
    module = "tfpt_tui.runs.supervision.supervisor"
    command = [sys.executable, "-m", module, str(sweep.directory.path), str(paths.runs)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert second.stderr == f"{sweep.id}: another supervisor runs it\n"
    assert sweep.runs[0].state.read_text() == before
    assert status_of(sweep.runs[0]) == "running"


def test_a_run_whose_directory_vanishes_does_not_stop_those_after_it(start):
    sweep = start("hangs", "completes", batch_size=8)
    wait_for_epoch(sweep.runs[0])
    sweep.runs[0].path.rename(sweep.runs[0].path.parents[1] / "gone")  # at once: its worker goes on writing
    wait_until(lambda: owner_of(sweep.directory.state) is None, 60)
    states = [run["state"] for run in read_toml(sweep.directory.plan)["runs"]]
    assert states == ["deleted", "completed"]


def test_what_a_killed_submission_left_is_removed_by_the_next_plan(start, paths, preset, dataset):
    finished = start("completes", rows=[0])
    finish(finished)
    plan = make_plan(preset, data=str(dataset), rows=[0])
    left = record_plan(plan, {("pytorch", "default"): sys.executable}, paths)
    left.directory.plan.unlink()
    gone = identify(2**22 + 1)
    for state in (left.directory.state, left.runs[0].state):
        write_state(state, replace(state_of(gone), sweep=left.id))
    assert status_of(left.runs[0]) == "crashed"
    finish(start("completes", rows=[0]))
    assert not left.runs[0].path.exists()
    assert not left.directory.path.exists()
    assert finished.runs[0].path.exists()


def test_a_supervisor_leaves_traces_for_other_machines(start, monkeypatch, paths):
    """It runs in this process, so that it can be quick about it."""
    from tfpt_tui.runs.supervision import supervisor as supervision

    sweep = start("completes")
    os.kill(owner_of(sweep.directory.state).pid, signal.SIGKILL)
    states = [sweep.directory.state, *(run.state for run in sweep.runs)]
    for run in sweep.runs:
        run.result.unlink(missing_ok=True)
    for state in states:
        os.utime(state, (0, 0))
    monkeypatch.setattr(supervision, "BEAT_S", 0.01)
    with supervision._heartbeat(supervision.Supervisor(sweep, identify(os.getpid()), supervision.GpuReader())):
        wait_until(lambda: all(state.stat().st_mtime > 0 for state in states))


def test_a_terminated_supervisor_stops_its_runs_in_order(start):
    sweep = start("hangs")
    wait_for_epoch(sweep.runs[0])
    os.kill(owner_of(sweep.directory.state).pid, signal.SIGTERM)
    assert [result["status"] for result in finish(sweep)] == ["stopped", "stopped"]


def test_a_second_plan_waits_for_the_first_and_says_so(start):
    first = start("hangs", rows=[0])
    wait_for_epoch(first.runs[0])
    second = start("completes", rows=[0])
    wait_until(lambda: read_state(second.directory.state).status == "waiting")
    assert first.id in read_state(second.directory.state).message
    assert status_of(second.runs[0]) == "queued"
    first.runs[0].stop.touch()
    assert finish(second)[0]["started"] >= finish(first)[0]["ended"]


def test_a_plan_that_waits_can_be_stopped(start):
    lock = MachineLock()
    assert lock.acquire("a test")
    sweep = start("completes", rows=[0])
    wait_until(lambda: "a test" in read_state(sweep.directory.state).message)
    sweep.directory.stop.touch()
    assert finish(sweep)[0]["status"] == "stopped"
    lock.release()


def test_a_dataset_that_vanished_before_its_run_is_the_runs_error(start, dataset, tmp_path):
    lock = MachineLock()
    assert lock.acquire("a test")
    moved = tmp_path / "moved"
    sweep = start("completes", rows=[0])
    os.rename(dataset, moved)
    try:
        lock.release()
        (result,) = finish(sweep)
    finally:
        os.rename(moved, dataset)
    assert result["status"] == "failed"
    assert result["error"]["type"] == "MissingError"
    assert "no such dataset directory" in result["error"]["message"]


def test_an_interpreter_that_vanished_is_the_runs_error(start, fake_python):
    lock = MachineLock()
    assert lock.acquire("a test")
    sweep = start("completes", rows=[0])
    fake_python.unlink()
    lock.release()
    (result,) = finish(sweep)
    assert result["status"] == "failed"
    assert "cannot start the worker" in result["error"]["message"]


def test_runs_that_cannot_be_recorded_are_refused_and_leave_nothing(start, paths, tmp_path):
    (tmp_path / "runs").write_text("a file where the directory should be")
    with pytest.raises(MissingError, match="cannot record a run"):
        start("completes")
    assert not list(paths.sweeps.iterdir())


def test_a_plan_without_a_supervisor_leaves_nothing(start, paths, monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(submitting, "start_detached", refuse)
    with pytest.raises(MissingError, match=r"cannot start the supervisor: .*; end some processes"):
        start("completes")
    assert not list(paths.sweeps.iterdir())
    assert not list(paths.runs.iterdir())


def test_a_plan_that_is_interrupted_before_it_is_handed_over_does_not_go_on_alone(start, paths, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(submitting, "owner_of", interrupt)
        with pytest.raises(KeyboardInterrupt):
            start("hangs")
    (directory,) = paths.sweeps.iterdir()
    sweep = read_sweep(SweepDirectory(directory), paths)
    wait_until(lambda: all(run.result.exists() for run in sweep.runs))
    assert [result["status"] for result in finish(sweep)] == ["stopped", "stopped"]


def test_a_record_that_fills_the_disk_is_the_runs_error_and_ends_the_worker(start, monkeypatch, paths):
    """The supervisor runs in this process, so that its disk can be full."""
    from tfpt_tui.hardware import recorder
    from tfpt_tui.runs.supervision import supervisor as supervision

    lock = MachineLock()
    assert lock.acquire("a test")
    sweep = start("hangs", rows=[0])
    os.kill(owner_of(sweep.directory.state).pid, signal.SIGKILL)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder.Recorder, "tick", full)
    gpu = supervision.GpuReader().start()
    supervision.run_one(supervision.Supervisor(sweep, identify(os.getpid()), gpu), sweep.runs[0])
    gpu.stop()
    result = read_toml(sweep.runs[0].result)
    assert result["status"] == "failed"
    assert "no space left on device; free some room" in result["error"]["message"]
    assert not worker_of(sweep.runs[0]).is_alive()
    assert status_of(sweep.runs[0]) not in ALIVE
    lock.release()


def test_half_files_of_a_worker_that_was_killed_are_removed(start):
    lock = MachineLock()
    assert lock.acquire("a test")
    sweep = start("is_killed", rows=[0])
    halves = [sweep.runs[0].path / name for name in (".model.pt", ".result.toml.123.tmp")]
    for half in halves:
        half.write_bytes(b"half of it")
    somebodys = sweep.runs[0].path / ".ipynb_checkpoints"
    somebodys.mkdir()
    lock.release()
    finish(sweep)
    assert not any(half.exists() for half in halves)
    assert somebodys.is_dir()


def test_a_picture_that_cannot_be_written_costs_only_itself(start, monkeypatch):
    from tfpt_tui.runs.supervision import finalize as finalizing

    sweep = start("completes", rows=[0])
    finish(sweep)
    sweep.runs[0].result.unlink()

    def full(*_):
        raise OSError(28, "No space left on device")

    def needs_latex(*_):
        raise RuntimeError("Failed to process string with tex because latex could not be found")

    reasons = {full: "cannot write: no space left on device", needs_latex: "cannot be made: RuntimeError: Failed"}
    for draw, reason in reasons.items():
        monkeypatch.setattr(finalizing, "draw_history", draw)
        finalizing.finalize(sweep.runs[0], "completed", None)
        result = read_toml(sweep.runs[0].result)
        assert result["training"]["epochs"] == 2
        assert f"history.png: {reason}" in warning_of(result, "unwritten_picture")["message"]


def test_the_latest_sweep_is_the_one_recorded_last_whatever_the_clock_said(start, paths):
    first = start("completes", rows=[0])
    finish(first)
    later = first.directory.path.with_name("2099" + first.id[4:])
    first.directory.path.rename(later)
    second = start("completes", rows=[0])
    finish(second)
    assert latest_sweep(paths).id == second.id
    shutil.rmtree(second.directory.path)
    assert latest_sweep(paths).id == later.name


@pytest.fixture
def short_directory():
    """One whose name leaves room for those of sockets."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    yield place
    shutil.rmtree(place)


def test_what_a_killed_framework_leaves_in_tmpdir_goes_with_it(start, monkeypatch, short_directory):
    monkeypatch.setenv("TMPDIR", str(short_directory))
    sweep = start("leaves_a_file_and_hangs", rows=[0])
    wait_for_epoch(sweep.runs[0])
    (left,) = short_directory.glob(".tmp-*-workers/left")
    os.kill(owner_of(sweep.directory.state).pid, signal.SIGKILL)
    wait_until(lambda: owner_of(sweep.directory.state) is None)
    assert left.exists()
    finish(start("completes", rows=[0]))
    assert list(short_directory.iterdir()) == []


def test_pictures_that_are_moved_while_a_run_goes_on_are_warned_of(start, dataset):
    sweep = start("hangs", rows=[0])
    wait_for_epoch(sweep.runs[0])
    picture = next((dataset / "train").glob("*/*"))
    moved = picture.with_name("moved")
    picture.rename(moved)
    moved.rename(picture)
    request_stop(sweep.directory)
    (result,) = finish(sweep)
    warning = warning_of(result, "dataset_changed")
    assert str(dataset) in warning["message"]
    assert warning["taints"] == "accuracy"
