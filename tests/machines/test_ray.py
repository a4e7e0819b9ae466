"""Plans on a real Ray cluster: a head and two nodes on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.machines.conftest import check_copied, copies, describe, latest, original
from tests.machines.ray_nodes import ray_cluster, settings_for, why_none
from tests.waiting import wait_until as wait_within
from tests.waiting import wait_until_late as wait_until
from tfpt_tui.cli.main import run as command
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import load_settings
from tfpt_tui.hardware.processes import command_lines
from tfpt_tui.machines import follower, jobs
from tfpt_tui.machines.check import check_machine
from tfpt_tui.machines.follower import following
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.state import machine_of, status_of

pytestmark = pytest.mark.skipif(bool(why_none()), reason=why_none())


@pytest.fixture(scope="module")
def ray_here(tmp_path_factory):
    with ray_cluster(tmp_path_factory.mktemp("ray")) as one:
        yield one


@pytest.fixture
def there(ray_here, monkeypatch, own_directories):
    """The cluster, as the user's settings describe it."""
    describe(own_directories, settings_for(ray_here))
    for name, value in ray_here.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(jobs, "ASK_EVERY_S", 0.5)
    monkeypatch.setattr(follower, "LONGEST_WAIT_S", 1.0)
    ray_here.story("completes")
    return ray_here


def run_on_it(dataset, *more):
    arguments = [
        "run",
        "demo",
        "--data",
        str(dataset),
        "--on",
        "ray",
        "--headless",
        "--cooldown",
        "0",
        "--no-duel",
    ]
    return command([*arguments, *more])


def machine():
    return load_settings(find_paths().settings).machines["ray"]


def supervisors():
    """The processes that run a sweep for a task."""
    return [pid for pid, words in command_lines().items() if "tfpt_tui.machines.ray_node" in words]


def variables_of(pid):
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.partition("=")[::2] for line in lines)


def statuses():
    """Of the runs of the latest sweep."""
    return [status_of(run) for run in latest().runs]


def stop_all():
    for sweep in copies():
        command(["runs", "stop", sweep.id])
    wait_until(lambda: not supervisors())


def test_each_repeat_is_a_task_and_all_come_back_whole(there, dataset, capsys):
    assert run_on_it(dataset, "--repeats", "4") == 0
    assert "PyTorch are equally fast (95 %: 1.00 to 1.00, 4 pairs)" in capsys.readouterr().out
    assert len(copies()) == 4
    for sweep in copies():
        check_copied(original(there, sweep), find_paths())
        assert {machine_of(run) for run in sweep.runs} == {"ray"}
    assert {machine_of(one.directory) for one in (original(there, sweep) for sweep in copies())} == {"r1", "r2"}


def test_a_plan_with_the_slot_of_a_node_finds_it_as_the_node_was_started(there, dataset):
    """Ray allows a task that takes no CPU one thread of OpenMP: the training would be timed with one."""
    there.story("hangs")
    assert run_on_it(dataset, "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: status_of(latest().runs[0]) == "running")
        own = variables_of(supervisors()[0])
        stop_all()
    assert own["XDG_DATA_HOME"] == str(there.place / machine_of(original(there, latest()).directory) / "data")
    assert not own.keys() & {"OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "TFPT_TUI_SHARED_HOST"}


def test_plans_that_take_a_gpu_each_share_a_node_and_say_so(there, dataset):
    settings = find_paths().settings
    settings.write_text(settings.read_text() + "resources = { num_gpus = 1 }\n")
    there.story("hangs")
    assert run_on_it(dataset, "--repeats", "3", "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: [status_of(one.runs[0]) for one in copies()] == ["running"] * 3)
        gpus = [(own["XDG_DATA_HOME"], own["CUDA_VISIBLE_DEVICES"]) for own in map(variables_of, supervisors())]
        stop_all()
    assert len(set(gpus)) == 3
    for sweep in copies():
        assert "shared_host" in {warning.code for warning in read_result(sweep.runs[0]).warnings}


def test_a_request_to_stop_reaches_the_node_and_what_waits_never_begins(there, dataset):
    there.story("hangs")
    assert run_on_it(dataset, "--repeats", "3", "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: sorted(status_of(one.runs[0]) for one in copies()) == ["queued", "running", "running"])
    waiting = next(one for one in copies() if status_of(one.runs[0]) == "queued")
    wishes = {waiting.id: waiting.runs[0].id}  # all that the waiting task has left
    for sweep in (waiting, *(one for one in copies() if one.id != waiting.id)):
        assert command(["runs", "stop", wishes.get(sweep.id, sweep.id)]) == 0
        assert status_of(sweep.runs[0]) == "stopped"
    assert "before a node was free" in read_result(waiting.runs[0]).error.message
    wait_until(lambda: not supervisors())


def test_a_worker_that_is_killed_costs_an_attempt_of_its_own_and_leaves_nothing(there, dataset):
    there.story("hangs")
    assert run_on_it(dataset, "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: status_of(latest().runs[0]) == "running" and latest().runs[0].events.exists())
        (first,), (supervisor,) = latest().runs, supervisors()
        there.story("completes")
        os.kill(int(Path(f"/proc/{supervisor}/stat").read_text().rsplit(")")[1].split()[1]), signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{supervisor}").exists())
        wait_until(lambda: latest().runs[0] != first and status_of(latest().runs[0]) == "completed")
        wait_until(lambda: status_of(first) == "crashed")
    assert "attempt 2 takes its place" in read_result(first).error.message
    assert latest().plan.runs[0].replaces == (first.id,)


def test_a_node_that_is_lost_costs_an_attempt_and_its_own_process_ends(there, dataset):
    there.story("completes,hangs")
    assert run_on_it(dataset, "--detach") == 0
    with following([machine()], find_paths()):
        # One of which nothing has come is no attempt: the next one has its place.
        wait_until(lambda: statuses() == ["completed", "running"] and latest().runs[1].events.exists())
        (done, first), (supervisor,) = latest().runs, supervisors()
        node = machine_of(original(there, latest()).directory)
        there.story("completes")
        there.kill(node)
        try:
            wait_until(lambda: not Path(f"/proc/{supervisor}").exists())
            wait_until(lambda: latest().runs[1] != first and statuses() == ["completed"] * 2)
        finally:
            there.start_node(node)
    # What is paired stays on one node: the row that had completed ran once more, too.
    assert [entry.replaces for entry in latest().plan.runs] == [(done.id,), (first.id,)]
    assert machine_of(original(there, latest()).directory) != node
    there.wait_for(node)
    wait_until(lambda: there.nodes() == 3)


def test_check_says_how_many_plans_the_cluster_runs_and_that_nobody_else_may(there):
    """Without a token it is not answered; no more is somebody who has another one."""
    code = "import ray, sys; ray.init(address=sys.argv[1], logging_level='CRITICAL'); print(ray.nodes())"
    other = subprocess.Popen(
        [sys.executable, "-c", code, there.address],
        env={**os.environ, "RAY_AUTH_TOKEN": "0" * 32},
        stderr=subprocess.DEVNULL,
    )
    found = {one.topic: one for one in check_machine(machine())}
    assert (found["cluster"].level, found["cluster"].message) == ("ok", "3 nodes, room for 2 plans at a time")
    assert found["authentication"].level == "ok"
    assert other.wait(100) != 0


def test_what_no_node_offers_is_refused_at_once(there, dataset, capsys):
    settings = find_paths().settings
    settings.write_text(settings.read_text() + "resources = { tpu = 1 }\n")
    assert run_on_it(dataset) == 3
    assert "ray: Ray: no node offers tpu = 1" in capsys.readouterr().err


def test_a_head_that_is_killed_is_said_and_its_plans_have_crashed_once_it_is_back(there, dataset):
    there.story("hangs")
    assert run_on_it(dataset, "--rows", "1", "--detach") == 0
    with following([machine()], find_paths()):
        wait_until(lambda: status_of(latest().runs[0]) == "running")
        there.kill("head")
        assert status_of(latest().runs[0]) == "running"  # nobody knows better yet
        for node in [name for name in there.started if name != "head"]:
            there.kill(node)  # a head is not started beside what still looks for the one before
        there.start_head()
        there.wait_for("head")
        # A driver that looked while the head was away gives up after a minute, and another one takes its place.
        wait_within(lambda: status_of(latest().runs[0]) == "crashed", 220)
    assert not supervisors()
    assert "the head of the Ray cluster was lost" in read_result(latest().runs[0]).error.message
