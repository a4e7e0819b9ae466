import dataclasses

import pytest

from tfpt_tui.backends.cores import physical_cores
from tfpt_tui.backends.network import check_parameters, count_parameters
from tfpt_tui.events import ModelSummary


def test_with_100_classes_the_parameters_are_those_of_the_article():
    assert count_parameters(100) == (270_948, 704)


def test_another_network_is_refused():
    right = ModelSummary((), 271_652, 270_948, 704)
    check_parameters(right, 100)
    with pytest.raises(RuntimeError, match="are wanted"):
        check_parameters(dataclasses.replace(right, trainable=270_949), 100)
    with pytest.raises(RuntimeError, match="are wanted"):
        check_parameters(right, 10)


def machine(tmp_path, monkeypatch, cores, quota=""):
    """A machine of logical processors given by (socket, core), and a cgroup."""
    for cpu, (socket, core) in enumerate(cores):
        topology = tmp_path / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text(f"{socket}\n")
        (topology / "core_id").write_text(f"{core}\n")
    if quota:
        (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(len(cores))))
    return tmp_path, tmp_path


def test_two_threads_of_a_core_count_once(tmp_path, monkeypatch):
    assert physical_cores(*machine(tmp_path, monkeypatch, [(0, 0), (0, 0), (0, 1), (1, 0)])) == 3


def test_cores_that_are_not_allowed_do_not_count(tmp_path, monkeypatch):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(8)])
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2, 5})
    assert physical_cores(*where) == 2


@pytest.mark.parametrize(
    ("quota", "cores"), [("200000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 4), ("", 4)]
)
def test_the_quota_of_a_container_counts(tmp_path, monkeypatch, quota, cores):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(4)], quota)
    assert physical_cores(*where) == cores


def test_the_quota_of_an_old_cgroup_counts(tmp_path, monkeypatch):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(4)])
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("300000\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert physical_cores(*where) == 3


def test_a_kernel_that_tells_no_topology_has_as_many_cores_as_processors(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert physical_cores(tmp_path, tmp_path) == 3
