import os
import re
from datetime import datetime

import pytest

from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.runs.record import processes
from tfpt_tui.runs.record.directory import (
    RUN_ID,
    find_run,
    find_sweep,
    first_number,
    list_runs,
    make_directory,
)
from tfpt_tui.runs.record.lock import MachineLock, holder, lock_path, own_lock_path
from tfpt_tui.runs.record.processes import Process, boot_id, identify
from tfpt_tui.runs.record.sweep import find_run_or_sweep

NOW = datetime(2026, 11, 22, 16, 55, 1)


def make(paths, *names):
    for name in names:
        (paths.runs / name).mkdir(parents=True)


def test_a_run_is_named_after_its_time_and_framework(paths):
    path = make_directory(paths.runs, "pytorch", NOW)
    assert re.fullmatch(r"20261122-165501-pytorch-[0-9a-f]{4}", path.name)
    assert RUN_ID.fullmatch(path.name)


def test_names_are_never_given_twice(paths, monkeypatch):
    monkeypatch.setattr("secrets.randbelow", lambda _: 0xFFFF)
    names = [make_directory(paths.runs, "pytorch", NOW).name for _ in range(2)]
    assert [name[-4:] for name in names] == ["ffff", "0000"]


def test_the_runs_of_a_plan_are_listed_in_its_order_though_they_are_made_in_one_second(paths):
    frameworks = ("tensorflow", "pytorch", "pytorch", "tensorflow")
    made = [make_directory(paths.runs, name, NOW, number).name for number, name in enumerate(frameworks, 0x3F9A)]
    assert [run.id for run in list_runs(paths)] == made[::-1]
    assert first_number(0x10000) == 0


def test_runs_are_listed_newest_first_and_nothing_else_is(paths):
    make(paths, "20260101-000000-pytorch-0001", "20261122-165501-tensorflow-3f9a", "notes", ".hidden")
    assert [run.id[:8] for run in list_runs(paths)] == ["20261122", "20260101"]


def test_without_a_directory_there_are_no_runs(paths):
    assert list_runs(paths) == []


def test_an_id_may_be_shortened_to_a_unique_prefix(paths):
    make(paths, "20260101-000000-pytorch-0001", "20261122-165501-tensorflow-3f9a")
    assert find_run(paths, "20261").id == "20261122-165501-tensorflow-3f9a"
    with pytest.raises(UsageError, match="begins the ID of 2 runs"):
        find_run(paths, "2026")
    with pytest.raises(UsageError, match=r"no run in .* begins with '1999'"):
        find_run(paths, "1999")


def test_a_sweep_may_be_named_the_same_way_and_one_that_is_damaged_says_so(paths):
    for name in ("20261122-165501-demo-3f9a", "20261122-165502-demo-3f9b"):
        (paths.sweeps / name).mkdir(parents=True)
        (paths.sweeps / name / "plan.toml").write_text("runs = 3\n")
    with pytest.raises(UsageError, match="begins the ID of 2 sweeps"):
        find_sweep(paths, "2026")
    with pytest.raises(UsageError, match=r"plan\.toml: not a plan of tfpt-tui"):
        find_run_or_sweep("20261122-165501", paths)


def test_a_process_is_told_apart_from_a_later_one_of_the_same_number():
    own = identify(os.getpid())
    assert own.is_alive()
    assert not Process(own.boot_id, own.pid, own.start_time + 1).is_alive()
    assert not Process("another boot", own.pid, own.start_time).is_alive()
    assert not identify(2**22 + 1).is_alive()
    assert own.boot_id == boot_id()


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert processes._start_time(child) == 0
    os.waitpid(child, 0)


def test_the_machine_lock_is_held_by_one_and_names_its_owner():
    first, second = MachineLock(), MachineLock()
    assert first.acquire("sweep A")
    assert not second.acquire("sweep B")
    assert second.owner() == "sweep A"
    assert holder() == "sweep A"
    first.release()
    assert second.acquire("sweep B")
    second.release()
    assert holder() == ""


def test_every_user_of_the_machine_may_lock_it():
    before = os.umask(0o077)
    try:
        lock = MachineLock()
        lock.acquire("me")
        lock.release()
    finally:
        os.umask(before)
    assert lock_path().stat().st_mode & 0o777 == 0o666


@pytest.mark.parametrize("removed", [lock_path, own_lock_path])
def test_a_lock_that_is_removed_while_it_is_held_is_still_held(removed):
    first, second = MachineLock(), MachineLock()
    assert first.acquire("sweep A")
    removed().unlink()
    assert not second.acquire("sweep B")
    first.release()
    assert second.acquire("sweep B")
    second.release()


def put_a_link(path):
    path.symlink_to(path.with_name("elsewhere"))


def put_a_pipe(path):
    os.mkfifo(path)


def put_another_name(path):
    path.with_name("precious").write_text("precious")
    os.link(path.with_name("precious"), path)


@pytest.mark.parametrize("put", [put_a_link, put_a_pipe, put_another_name])
def test_what_somebody_put_in_the_place_of_the_lock_keeps_nobody_from_working(put):
    put(lock_path())
    first, second = MachineLock(), MachineLock()
    assert first.acquire("sweep A")
    assert "cannot lock the machine" in first.problem
    assert not second.acquire("sweep B")
    assert holder() == "sweep A"
    first.release()
    precious = lock_path().with_name("precious")
    assert not precious.exists() or precious.read_text() == "precious"


def test_without_any_lock_it_is_said():
    for path in (lock_path(), own_lock_path()):
        put_a_pipe(path)
    with pytest.raises(MissingError, match="not a regular file; remove it"):
        MachineLock().acquire("sweep A")
