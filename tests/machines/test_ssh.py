"""Other machines by ssh: two hosts of their own on this machine, reached by real OpenSSH."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import closing, suppress

import pytest

from tests.machines.conftest import check_copied, describe
from tests.machines.hosts import HIDDEN, hosts, settings_for, why_none
from tests.waiting import wait_until_late as wait_until
from tfpt_tui.cli.main import run as command
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import load_settings
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.errors import MissingError
from tfpt_tui.machines import connection, follower
from tfpt_tui.machines.check import check_machine
from tfpt_tui.machines.follower import fetch, following
from tfpt_tui.runs.record.contact import read_contact
from tfpt_tui.runs.record.directory import RunDirectory, list_runs, list_sweeps
from tfpt_tui.runs.record.state import machine_of, status_of
from tfpt_tui.runs.record.sweep import read_config, read_sweep

pytestmark = pytest.mark.skipif(bool(why_none()), reason=why_none())


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """Two hosts, of which the second has a place with a blank and a quote in its name."""
    with hosts(tmp_path_factory.mktemp("hosts"), 2) as found:
        yield found


@pytest.fixture
def settings(boxes, monkeypatch, own_directories):
    """The user's config.toml and ssh know both hosts."""
    place = boxes["box1"].home.parent
    file = describe(own_directories, settings_for(boxes, place))
    monkeypatch.setenv("PATH", f"{place / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(follower, "FIRST_WAIT_S", 0.05)
    return file


@pytest.fixture
def machines(settings):
    return load_settings(settings).machines


@pytest.fixture
def dataset_there(boxes, dataset):
    """The dataset is on both hosts already."""
    for box in boxes.values():
        place = box.home / "data" / "tfpt-tui" / "datasets" / "tiny"
        if not place.exists():
            shutil.copytree(dataset, place)


def runs_of(box):
    return find_paths(str(box.home / "data" / "tfpt-tui" / "runs"))


def tell(box, story, **more):
    """Let the workers there tell another story from now on."""
    box.stop()
    box.start(story, **more)


def run_on(names, dataset, *more):
    arguments = ["run", "demo", "--no-duel", "--data", str(dataset), "--on", names, "--headless", *more]
    return command(arguments)


def test_a_plan_runs_on_two_machines_at_once_and_both_are_copied(settings, boxes, dataset, dataset_there, capsys):
    tell(boxes["box1"], "completes")
    tell(boxes["box2"], "completes")
    assert run_on("box1,box2", dataset) == 0
    said = capsys.readouterr()
    assert "[box1 1/2]" in said.err
    assert "[box2 2/2]" in said.err
    assert "box1: PyTorch was 1.00x as fast as TensorFlow" in said.out
    here = find_paths()
    assert sorted(machine_of(run) for run in list_runs(here)) == ["box1", "box1", "box2", "box2"]
    for sweep in list_sweeps(here):
        there = runs_of(boxes[machine_of(sweep)])
        original = next(one for one in list_sweeps(there) if one.id == sweep.id)
        check_copied(read_sweep(original, there), here)
    assert command(["compare", "--by", "machine"]) == 0
    assert "PyTorch on box1 was 1.00x as fast as PyTorch on box2" in capsys.readouterr().out


def test_a_plan_goes_on_while_connections_are_cut_and_no_line_is_lost(machines, boxes, dataset, dataset_there):
    tell(boxes["box1"], "takes_its_time")
    assert run_on("box1", dataset, "--detach", "--rows", "1") == 0
    here, there = find_paths(), runs_of(boxes["box1"])
    sweep = next(one for one in list_sweeps(here) if machine_of(one))
    (run,) = read_sweep(sweep, here).runs
    with following([machines["box1"]], here):
        for _ in range(4):
            time.sleep(0.6)
            boxes["box1"].cut()
        wait_until(lambda: run.result.exists())
    original = next(one for one in list_sweeps(there) if one.id == sweep.id)
    check_copied(read_sweep(original, there), here)
    assert len(run.events.read_text().splitlines()) > 120


def test_stop_reaches_the_machine(settings, boxes, dataset, dataset_there, capsys):
    tell(boxes["box1"], "hangs")
    assert run_on("box1", dataset, "--detach") == 0
    run = capsys.readouterr().out.split()[0]
    wait_until(lambda: status_of(RunDirectory(runs_of(boxes["box1"]).runs / run)) == "running")
    assert command(["runs", "stop", run]) == 0
    assert f"{run}: stopped" in capsys.readouterr().err
    sweep = next(one for one in list_sweeps(find_paths()) if machine_of(one))
    assert command(["runs", "stop", sweep.id]) == 0
    wait_until(lambda: all(status_of(one) == "stopped" for one in list_runs(runs_of(boxes["box1"]))[:2]))


def test_what_was_stopped_goes_on_where_it_was_and_is_run_again_there(
    settings, boxes, dataset, dataset_there, capsys
):
    tell(boxes["box1"], "hangs")
    assert run_on("box1", dataset, "--detach") == 0
    sweep = next(one for one in list_sweeps(find_paths()) if machine_of(one))
    begun = RunDirectory(runs_of(boxes["box1"]).runs / read_sweep(sweep, find_paths()).runs[0].id)
    wait_until(begun.events.exists)  # one of which nothing has come keeps its place
    assert command(["runs", "resume", sweep.id]) == 2
    assert f"{sweep.id}: is being run on box1; follow it with" in capsys.readouterr().err
    assert command(["runs", "stop", sweep.id]) == 0
    tell(boxes["box1"], "completes")
    assert command(["runs", "resume", sweep.id, "--headless"]) == 0
    assert f"{sweep.id}: 0 of 2 runs completed, 2 are left" in capsys.readouterr().err
    resumed = read_sweep(sweep, find_paths())
    assert [status_of(run) for run in resumed.runs] == ["completed"] * 2
    assert resumed.plan.runs[0].replaces
    assert command(["runs", "rerun", resumed.runs[1].id, "--headless"]) == 0
    again = read_sweep(next(one for one in list_sweeps(find_paths()) if machine_of(one)), find_paths())
    assert again.id != sweep.id
    assert [read_config(run) for run in again.runs] == [read_config(resumed.runs[1])]
    there = runs_of(boxes["box1"])
    for one in (sweep, again.directory):
        original = next(found for found in list_sweeps(there) if found.id == one.id)
        check_copied(read_sweep(original, there), find_paths())


def test_two_who_look_at_one_machine_see_the_same(machines, boxes, dataset, dataset_there, tmp_path):
    tell(boxes["box1"], "takes_its_time")
    other = find_paths(str(tmp_path / "other" / "runs"))
    assert run_on("box1", dataset, "--detach", "--rows", "1") == 0
    sweep = next(one for one in list_sweeps(find_paths()) if machine_of(one))
    fetch(machines["box1"], other)
    with following([machines["box1"]], find_paths()), closing(_other_laptop(machines["box1"], other)) as beats:
        copies = [
            RunDirectory(paths.runs / read_sweep(sweep, find_paths()).runs[0].id)
            for paths in (find_paths(), other)
        ]
        wait_until(lambda: next(beats, True) is None and all(one.result.exists() for one in copies))
    assert copies[0].events.read_bytes() == copies[1].events.read_bytes()


def _other_laptop(machine, paths):
    """Follow without the lock of this machine: another laptop has its own."""
    from tfpt_tui.machines.mirror import Mirror

    return follower._beats(machine, Mirror(machine.name, paths), paths)


def test_a_reboot_in_the_middle_is_told_as_a_crash(machines, boxes, dataset, dataset_there):
    from tfpt_tui.runs.record.state import owner_of

    tell(boxes["box1"], "hangs")
    assert run_on("box1", dataset, "--detach", "--rows", "1") == 0
    here, there = find_paths(), runs_of(boxes["box1"])
    sweep = next(one for one in list_sweeps(here) if machine_of(one))
    (run,) = read_sweep(sweep, here).runs
    with following([machines["box1"]], here):
        wait_until(lambda: status_of(run) == "running")
        os.kill(owner_of(there.sweeps / sweep.id / "state.toml").pid, 9)
        boxes["box1"].stop()
        wait_until(lambda: read_contact("box1", here).problem)
        assert status_of(run) == "running"  # nobody knows better yet
        boxes["box1"].start("completes")
        wait_until(lambda: status_of(run) == "crashed")


def test_what_hardware_a_machine_uses_and_does_is_known_while_it_is_heard(machines, boxes, dataset, dataset_there):
    tell(boxes["box2"], "hangs")
    assert run_on("box2", dataset, "--detach") == 0
    here = find_paths()
    with following([machines["box2"]], here):
        wait_until(lambda: read_contact("box2", here).doing == "0 of 2 runs done")
        assert read_contact("box2", here).is_heard(time.time())
    assert not read_contact("box2", here).is_heard(time.time() + 60)
    assert command(["runs", "stop", next(one for one in list_sweeps(here) if machine_of(one)).id]) == 0


@pytest.mark.parametrize("how", ["send", "prepare"])
def test_a_dataset_that_is_missing_is_brought_as_requested(settings, boxes, how, capsys):
    tell(boxes["box1"], "completes")
    hidden = boxes["box1"].home.parent / HIDDEN / "tiny"
    shutil.rmtree(hidden, ignore_errors=True)
    prepare(make_synthetic(limit=16 + len(how), classes=2), Target(hidden), jobs=1)  # as no other test has it
    place = boxes["box1"].home / "data" / "tfpt-tui" / "datasets"
    shutil.rmtree(place, ignore_errors=True)
    assert run_on("box1", hidden) == 3
    assert "--provide prepare makes it there" in capsys.readouterr().err
    assert run_on("box1", hidden, "--provide", how, "--rows", "1") == 0
    assert len(list(place.rglob("*.jpg"))) == len(list(hidden.rglob("*.jpg")))
    assert [name.name for name in place.iterdir()] == ["tiny"]


def test_a_dataset_that_only_the_machine_has_is_found_there_by_its_name(settings, boxes, dataset, dataset_there):
    tell(boxes["box1"], "completes")
    assert run_on("box1", "tiny", "--rows", "1") == 0
    run = list_runs(find_paths())[0]
    assert read_config(run).data == str(boxes["box1"].home / "data" / "tfpt-tui" / "datasets" / "tiny")


def test_names_and_paths_with_blanks_and_quotes_are_never_read_by_a_shell(settings, boxes, dataset, tmp_path):
    tell(boxes["box1"], "completes")
    trap = tmp_path / "trap"
    runs = boxes["box1"].home / f"my 'runs'; touch {str(trap).replace('/', '_')} $(touch {trap.name})"
    text = settings.read_text().replace("[machines.box1]", """[machines."my 'box'; $(touch trap)"]""")
    settings.write_text(text.replace("host = 'box1'", f"host = 'box1'\nruns = {str(runs)!r}".replace('"', '"""')))
    odd = boxes["box1"].home.parent / HIDDEN / "it's; touch 'x' & data"
    shutil.copytree(dataset, odd)
    (name,) = [one for one in load_settings(settings).machines if "trap" in one]
    assert run_on(name, odd, "--provide", "send", "--rows", "1") == 0
    assert [machine_of(run) for run in list_runs(find_paths())] == [name]
    assert len(list(runs.glob("*/result.toml"))) == 1
    assert not list(tmp_path.rglob("trap*"))
    assert not list(boxes["box1"].home.rglob("trap"))


def problem_of(machine):
    """The one line for a machine that cannot be reached."""
    with pytest.raises(MissingError) as caught, connection.connected(machine, connection.Request("find")):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(settings, old, new):
    settings.write_text(settings.read_text().replace(old, new))
    return load_settings(settings).machines["box1"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("host = 'box1'", "host = 'no-such-host.invalid'", "no host of that name"),
        ("-P ", "-c 'import sys; sys.exit(7)' ", "does not start there: exit code 7"),
    ],
)
def test_why_a_machine_is_not_reached_is_one_line_with_what_to_do(settings, boxes, old, new, problem):
    assert problem in problem_of(changed(settings, old, new))


def test_a_command_that_is_not_there_a_closed_port_and_keys_that_do_not_fit(
    settings, boxes, monkeypatch, tmp_path
):
    box, place = boxes["box1"], boxes["box1"].home.parent
    tell(box, "completes")
    machine = load_settings(settings).machines["box1"]
    gone = load_settings(settings).machines["box1"].__class__(**{**vars(machine), "command": "/no/tfpt-tui"})
    assert "'/no/tfpt-tui' is not found there" in problem_of(gone)
    box.stop()
    assert "nothing answers there for ssh" in problem_of(machine)
    box.start()
    key = box.home / "kept" / "host_key"
    kept = {path: path.read_bytes() for path in (key, key.with_suffix(".pub"), place / "key", place / "key.pub")}
    box.stop()
    key.unlink(), key.with_suffix(".pub").unlink()
    box.start()
    assert "its host key is another than before" in problem_of(machine)
    (place / "known_hosts").rename(place / "known_before")
    assert "its host key is not known here" in problem_of(machine)
    (place / "known_before").rename(place / "known_hosts")
    box.stop()
    for path, content in kept.items():
        path.write_bytes(content)
    (place / "key.pub").write_text("")
    box.start()
    assert "it refuses your key" in problem_of(machine)
    (place / "key.pub").write_bytes(kept[place / "key.pub"])
    tell(box, "completes")


def test_another_version_there_is_refused_with_what_to_do(machines, boxes, monkeypatch):
    tell(boxes["box1"], "completes")
    monkeypatch.setattr(connection, "__version__", "9.9")
    assert "box1: has tfpt-tui 0." in problem_of(machines["box1"])
    assert "update the older one" in problem_of(machines["box1"])


def test_a_shell_that_greets_does_not_stand_in_the_way(settings, boxes, dataset, dataset_there):
    tell(boxes["box1"], "completes")
    text = settings.read_text().replace('command = "', "command = \"echo welcome to box; echo '{}'; ", 1)
    settings.write_text(text)
    fetch(load_settings(settings).machines["box1"], find_paths())


def test_check_says_what_works_and_what_does_not(machines, boxes, monkeypatch):
    from tfpt_tui.machines import check

    tell(boxes["box1"], "completes")
    found = {one.topic: one for one in check_machine(machines["box1"])}
    assert found["connection"].message.startswith("box1 answers after")
    assert found["clock difference"].level == "ok"
    assert {"memory", "disk", "cores"} <= set(found)
    there = connection.Greeting("0.0", "box1", 1_000_000.0)
    near = connection.Connection(machines["box1"], there, 1_003_600.0, 1_003_601.0, None, None)
    assert check._judge_clock(near).message.startswith("its clock is 60 min behind ours")
    boxes["box1"].stop()
    (only,) = check_machine(machines["box1"])
    assert (only.level, only.topic) == ("error", "connection")
    boxes["box1"].start()


@pytest.fixture
def small_disk(settings, boxes, dataset):
    """Give the second host a disk of 16 MB for what it records; returns the directories on it."""
    box = boxes["box2"]

    def give(story):
        tell(box, story, disk_mb=16)
        place = box.seen_there(box.home / "data" / "tfpt-tui")
        shutil.copytree(dataset, place / "datasets" / "tiny")
        return find_paths(str(place / "runs"))

    yield give
    tell(box, "completes")


def fill(directory):
    """Take all the room there is; returns the file that has it."""
    filler = directory / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass
    return filler


def test_on_a_full_disk_there_nothing_is_begun_and_nothing_is_left(small_disk, dataset, capsys):
    there, here = small_disk("completes"), find_paths()
    filler = fill(there.runs.parent)
    assert run_on("box2", dataset) == 3
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("tfpt-tui: box2: ")
    assert "no room for a run: about 8 MB are needed, 0.0 MB are free; free some room" in said
    assert list_runs(here) == list_sweeps(here) == list_runs(there) == list_sweeps(there) == []
    filler.unlink()
    assert run_on("box2", dataset) == 0


def test_a_disk_there_that_fills_in_mid_run_costs_no_result_once_there_is_room(small_disk, dataset, capsys):
    there, here = small_disk("hangs,completes,completes"), find_paths()
    assert run_on("box2", dataset, "--detach") == 0
    sweep = next(one for one in list_sweeps(here) if machine_of(one))
    first, _ = read_sweep(sweep, here).runs
    begun = RunDirectory(there.runs / first.id)
    wait_until(begun.events.exists)
    filler = fill(there.runs.parent)
    (there.sweeps / sweep.id / "stop").touch()
    time.sleep(2)
    assert not begun.result.exists()
    filler.unlink()
    wait_until(begun.result.exists)
    assert command(["runs", "resume", sweep.id, "--headless"]) == 0
    resumed = read_sweep(sweep, here)
    assert [status_of(run) for run in resumed.runs] == ["completed"] * 2
    check_copied(resumed, here)


def test_a_copy_that_cannot_be_written_is_a_problem_of_ours_and_goes_on_later(
    machines, boxes, dataset, dataset_there, monkeypatch
):
    from tfpt_tui.machines.mirror import Mirror

    tell(boxes["box1"], "takes_its_time")
    here, full = find_paths(), [True]
    real = Mirror._grow

    def write(self, path, start, content):
        if full[0]:
            raise OSError(28, "No space left on device", str(path))
        real(self, path, start, content)

    assert run_on("box1", dataset, "--detach", "--rows", "1") == 0
    run = next(run for run in list_runs(here) if machine_of(run))
    monkeypatch.setattr(Mirror, "_grow", write)
    with following([machines["box1"]], here):
        wait_until(lambda: "no space left on device; free some room" in read_contact("box1", here).problem)
        full[0] = False
        wait_until(lambda: run.result.exists() and read_contact("box1", here).problem == "")
