"""Plans on a real Slurm: one controller and two nodes on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.machines.cluster import cluster, settings_for, why_none
from tests.machines.conftest import check_copied, copies, describe, latest, original
from tests.waiting import wait_until_late as wait_until
from tfpt_tui.cli.main import run as command
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import load_settings
from tfpt_tui.machines import jobs, slurm, slurm_job
from tfpt_tui.machines.check import check_machine
from tfpt_tui.machines.follower import following
from tfpt_tui.own_process import own_command
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, list_runs, list_sweeps
from tfpt_tui.runs.record.state import owner_of, status_of

needs_slurm = pytest.mark.skipif(bool(why_none()), reason=why_none())


@pytest.fixture(scope="module")
def slurm_here(tmp_path_factory):
    # Not below pytest's own directory, into which nobody else may look, munge neither.
    with cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one


@pytest.fixture
def there(slurm_here, monkeypatch, own_directories):
    """The cluster, as the user's settings describe it; its jobs of other tests are gone."""
    describe(own_directories, settings_for(slurm_here))
    for name, value in slurm_here.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(jobs, "ASK_EVERY_S", 0.5)
    slurm_here.story("completes")
    subprocess.run(["scancel", "--user=root"], check=True)
    wait_until(lambda: not slurm_here.run("squeue", "--noheader").strip())
    return slurm_here


def run_on_it(dataset, *more):
    arguments = ["run", "demo", "--data", str(dataset), "--on", "cluster", "--headless", "--cooldown", "0"]
    return command([*arguments, *more])


def machine():
    return load_settings(find_paths().settings).machines["cluster"]


@needs_slurm
def test_each_repeat_is_a_job_of_its_own_with_all_its_rows_and_all_are_one_answer(there, dataset, capsys):
    assert run_on_it(dataset, "--no-duel", "--repeats", "4") == 0
    assert "PyTorch are equally fast (95 %: 1.00 to 1.00, 4 pairs)" in capsys.readouterr().out
    assert len(copies()) == 4
    for sweep in copies():
        assert [read_result(run).framework for run in sweep.runs] in (
            ["pytorch", "tensorflow"],
            ["tensorflow", "pytorch"],
        )
        check_copied(original(there, sweep), find_paths())
    accounts = ("sacct", "--noheader", "--allocations", "--format=NodeList")
    wait_until(lambda: set(there.run(*accounts).split()) >= {"n1", "n2"})
    assert command(["compare"]) == 0
    assert "4 pairs" in capsys.readouterr().out


@needs_slurm
def test_a_duel_is_one_job(there, dataset):
    assert run_on_it(dataset, "--duel", "--repeats", "2") == 0
    sweep = latest()
    assert len(sweep.runs) == 4
    assert {read_result(run).status for run in sweep.runs} == {"completed"}


@needs_slurm
def test_a_job_that_waits_is_cancelled_and_one_that_runs_stops_its_run(there, dataset, capsys):
    there.story("hangs")
    assert run_on_it(dataset, "--no-duel", "--repeats", "3", "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: sorted(status_of(one.runs[0]) for one in copies()) == ["queued", "running", "running"])
    waiting = next(one for one in copies() if status_of(one.runs[0]) == "queued")
    training = next(one for one in copies() if status_of(one.runs[0]) == "running")
    # All that the waiting job has left is that run.
    for sweep, wish in ((waiting, waiting.runs[0].id), (training, training.id)):
        assert command(["runs", "stop", wish]) == 0
        assert status_of(sweep.runs[0]) == "stopped"
    assert "Slurm ended it: CANCELLED" in read_result(waiting.runs[0]).error.message


@needs_slurm
def test_a_node_that_is_lost_costs_an_attempt_and_no_result(there, dataset):
    there.story("hangs")
    assert run_on_it(dataset, "--no-duel", "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: status_of(latest().runs[0]) == "running" and latest().runs[0].events.exists())
        (first,) = latest().runs
        node = there.run("squeue", "--noheader", "--format=%N").strip()
        there.story("completes")
        there.kill_node(node)
        try:
            wait_until(lambda: latest().runs[0] != first)
            (again,) = latest().runs
            wait_until(lambda: status_of(again) == "completed")
            wait_until(lambda: status_of(first) == "crashed")
        finally:
            there.start_node(node)
    assert "its node was lost, or the job preempted; attempt 2 takes its place" in read_result(first).error.message
    assert latest().plan.runs[0].replaces == (first.id,)
    assert status_of(RunDirectory(find_paths(str(there.runs)).runs / first.id)) == "crashed"
    wait_until(lambda: there.run("sinfo", "--noheader", "--format=%D %t").split() == ["2", "idle"])


@needs_slurm
def test_a_preempted_job_goes_on_with_what_is_left(there, dataset):
    there.story("hangs")
    assert run_on_it(dataset, "--no-duel", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: status_of(latest().runs[0]) == "running" and latest().runs[0].events.exists())
        there.story("completes")
        there.run("scontrol", "requeue", there.run("squeue", "--noheader", "--format=%i").strip())
        wait_until(lambda: [status_of(run) for run in latest().runs] == ["completed", "completed"])
    assert any(one.replaces for one in latest().plan.runs)


@needs_slurm
def test_without_accounts_squeue_tells_how_a_job_ended(there, dataset, monkeypatch, tmp_path):
    (tmp_path / "sacct").write_text("#!/bin/sh\necho 'sacct: error: no slurmdbd' >&2\nexit 1\n")
    (tmp_path / "sacct").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert run_on_it(dataset, "--no-duel", "--rows", "1") == 0
    job = jobs.read_job(original(there, latest()).directory)
    # The run has its result a moment before its job ends.
    wait_until(lambda: slurm.job_states([job, "999999"]) == {job: "COMPLETED"})
    found = {one.topic: one for one in check_machine(machine())}
    assert found["accounts"].level == "note"


@needs_slurm
def test_a_partition_that_is_not_there_is_refused_and_leaves_nothing(there, dataset, capsys):
    settings = find_paths().settings
    settings.write_text(settings.read_text().replace("'all'", "'none'"))
    before = len(list_runs(find_paths(str(there.runs))))
    assert run_on_it(dataset, "--no-duel") == 3
    assert "invalid partition name specified" in capsys.readouterr().err.lower()
    assert len(list_runs(find_paths(str(there.runs)))) == before
    found = {one.topic: one for one in check_machine(machine())}
    assert "no node" in found["Slurm"].message


@needs_slurm
def test_a_controller_that_is_down_is_said_and_nothing_is_taken_for_over(there, dataset, capsys):
    before = len(list_sweeps(find_paths(str(there.runs)))) + 1
    there.story("takes_its_time")
    assert run_on_it(dataset, "--no-duel", "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: status_of(latest().runs[0]) == "running" and latest().runs[0].events.exists())
    controller = next(one for one in there.started if "slurmctld" in str(one.args))
    controller.terminate()  # it saves which jobs there are
    controller.wait()
    try:
        assert run_on_it(dataset, "--no-duel", "--rows", "1", "--detach") == 3
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("tfpt-tui:")]
        assert "cluster: Slurm refuses the job:" in line
        assert len(list_sweeps(find_paths(str(there.runs)))) == before
        found = {one.topic: one for one in check_machine(machine())}
        assert found["Slurm"].level == "error"
        with following([machine()], find_paths()):
            wait_until(lambda: status_of(latest().runs[0]) == "completed")
    finally:
        there.daemon("/usr/sbin/slurmctld", "-D")
    wait_until(lambda: slurm._run("sinfo", "--noheader") != "")


def test_a_plan_is_parted_where_nothing_is_compared_across(paths, dataset):
    from tfpt_tui.config.presets import find_preset
    from tfpt_tui.runs.plan.duel import Duel
    from tfpt_tui.runs.plan.plan import make_plan

    demo = find_preset("demo", paths)
    plan = make_plan(demo, data=str(dataset), repeats=3)
    assert [[run.repeat for run in part.runs] for part in jobs.parts_of(plan)] == [[1, 1], [2, 2], [3, 3]]
    for whole in (
        make_plan(demo, data=str(dataset), repeats=3, burn_in=True),
        make_plan(demo, data=str(dataset), duel=Duel()),
    ):
        assert jobs.parts_of(whole) == [whole]


@pytest.mark.parametrize(
    ("state", "status"),
    [("CANCELLED", "stopped"), ("TIMEOUT", "timeout"), ("OUT_OF_MEMORY", "out_of_memory"), ("FAILED", "crashed"),
     ("NODE_FAIL", "crashed"), (slurm.GONE, "crashed")],
)  # fmt: skip
def test_what_a_job_left_undone_gets_the_ending_that_slurm_told(start, paths, state, status):
    sweep = start("hangs")
    run = sweep.runs[1]
    slurm._settle(sweep.directory, "7", state, paths)
    assert read_result(run).status == status
    assert read_result(run).error.message.startswith("job 7: ")


def test_a_node_runs_what_is_left_where_the_rest_completed_on_another(start, paths):
    sweep = start("completes")
    wait_until(lambda: all(run.result.exists() for run in sweep.runs))
    wait_until(lambda: owner_of(sweep.directory.state) is None)
    done, left = sweep.runs
    shutil.rmtree(done.path)
    for file in left.path.iterdir():
        if file not in (left.config, left.state):
            file.unlink()
    places = str(sweep.directory.path), str(paths.runs)
    subprocess.run(own_command("tfpt_tui.machines.ray_node", *places, str(os.getpid())), check=True)
    assert read_result(left).status == "completed"
    assert not done.path.exists()


def test_what_a_node_lacks_stands_in_the_results_of_its_runs(start, paths, monkeypatch, dataset):
    sweep = start("completes")
    wait_until(lambda: all(run.result.exists() for run in sweep.runs))
    for run in sweep.runs:
        run.result.unlink()
    monkeypatch.setattr(slurm_job, "die_with_parent", lambda pid: None)
    hidden = dataset.with_name("hidden")
    shutil.move(dataset, hidden)
    try:
        slurm_job.run_sweep(str(sweep.directory.path), str(paths.runs))
    finally:
        shutil.move(hidden, dataset)
    assert [read_result(run).status for run in sweep.runs] == ["failed", "failed"]
    assert "no such dataset directory" in read_result(sweep.runs[0]).error.message
