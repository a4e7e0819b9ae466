"""Memory, shared memory and what else uses the machine: judged by pure functions, read from trees."""

import dataclasses

import pytest

from tfpt_tui.environments.doctor import machine
from tfpt_tui.environments.doctor.machine import MachineFacts, judge_machine, read_machine
from tfpt_tui.environments.doctor.processor import ProcessorFacts
from tfpt_tui.hardware import preflight
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.preflight import Conditions

MIB, GIB = 1 << 20, 1 << 30
FINE = MachineFacts(
    shared_memory=(8 * GIB, 8 * GIB),
    available_bytes=16 * GIB,
    conditions=Conditions(cores=4, memory_bytes=16 * GIB),
)


def judge(topic, **changes):
    """The one finding on a topic."""
    (finding,) = [
        finding for finding in judge_machine(dataclasses.replace(FINE, **changes)) if finding.topic == topic
    ]
    return finding


def test_a_machine_in_order_is_told_with_what_was_measured():
    findings = {finding.topic: finding for finding in judge_machine(FINE)}
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert not any(finding.remedy for finding in findings.values())
    assert findings["memory"].message == "16.0 GiB available"
    assert findings["shared memory"].message == "8.0 GiB of 8.0 GiB free"
    assert findings["other load"].message == "others use 0% of the processor"


def test_a_machine_that_tells_nothing_is_not_judged_where_nothing_is_known():
    topics = {finding.topic for finding in judge_machine(MachineFacts())}
    assert topics == {"shared memory", "clock", "variables"}


@pytest.mark.parametrize(
    ("available", "level", "words"),
    [
        (GIB - 1, "error", "a framework alone takes about 1 GiB"),
        (GIB, "warning", "may run out of it"),
        (4 * GIB, "ok", "4.0 GiB available"),
    ],
)
def test_memory_is_judged_by_what_a_worker_takes(available, level, words):
    finding = judge("memory", available_bytes=available)
    assert (finding.level, words in finding.message) == (level, True)
    assert ("ps aux" in finding.remedy) == (level != "ok")


def test_a_limit_of_the_control_group_is_named_where_it_is_the_bound():
    finding = judge("memory", available_bytes=2 * GIB, left_bytes=2 * GIB)
    assert "2.0 GiB available, which is all that the control group's limit leaves" in finding.message
    assert "--memory of docker run" in finding.remedy
    assert "limit" not in judge("memory", available_bytes=2 * GIB, left_bytes=3 * GIB).message


def test_the_shared_memory_of_a_container_is_told_in_workers_and_caches():
    finding = judge("shared memory", shared_memory=(64 * MIB, 64 * MIB), container="docker")
    assert finding.level == "warning"
    assert finding.message == (
        "64 MiB of 64 MiB free: the batches of 85 loader workers fit (batch_size=32),"
        " a cache of CIFAR-100 does not (154 MB, 614 MB on the track published)"
    )
    assert finding.remedy == "start the container with --shm-size=8g, or with --ipc=host"


def test_shared_memory_that_holds_the_usual_cache_lacks_room_for_the_articles_alone():
    finding = judge("shared memory", shared_memory=(512 * MIB, 512 * MIB))
    assert "a cache of CIFAR-100 does not (614 MB on the track published)" in finding.message
    assert "remount,size=8g" in finding.remedy


def test_a_machine_without_shared_memory_is_warned_of():
    finding = judge("shared memory", shared_memory=None)
    assert (finding.level, "no /dev/shm" in finding.message) == ("warning", True)
    assert "mount -t tmpfs" in finding.remedy
    assert "--shm-size" in judge("shared memory", shared_memory=None, container="podman").remedy


def test_shared_memory_that_cannot_be_written_holds_nothing():
    finding = judge("shared memory", shared_memory=(64 * MIB, 64 * MIB), shared_memory_writable=False)
    assert (finding.level, "cannot be written" in finding.message) == ("warning", True)


def test_a_limit_of_the_address_space_is_told():
    found = judge_machine(dataclasses.replace(FINE, address_space_bytes=GIB))
    assert [one.remedy for one in found if one.level == "warning"] == ["ulimit -v unlimited"]


def conditions(**changes):
    return {"conditions": dataclasses.replace(FINE.conditions, **changes)}


def test_what_a_run_would_be_warned_of_is_told_before_it():
    finding = judge("other load", **conditions(busy_share=0.63, busiest="stress (77)"))
    assert finding.level == "warning"
    assert finding.message == "other processes used 63% of the 4 cores just now, most of it stress (77)"
    assert finding.remedy == "end them"


def test_other_processes_on_the_gpu_and_other_runs_are_told():
    assert "computed on the GPU just now (pid 5)" in judge("other load", **conditions(gpu_processes=(5,))).message
    own = judge("other load", **conditions(workers=(9,), busy_share=0.9))
    assert (own.level, "a training of tfpt-tui is running" in own.message) == ("note", True)
    assert "end" not in own.remedy.split()


def test_swap_in_use_is_told():
    finding = judge("swap", **conditions(swap_used_bytes=GIB))
    assert (finding.level, finding.message) == ("warning", "1024 MiB were in swap just now")
    assert finding.remedy == "free memory before the run"


def test_every_warning_of_a_start_has_a_topic():
    worst = Conditions(
        cores=1,
        busy_share=1.0,
        gpu_processes=(1,),
        swap_used_bytes=2,
        memory_bytes=1,
        workers=(3,),
        is_shared=True,
    )
    assert {warning.code for warning in preflight.judge_start(worst)} == set(machine.TOPICS)


class FakeReader:
    """A GPU reader that starts no thread and knows no GPU."""

    stopped = False

    def start(self):
        return self

    def refresh(self):
        return None

    def latest(self):
        return GpuReading(problem="no GPU")

    def stop(self):
        FakeReader.stopped = True


def test_a_machine_is_read_from_its_files(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "WATCH_S", 0.0)
    monkeypatch.setattr(machine, "GpuReader", FakeReader)
    root = tree(
        {
            ".dockerenv": "",
            "dev/shm/file": "",
            "proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n",
            "proc/self/cgroup": "0::/\n",
            "proc/self/status": "Cpus_allowed_list:\t0-1\n",
            "proc/stat": "cpu0 0 0 0 0\ncpu1 0 0 0 0\n",
            "sys/fs/cgroup/memory.max": "2147483648\n",
            "sys/devices/system/cpu/online": "0-3\n",
        }
    )
    facts = read_machine({"runs": tmp_path / "runs"}, root, {"SLURM_JOB_ID": "7"})
    assert FakeReader.stopped
    assert (facts.container, facts.available_bytes, facts.left_bytes) == ("docker", 2 * GIB, 2 * GIB)
    # What is free changes while others write to the same disk.
    assert facts.shared_memory[0] == machine.shared_memory_bytes(root / "dev/shm")[0]
    assert facts.processor == ProcessorFacts(cores=4, allowed=2)
    assert [directory.name for directory in facts.directories] == ["runs"]
    assert (facts.session.job, facts.session.sees_others) == ("7", False)
    assert facts.conditions.cores == 2
    assert facts.variables == {"SLURM_JOB_ID": "7"}


def test_a_machine_that_tells_nothing_is_read(tree, monkeypatch):
    monkeypatch.setattr(preflight, "WATCH_S", 0.0)
    monkeypatch.setattr(machine, "GpuReader", FakeReader)
    facts = read_machine({}, tree({}), {})
    assert (facts.shared_memory, facts.available_bytes, facts.directories) == (None, None, ())
    assert judge_machine(facts)
