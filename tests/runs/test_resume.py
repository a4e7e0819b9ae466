"""A sweep that was interrupted goes on, on a scripted worker: nothing that completed is run twice."""

import os
import shutil
import signal
from datetime import datetime

import pytest

from tests.waiting import wait_until
from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import load_settings
from tfpt_tui.config.toml import read_toml
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.directory import make_directory
from tfpt_tui.runs.record.heartbeat import SILENT_S
from tfpt_tui.runs.record.state import owner_of, read_state, status_of
from tfpt_tui.runs.record.sweep import read_config, read_sweep
from tfpt_tui.runs.supervision import resume as resumption
from tfpt_tui.runs.supervision.resume import rest_of, resume
from tfpt_tui.runs.supervision.submit import submit


def finish(sweep):
    wait_until(lambda: owner_of(sweep.directory.state) is None)
    return [status_of(run) for run in sweep.runs]


def again(sweep, paths):
    """Resume the sweep."""
    resumed, _ = resume(sweep.directory, paths, load_settings(paths.settings))
    return resumed


def running(sweep):
    return [run for run in sweep.runs if run.events.exists() and status_of(run) == "running"]


def wait_for_epoch(sweep):
    wait_until(lambda: any(b"epoch_end" in run.events.read_bytes() for run in running(sweep)))


def kill(sweep, what):
    """Kill the worker, the supervisor, or both, and wait until nobody runs the sweep."""
    (run,) = running(sweep)
    owner, worker = owner_of(sweep.directory.state), read_state(run.state).worker
    if what == "worker":
        sweep.directory.stop.touch()  # nothing more is started
    if what != "worker":
        os.kill(owner.pid, signal.SIGKILL)
    if what != "supervisor":
        os.kill(worker.pid, signal.SIGKILL)
    finish(sweep)


def workers_started(paths):
    return len((paths.runs / "workers-started").read_text())


def test_only_what_did_not_complete_is_run_and_the_old_record_stays(start, paths):
    sweep = start("completes", "is_killed", "completes")
    assert finish(sweep) == ["completed", "crashed"]
    resumed = again(sweep, paths)
    assert finish(resumed) == ["completed", "completed"]
    assert workers_started(paths) == 3
    first, second = read_toml(sweep.directory.plan)["runs"]
    assert (first["run"], second["replaces"]) == (sweep.runs[0].id, [sweep.runs[1].id])
    assert second["run"] == resumed.runs[1].id != sweep.runs[1].id
    assert status_of(sweep.runs[1]) == "crashed"
    assert read_config(resumed.runs[1]) == read_config(sweep.runs[1])
    with pytest.raises(UsageError, match="nothing is left to run: 2 of 2 runs completed"):
        again(sweep, paths)


def test_a_sweep_whose_supervisor_was_killed_goes_on(start, paths):
    sweep = start("hangs", "completes", "completes")
    wait_for_epoch(sweep)
    kill(sweep, "supervisor")
    resumed = again(sweep, paths)
    assert finish(resumed) == ["completed", "completed"]
    # The second had not begun: its directory is used. The first has a record of what happened.
    assert resumed.runs[1].id == sweep.runs[1].id
    assert resumed.runs[0].id != sweep.runs[0].id
    assert status_of(sweep.runs[0]) == "crashed"


def test_a_sweep_killed_three_times_in_different_ways_ends_complete(start, paths):
    sweep = start("hangs", "hangs", "hangs", "completes", "completes")
    for what in ("worker", "supervisor", "both"):
        wait_for_epoch(sweep)
        kill(sweep, what)
        sweep = again(sweep, paths)
    assert finish(sweep) == ["completed", "completed"]
    assert workers_started(paths) == 5


def test_a_sweep_that_was_stopped_goes_on(start, paths):
    sweep = start("hangs", "completes")
    wait_for_epoch(sweep)
    sweep.directory.stop.touch()
    assert finish(sweep) == ["stopped", "stopped"]
    assert finish(again(sweep, paths)) == ["completed", "completed"]


def test_a_reboot_leaves_a_sweep_that_can_be_resumed_once_nothing_was_seen_to_change(start, paths, later):
    sweep = start("is_killed", "completes")
    finish(sweep)
    for state in (sweep.directory.state, *(run.state for run in sweep.runs)):
        state.write_text(state.read_text().replace(read_state(state).boot_id, "another-boot"))
    with pytest.raises(UsageError, match="is being run"):
        again(sweep, paths)
    later(SILENT_S)
    assert finish(again(sweep, paths)) == ["completed", "completed"]


def test_a_resumption_that_waited_runs_nothing_twice(start, paths, monkeypatch):
    """Another one came first, between the question and the answer."""
    sweep = start("is_killed", "completes", "completes")
    finish(sweep)
    wait = monkeypatch.setattr

    def go_on_meanwhile(*arguments):
        wait(resumption, "claimed", claimed)
        finish(again(sweep, paths))
        return claimed(*arguments)

    wait(resumption, "claimed", go_on_meanwhile)
    with pytest.raises(UsageError, match="nothing is left to run: 2 of 2 runs completed"):
        again(sweep, paths)
    assert workers_started(paths) == 3


def test_a_sweep_that_another_process_is_about_to_resume_is_left_to_it(start, paths):
    sweep = start("is_killed", "completes")
    finish(sweep)
    with (
        claimed(sweep.directory.path, "the sweep", "going on with it"),
        pytest.raises(UsageError, match="another tfpt-tui is going on with it"),
    ):
        again(sweep, paths)


def test_a_resumption_that_cannot_be_planned_leaves_no_runs_behind(start, paths, monkeypatch):
    sweep = start("is_killed")
    finish(sweep)
    before = sorted(paths.runs.iterdir())
    made = iter([make_directory(paths.runs, "pytorch", datetime.now())])

    def make_one(*_):
        for path in made:
            return path
        raise MissingError("no room")

    monkeypatch.setattr(resumption, "make_directory", make_one)
    with pytest.raises(MissingError, match="no room"):
        again(sweep, paths)
    assert sorted(paths.runs.iterdir()) == before


def test_a_live_sweep_is_not_resumed(start, paths):
    sweep = start("hangs")
    with pytest.raises(UsageError, match="is being run; follow it with: tfpt-tui runs tail"):
        again(sweep, paths)


def test_runs_that_were_deleted_are_left_out(start, paths):
    sweep = start("is_killed", "is_killed", "completes")
    finish(sweep)
    shutil.rmtree(sweep.runs[0].path)
    rest = rest_of(read_sweep(sweep.directory, paths))
    assert [run.id for run in rest.deleted] == [sweep.runs[0].id]
    resumed = again(sweep, paths)
    wait_until(lambda: owner_of(resumed.directory.state) is None)
    assert status_of(resumed.runs[1]) == "completed"
    assert not resumed.runs[0].path.exists()


def test_the_machine_is_checked_anew_and_a_refusal_changes_nothing(start, paths, fake_python):
    sweep = start("is_killed")
    finish(sweep)
    before = sweep.directory.plan.read_text()
    fake_python.unlink()
    with pytest.raises(MissingError, match="no such interpreter"):
        again(sweep, paths)
    assert sweep.directory.plan.read_text() == before
    assert sorted(path.name for path in paths.runs.glob("2*")) == sorted(run.id for run in sweep.runs)


def test_larger_batches_are_not_tried_after_one_that_ran_out_of_memory(
    paths, dataset, fake_python, monkeypatch, tmp_path
):
    (tmp_path / "sizes.toml").write_text(
        '[grid]\nframework = ["pytorch", "tensorflow"]\nbatch_size = [8, 16, 32]\n[defaults]\nepochs = 1\n'
    )
    monkeypatch.setenv("FAKE_STORY", "completes,runs_out_of_memory,completes")
    plan = make_plan(load_preset(tmp_path / "sizes.toml"), data=str(dataset))
    sweep = submit(plan, load_settings(paths.settings), paths)
    assert finish(sweep) == ["completed", "out_of_memory", "out_of_memory", "completed", "completed", "completed"]
    told = read_toml(sweep.runs[2].result)["error"]["message"]
    assert told == f"not tried: batch_size=16 ran out of memory already ({sweep.runs[1].id})"
    assert workers_started(paths) == 5
