"""Cores, quota and governor."""

from tfpt_tui.environments.doctor.processor import ProcessorFacts, judge_processor, read_processor

CPU = "sys/devices/system/cpu"


def judge(**facts):
    (finding,) = judge_processor(ProcessorFacts(**facts))
    return finding


def test_all_cores_are_told():
    finding = judge(cores=2, allowed=2)
    assert (finding.level, finding.topic, finding.message) == ("ok", "cores", "2 of 2 cores")
    assert judge(cores=2, allowed=2, quota=2.0).level == "ok"


def test_a_share_of_the_cores_is_noted():
    finding = judge(cores=8, allowed=2)
    assert (finding.level, "2 of 8 cores are ours" in finding.message) == ("note", True)
    assert "--cpus-per-task of Slurm" in finding.remedy


def test_one_core_is_warned_of():
    finding = judge(cores=8, allowed=1)
    assert (finding.level, "take turns" in finding.message) == ("warning", True)
    assert "taskset" in finding.remedy


def test_a_quota_halts_runs_and_is_warned_of():
    finding = judge(cores=4, allowed=4, quota=1.5)
    assert (finding.level, "time of 1.5 of 4 cores" in finding.message) == ("warning", True)
    assert "--cpuset-cpus of docker run" in finding.remedy


def test_a_processor_that_tells_nothing_is_not_judged():
    assert judge_processor(ProcessorFacts()) == []


def test_the_lowest_frequency_is_warned_of():
    finding = judge(governor="powersave", driver="acpi-cpufreq")
    assert (finding.level, finding.topic) == ("warning", "frequency")
    assert finding.remedy == "sudo cpupower frequency-set -g performance"
    assert judge(governor="performance + powersave", driver="intel_cpufreq").level == "warning"


def test_powersave_is_the_usual_governor_where_the_processor_chooses():
    for driver in ("intel_pstate", "amd-pstate-epp"):
        finding = judge(governor="powersave", driver=driver)
        assert (finding.level, f"powersave of {driver}: usual" in finding.message) == ("note", True)
        assert "cpupower" in finding.remedy


def test_another_governor_is_in_order():
    assert (judge(governor="schedutil").level, judge(governor="schedutil").message) == ("ok", "governor schedutil")


def test_the_processor_is_read_and_cores_that_are_not_plugged_in_do_not_count(tree):
    root = tree(
        {
            "proc/self/status": "Cpus_allowed_list:\t1-127\n",
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            f"{CPU}/online": "0-3\n",
            f"{CPU}/cpu0/cpufreq/scaling_governor": "powersave\n",
            f"{CPU}/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
        }
    )
    assert read_processor(root) == ProcessorFacts(4, 3, 1.5, "powersave", "intel_pstate")
