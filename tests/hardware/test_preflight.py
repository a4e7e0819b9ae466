"""What is looked at before a worker starts: read from trees and a fake GPU, judged by pure functions."""

import dataclasses
import os
from pathlib import Path

import pytest

from tfpt_tui.hardware import preflight
from tfpt_tui.hardware.gpu import GpuReading
from tfpt_tui.hardware.pagecache import PageCache
from tfpt_tui.hardware.preflight import Conditions, judge_start, read_conditions, used_gpu
from tfpt_tui.hardware.processes import (
    CpuUse,
    other_workers,
    others_cpu,
    own_workers,
    program_pids,
    read_cpu_use,
    strangers,
)

FINE = Conditions(cores=4, memory_bytes=10**9, page_cache=PageCache(1.0, 1.0))
TICKS = os.sysconf("SC_CLK_TCK")


def codes(**changes):
    return [warning.code for warning in judge_start(dataclasses.replace(FINE, **changes))]


def test_a_quiet_machine_is_not_warned_of():
    assert codes() == []
    assert judge_start(Conditions()) == ()  # one that tells nothing


def test_a_busy_machine_is_told_with_how_much_and_by_whom():
    (warning,) = judge_start(dataclasses.replace(FINE, busy_share=0.63, busiest="stress (77)"))
    assert warning.message == "other processes used 63% of the 4 cores before the start, most of it stress (77)"
    assert (warning.code, warning.taints) == ("busy", "time")
    assert warning.advice
    assert codes(busy_share=0.25) == []


def test_processes_on_the_gpu_are_counted_and_named():
    (warning,) = judge_start(dataclasses.replace(FINE, gpu_processes=(5, 7)))
    assert warning.message == "2 other processes computed on the GPU before the start (pids 5, 7)"
    assert warning.code == "foreign_gpu_process"


@pytest.mark.parametrize(
    ("seen", "ours", "expected"),
    [
        ((5, 7), (), (5, 7)),
        ((5, 7), (7,), (5,)),
        ((5, 7), (5, 7, 9), ()),
        ((900, 901, 902), (5, 7), (902,)),  # pids of the host, seen in a container
        ((5, 901), (5, 7), ()),
    ],
)
def test_our_own_workers_are_no_strangers_on_the_gpu(seen, ours, expected):
    assert strangers(seen, ours) == expected


def test_swap_counts_when_it_is_more_than_a_few_idle_pages():
    assert codes(swap_used_bytes=10**7) == []
    assert codes(swap_used_bytes=10**8) == ["swap_in_use"]


@pytest.mark.parametrize(
    ("cache", "expected"),
    [
        (PageCache(0.2, 0.5), ["cold_data"]),
        (PageCache(0.2, 1.0), []),
        (PageCache(), []),
    ],
)
def test_only_data_that_stayed_cold_are_warned_of(cache, expected):
    assert codes(page_cache=cache) == expected


def test_another_worker_is_an_overlap():
    (warning,) = judge_start(dataclasses.replace(FINE, workers=(99,)))
    assert (warning.code, warning.message) == ("overlap", "another worker of tfpt-tui was running (pid 99)")


def stat(name, ticks):
    return f"1 ({name}) S " + "0 " * 10 + f"{ticks} 0 " + "0 " * 30


def cpu_tree(tree, *, user, processes):
    """Three cores of which two are ours; ``processes`` are ticks by pid."""
    lines = [
        "cpu 9 9 9 9 9 9 9 9 9 9",
        f"cpu0 {user} 1 2 500 50 3 4 5 6 7",
        "cpu1 0 0 0 500 0 0 0 0 0 0",
        "cpu2 999 0 0 0 0 0 0 0 0 0",
        "intr 5 4 3",
    ]
    files = {"proc/self/status": "Cpus_allowed_list:\t0-1\n", "proc/stat": "\n".join(lines)}
    return tree(files | {f"proc/{pid}/stat": stat(f"a ) {pid}", ticks) for pid, ticks in processes.items()})


def test_the_use_of_others_leaves_out_ours_and_the_cores_that_are_not_ours(tree):
    before = read_cpu_use(cpu_tree(tree, user=100, processes={10: 50, 11: 7, 12: 0}))
    after = read_cpu_use(cpu_tree(tree, user=200, processes={10: 80, 11: 47, 12: 30}))
    assert (before.cores, before.busy_s * TICKS) == (2, pytest.approx(100 + 1 + 2 + 3 + 4 + 5))
    used_s, busiest = others_cpu(before, after, own={10})
    assert used_s * TICKS == pytest.approx(70)
    assert busiest == 11


def test_nobody_is_named_when_no_process_explains_the_use(tree):
    before = read_cpu_use(cpu_tree(tree, user=100, processes={10: 50}))
    after = read_cpu_use(cpu_tree(tree, user=200, processes={10: 50}))
    assert others_cpu(before, after, own={1}) == (pytest.approx(100 / TICKS), None)


def test_who_follows_the_run_is_no_other_process(tree):
    root = tree(
        {
            "proc/10/cmdline": "/venv/bin/python\0-m\0tfpt_tui\0runs\0resume\0",
            "proc/11/cmdline": "/venv/bin/python\0-m\0tfpt_tui.runs.supervision.supervisor\0/sweeps/a\0",
            "proc/12/cmdline": "/venv/bin/python\0/venv/bin/tfpt-tui\0run\0demo\0",
            "proc/13/cmdline": "python\0-P\0/x/tfpt_tui/backends/launch.py\0/runs/a\0500\0",
            "proc/14/cmdline": "vim\0tfpt_tui/cli/main.py\0",
        }
    )
    assert program_pids(root) == (10, 11, 12)


def test_workers_of_other_supervisors_are_found_by_their_command_line(tree):
    worker = "python\0-P\0/x/tfpt_tui/backends/launch.py\0/runs/a\0{}\0"
    root = tree(
        {
            "proc/10/cmdline": worker.format(500),
            "proc/11/cmdline": worker.format(600),
            "proc/14/cmdline": worker.format(500) + "proof\0",
            "proc/12/cmdline": "vim\0launch.py\0",
            "proc/13/cmdline": "",
            "proc/15/cmdline": worker.format(700) + "probe\0pytorch\0",
        }
    )
    assert other_workers(500, root) == (11,)
    assert own_workers(500, root) == (10, 14)


class FakeGpu:
    """NVML's answer is the old one until it is asked anew."""

    def __init__(self, reading):
        self.reading, self.asked = reading, False

    def refresh(self):
        self.asked = True

    def latest(self):
        return self.reading if self.asked else GpuReading(processes=((1, 2, 3),))


GPUS = GpuReading(names=("A", "B"), facts=({"uuid": "GPU-aa"}, {"uuid": "GPU-bb"}), processes=((), (7,)))


def test_conditions_are_read_from_the_machine_and_from_the_gpu_of_the_run(tree, monkeypatch):
    monkeypatch.setattr(preflight, "WATCH_S", 0.0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    root = cpu_tree(tree, user=100, processes={10: 50})
    (root / "proc/meminfo").write_text("MemTotal: 1000 kB\nSwapTotal: 20 kB\nSwapFree: 5 kB\n")
    conditions, reading = read_conditions(FakeGpu(GPUS), "gpu:1", PageCache(1.0, 1.0), root)
    assert reading is GPUS
    assert conditions == Conditions(
        cores=2,
        gpu_processes=(7,),
        swap_used_bytes=15 * 1024,
        memory_bytes=1000 * 1024,
        page_cache=PageCache(1.0, 1.0),
    )
    assert read_conditions(FakeGpu(GPUS), "cpu", PageCache(), root)[0].gpu_processes == ()


def test_a_machine_that_tells_nothing_has_no_conditions(tree, monkeypatch):
    monkeypatch.setattr(preflight, "WATCH_S", 0.0)
    conditions, _ = read_conditions(FakeGpu(GpuReading()), "auto", PageCache(), tree({}))
    assert conditions == Conditions()


def test_a_plan_with_a_part_of_the_machine_is_disturbed_by_whatever_the_others_do(monkeypatch, tree):
    monkeypatch.setenv("TFPT_TUI_SHARED_HOST", "1")
    conditions, _ = read_conditions(FakeGpu(GpuReading()), "auto", PageCache(), tree({}))
    (warning,) = judge_start(conditions)
    assert (warning.code, warning.taints) == ("shared_host", "time")


@pytest.mark.parametrize(
    ("device", "visible", "index"),
    [
        ("cpu", None, None),
        ("auto", None, 0),
        ("gpu", None, 0),
        ("gpu:1", None, 1),
        ("gpu:2", None, None),
        ("gpu", "1,0", 1),
        ("gpu:1", "1, 0", 0),
        ("gpu", "GPU-b", 1),
        ("gpu", "", None),
        ("gpu", "MIG-1", None),
    ],
)
def test_the_gpu_of_a_run_is_found_through_the_renumbering(device, visible, index):
    assert used_gpu(device, GPUS, {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}) == index


def test_without_gpus_none_is_used():
    assert used_gpu("auto", GpuReading(), {}) is None


@pytest.fixture
def watched(monkeypatch):
    """What two processes use in looks that follow each other: 7 is a viewer of ours, 9 somebody else."""

    def watch(*looks):
        used, asked = {7: 0.0, 9: 0.0}, []

        def read(root):
            if len(asked) % 2:  # every look reads twice
                for pid in looks[min(len(asked) // 2, len(looks) - 1)]:
                    used[pid] += 100.0
            asked.append(root)
            return CpuUse(1, sum(used.values()), dict(used))

        monkeypatch.setattr(preflight, "WATCH_S", 0.01)
        monkeypatch.setattr(preflight, "read_cpu_use", read)
        monkeypatch.setattr(preflight, "program_pids", lambda root: (7,))
        conditions, _ = read_conditions(FakeGpu(GpuReading()), "cpu", PageCache(), Path("/nowhere"))
        return conditions.busy_share > 1, conditions.busiest, len(asked) // 2

    return watch


def test_a_viewer_that_paints_the_start_is_given_a_moment(watched):
    assert watched((7,), (7,), ()) == (False, "", 3)


def test_a_viewer_that_does_not_calm_down_is_named_like_anybody(watched):
    assert watched((7,)) == (True, " (7)", preflight.MOST_LOOKS)


def test_somebody_else_is_named_at_once(watched):
    assert watched((9,)) == (True, " (9)", 1)
    assert watched(()) == (False, "", 1)
