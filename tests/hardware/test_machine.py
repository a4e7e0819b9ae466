"""The facts of environment.toml, read from trees of machines that are not at hand."""

import os
from pathlib import Path

import pytest

from tfpt_tui.cgroup import find_quota, memory_limit_bytes, throttled_s
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.machine import describe_machine
from tfpt_tui.hardware.machine_snapshot import GpuDriver, snapshot_document, snapshot_from
from tfpt_tui.hardware.memory import available_bytes, describe_memory, shared_memory_bytes
from tfpt_tui.hardware.processor import describe_processor, parse_cores, spared_cores
from tfpt_tui.hardware.storage import describe_directory
from tfpt_tui.hardware.system import describe_system

CPU = "sys/devices/system/cpu"
MEMINFO = "MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\nHugePages_Total: 0\n"

# One socket with two cores of two threads each; the last thread is not ours.
SMT = {
    "proc/cpuinfo": "processor : 0\nmodel name : A Processor\nflags : fpu sse\n",
    "proc/self/status": "Name:\tpython\nCpus_allowed_list:\t0-2\n",
    f"{CPU}/online": "0-3\n",
    f"{CPU}/smt/active": "1\n",
    f"{CPU}/intel_pstate/no_turbo": "1\n",
    **{f"{CPU}/cpu{core}/topology/physical_package_id": "0\n" for core in range(4)},
    **{f"{CPU}/cpu{core}/topology/core_id": f"{core // 2}\n" for core in range(4)},
    **{f"{CPU}/cpu{core}/cpufreq/scaling_governor": "powersave\n" for core in range(4)},
    **{f"{CPU}/cpu{core}/cpufreq/scaling_cur_freq": f"{1000000 + 200000 * core}\n" for core in range(4)},
    **{f"{CPU}/cpu{core}/cpufreq/scaling_min_freq": "800000\n" for core in range(4)},
    **{f"{CPU}/cpu{core}/cpufreq/scaling_max_freq": "3600000\n" for core in range(4)},
}


def test_a_processor_tells_its_cores_and_what_decides_their_speed(tree):
    assert describe_processor(tree(SMT)) == {
        "processor": "A Processor",
        "sockets": 1,
        "physical_cores": 2,
        "logical_cores": 4,
        "allowed_cores": "0-2",
        "governor": "powersave",
        "frequency_mhz": 1300,
        "frequency_min_mhz": 800,
        "frequency_max_mhz": 3600,
        "turbo": False,
        "smt": True,
    }


def test_cores_that_could_be_plugged_in_are_not_ours(tree):
    root = tree(SMT | {"proc/self/status": "Cpus_allowed_list:\t2-127\n"})
    assert describe_processor(root)["allowed_cores"] == "2,3"


def big(physical, allowed="0-63"):
    """A machine of that many physical cores with two threads each, numbered as Linux does: siblings last."""
    cores = range(2 * physical)
    return {
        "proc/self/status": f"Cpus_allowed_list:\t{allowed}\n",
        **{
            f"{CPU}/cpu{core}/topology/physical_package_id": f"{core % physical * 2 // physical}\n"
            for core in cores
        },
        **{f"{CPU}/cpu{core}/topology/core_id": f"{core % physical % (physical // 2)}\n" for core in cores},
    }


@pytest.mark.parametrize(
    ("physical", "allowed", "threads", "spared"),
    [
        (16, "0-31", 0, (15, 31)),
        (32, "0-63", 0, (31, 63)),
        (14, "0-27", 0, ()),
        (32, "0-7", 0, ()),  # few of many are ours
        (32, "0-15", 0, (15,)),
        (16, "0-31", 15, (15, 31)),
        (16, "0-31", 16, ()),  # whoever wants them all has them
    ],
)
def test_of_many_cores_one_is_left_to_us(tree, physical, allowed, threads, spared):
    assert spared_cores(threads, tree(big(physical, allowed))) == spared


def test_turbo_of_other_makers_stands_in_another_file(tree):
    assert describe_processor(tree({f"{CPU}/cpufreq/boost": "1"}))["turbo"] is True


def test_what_a_machine_does_not_tell_is_left_out(tree):
    facts = snapshot_document(describe_machine(GpuReading(problem="no GPU"), tree({}), {}))
    assert set(facts["machine"]) == {"system", "processor"}  # both from Python itself
    assert facts["gpu"] == {"problem": "no GPU"}
    assert "gpus" not in facts


def test_this_machine_is_described():
    facts = describe_machine(GpuReading()).machine
    assert facts["memory_bytes"] > 10**8
    assert len(parse_cores(facts["allowed_cores"])) == len(os.sched_getaffinity(0))
    assert facts["host"]
    assert facts["load_1m"] >= 0


def test_variables_that_change_a_framework_are_kept_and_no_others():
    secrets = {"NVIDIA_API_KEY": "a", "TF_TOKEN_app_terraform_io": "b", "PYTORCH_TOKEN": "c", "CUDA_SECRET": "d"}
    variables = {**secrets, "TF_ENABLE_ONEDNN_OPTS": "1", "OMP_NUM_THREADS": "3"}
    assert describe_machine(GpuReading(), variables=variables).variables == {
        "OMP_NUM_THREADS": "3",
        "TF_ENABLE_ONEDNN_OPTS": "1",
    }
    assert snapshot_from({"variables": variables}).variables.keys().isdisjoint(secrets)


def test_every_gpu_has_a_table_of_its_own():
    reading = GpuReading(driver="570.1", cuda_driver="12.8", facts=({"name": "H200"}, {"name": "T4"}))
    facts = describe_machine(reading)
    assert facts.gpus == ({"name": "H200"}, {"name": "T4"})
    assert facts.gpu == GpuDriver(driver="570.1", cuda_driver="12.8")


@pytest.mark.parametrize(
    ("files", "variables", "container"),
    [
        ({}, {}, None),
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": "", ".dockerenv": ""}, {}, "podman"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({"run/systemd/container": "lxc\n"}, {}, "lxc"),
        ({"proc/1/cgroup": "1:cpu:/kubepods/besteffort/pod1"}, {}, "kubernetes"),
        ({"proc/1/cgroup": "0::/init.scope"}, {}, None),
    ],
)
def test_a_container_is_known_by_what_it_leaves(tree, files, variables, container):
    assert describe_system(tree(files), variables).get("container") == container


@pytest.mark.parametrize(
    ("files", "virtualization"),
    [
        ({"proc/cpuinfo": "flags : fpu sse\n"}, None),
        ({"proc/cpuinfo": "flags : fpu hypervisor sse\n"}, "virtual machine"),
        ({"proc/cpuinfo": "flags : fpu hypervisor\n", "sys/class/dmi/id/sys_vendor": "QEMU\n"}, "QEMU"),
        ({"sys/hypervisor/type": "xen\n"}, "xen"),
    ],
)
def test_a_virtual_machine_is_known_by_its_hypervisor(tree, files, virtualization):
    assert describe_system(tree(files), {}).get("virtualization") == virtualization


def test_the_system_tells_its_names(tree):
    files = {
        "proc/sys/kernel/hostname": "anvil\n",
        "proc/sys/kernel/osrelease": "6.18.1\n",
        "proc/sys/kernel/random/boot_id": "b00t\n",
        "proc/loadavg": "1.25 1 1 1/2 3\n",
        "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
    }
    assert describe_system(tree(files), {}) == {
        "host": "anvil",
        "system": "Linux",
        "kernel": "6.18.1",
        "distribution": "Debian GNU/Linux 12",
        "boot_id": "b00t",
        "load_1m": 1.25,
    }


def test_the_tightest_quota_of_version_2_counts_and_so_do_its_delays(tree):
    root = tree(
        {
            "proc/self/cgroup": "0::/pod/box\n",
            "sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pod/cpu.stat": "nr_throttled 4\nthrottled_usec 2500000\n",
            "sys/fs/cgroup/pod/box/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod/box/cpu.stat": "nr_throttled 0\nthrottled_usec 0\n",
            "sys/fs/cgroup/pod/memory.max": "300000\n",
            "sys/fs/cgroup/pod/box/memory.max": "max\n",
        }
    )
    quota = find_quota(root)
    assert quota.cores == 1.5
    assert throttled_s(quota) == 2.5
    assert describe_processor(root)["cpu_quota"] == 1.5
    assert memory_limit_bytes(root) == 300000


def test_a_quota_of_version_1_is_found_although_the_path_is_the_hosts(tree):
    root = tree(
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/1234\n7:memory:/docker/1234\n0::/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/cpu.stat": "nr_throttled 1\nthrottled_time 3000000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "500000\n",
        }
    )
    quota = find_quota(root)
    assert (quota.cores, throttled_s(quota)) == (0.5, 3.0)
    assert memory_limit_bytes(root) == 500000


def test_no_limit_is_no_fact(tree):
    root = tree(
        {
            "proc/self/cgroup": "1:cpu:/\n4:memory:/a\n0::/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    assert find_quota(root) is None
    assert memory_limit_bytes(root) is None


def test_memory_is_told_in_bytes(tree):
    root = tree({"proc/meminfo": MEMINFO, "dev/shm/file": ""})
    facts = describe_memory(root)
    assert (facts["memory_bytes"], facts["swap_bytes"]) == (1000 * 1024, 200 * 1024)
    assert facts["shm_bytes"] == shared_memory_bytes(root / "dev/shm")[0]
    assert facts["shm_bytes"] >= facts["shm_free_bytes"] > 0


def test_no_more_memory_is_available_than_the_limit(tree):
    files = {"proc/meminfo": MEMINFO, "proc/self/cgroup": "0::/\n"}
    assert available_bytes(tree(files)) == 600 * 1024
    assert available_bytes(tree({**files, "sys/fs/cgroup/memory.max": "1000\n"})) == 1000


def test_what_a_group_has_used_is_not_available_but_for_files_that_can_be_dropped(tree):
    files = {"proc/meminfo": MEMINFO, "proc/self/cgroup": "0::/a\n"}
    group = {
        "sys/fs/cgroup/a/memory.max": "100000\n",
        "sys/fs/cgroup/a/memory.current": "70000\n",
        "sys/fs/cgroup/a/memory.stat": "anon 40000\ninactive_file 20000\nactive_file 5000\nshmem 5000\n",
    }
    assert available_bytes(tree({**files, **group})) == 100000 - 70000 + 25000


def test_what_a_group_of_version_1_has_used_is_not_available(tree):
    files = {"proc/meminfo": MEMINFO, "proc/self/cgroup": "7:memory:/docker/1\n"}
    group = {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "100000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "70000\n",
        "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 10000\ntotal_active_file 0\n",
    }
    assert available_bytes(tree({**files, **group})) == 40000


def test_a_machine_without_shared_memory_has_no_size_of_it(tmp_path):
    assert shared_memory_bytes(tmp_path / "none") is None


def test_a_directory_lies_on_the_mount_that_is_nearest_to_it(tree):
    mounts = (
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "28 27 0:9 / /mnt/my\\040data rw shared:1 - xfs /dev/sda1 rw\n"
        "29 27 0:8 / /mnt/my\\040data/deep rw - nfs4 server:/deep rw\n"
    )
    root = tree({"proc/self/mountinfo": mounts})
    assert describe_directory(Path("/mnt/my data/set"), root) == {
        "path": "/mnt/my data/set",
        "filesystem": "xfs",
        "device": "/dev/sda1",
    }
    assert describe_directory(Path("/mnt/my"), root)["filesystem"] == "ext4"


def test_a_mount_on_another_hides_it(tree):
    mounts = "1 1 0:1 / /data rw - ext4 /dev/a rw\n2 1 0:2 / /data rw - tmpfs tmpfs rw\n"
    assert describe_directory(Path("/data"), tree({"proc/self/mountinfo": mounts}))["filesystem"] == "tmpfs"
