import pytest

from tfpt_tui.cores import CPUS, physical_cores, processes_at_once


def machine(tmp_path, monkeypatch, cores, quota=""):
    """A machine of logical processors given by (socket, core), and a cgroup."""
    for cpu, (socket, core) in enumerate(cores):
        topology = tmp_path / CPUS / f"cpu{cpu}/topology"
        topology.mkdir(parents=True)
        (topology / "physical_package_id").write_text(f"{socket}\n")
        (topology / "core_id").write_text(f"{core}\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    if quota:
        (group / "cpu.max").write_text(quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(len(cores))))
    return tmp_path


def test_two_threads_of_a_core_count_once(tmp_path, monkeypatch):
    assert physical_cores(machine(tmp_path, monkeypatch, [(0, 0), (0, 0), (0, 1), (1, 0)])) == 3


def test_cores_that_are_not_allowed_do_not_count(tmp_path, monkeypatch):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(8)])
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2, 5})
    assert physical_cores(where) == 2


@pytest.mark.parametrize(
    ("quota", "cores"), [("200000 100000\n", 2), ("50000 100000\n", 1), ("max 100000\n", 4), ("", 4)]
)
def test_the_quota_of_a_container_counts(tmp_path, monkeypatch, quota, cores):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(4)], quota)
    assert physical_cores(where) == cores


@pytest.mark.parametrize(("quota", "processes"), [("250000 100000\n", 3), ("max 100000\n", 4)])
def test_no_more_processes_than_the_quota_lets_compute_at_once(tmp_path, monkeypatch, quota, processes):
    where = machine(tmp_path, monkeypatch, [(0, 0), (0, 0), (0, 1), (0, 1)], quota)
    assert processes_at_once(where) == processes


def test_the_quota_of_an_old_cgroup_counts(tmp_path, monkeypatch):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(4)])
    group = where / "sys/fs/cgroup/cpu"
    group.mkdir()
    (group / "cpu.cfs_quota_us").write_text("300000\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    assert physical_cores(where) == 3


def test_the_quota_of_the_group_that_we_are_in_counts(tmp_path, monkeypatch):
    where = machine(tmp_path, monkeypatch, [(0, core) for core in range(4)], "max 100000\n")
    (where / "proc/self").mkdir(parents=True)
    (where / "proc/self/cgroup").write_text("0::/system.slice/job\n")
    (where / "sys/fs/cgroup/system.slice/job").mkdir(parents=True)
    (where / "sys/fs/cgroup/system.slice/job/cpu.max").write_text("200000 100000\n")
    assert physical_cores(where) == 2


def test_a_kernel_that_tells_no_topology_has_as_many_cores_as_processors(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert physical_cores(tmp_path) == 3
