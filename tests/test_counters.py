import os
import subprocess
import sys

import numpy as np
import pytest

from tfpt_tui.backends.report import Report
from tfpt_tui.counters import Counters, descendants, read_busy_s, read_counters, read_process
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.tail import EventTail

STAT = "7 (a ) b) S 1 7 7 0 -1 4194304 500 30 4 1 250 50 20 10 20 0 3 0 100 0 0\n"
STATUS = "Name:\tx\nvoluntary_ctxt_switches:\t{}\nnonvoluntary_ctxt_switches:\t{}\n"


def test_a_process_is_counted_with_its_threads_and_the_children_that_it_waited_for(tree):
    root = tree(
        {
            "7/stat": STAT,
            "7/task/7/status": STATUS.format(10, 2),
            "7/task/9/status": STATUS.format(5, 1),
        }
    )
    tick = os.sysconf("SC_CLK_TCK")
    assert read_process(7, root) == Counters(270 / tick, 60 / tick, 530, 5, 15, 3)


def test_a_process_that_is_gone_counts_nothing(tree):
    assert read_process(7, tree({"8/stat": STAT})) == Counters()


def test_a_thread_that_ends_hides_no_child_of_the_others(tree):
    root = tree({"7/task/7/children": "8 ", "7/task/9/status": "", "7/task/11/children": "10 "})
    assert sorted(descendants(7, root)) == [8, 10]


def test_children_of_every_thread_and_their_children_are_found(tree):
    root = tree(
        {
            "7/task/7/children": "8 ",
            "7/task/9/children": "10 11 ",
            "8/task/8/children": "12 ",
        }
    )
    assert sorted(descendants(7, root)) == [8, 10, 11, 12]


def test_a_living_child_and_the_same_child_when_it_ended_count_once():
    before = read_counters()
    work = "sum(i * i for i in range(6_000_000)); print('done', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    alive = read_counters() - before
    child.communicate(b"\n")
    ended = read_counters() - before
    assert alive.user_s > 0.05
    assert alive.minor_faults > 100
    assert abs(ended.user_s - alive.user_s) < 0.1 + 0.2 * alive.user_s
    assert ended.minor_faults < 2 * alive.minor_faults


def test_the_counters_of_a_phase_are_of_that_phase(tmp_path):
    with Report(tmp_path / "events") as report:
        with report.phase("data_loading"):
            pass
        with report.phase("training"):
            np.ones(50_000_000)  # 400 MB, touched for the first time
    counters = fold_all(EventTail(tmp_path / "events").stream()).counters
    assert counters["training"]["minor_faults"] > counters["data_loading"]["minor_faults"]
    assert counters["training"]["system_s"] > 0
    assert set(counters["training"]) == set(Counters().to_mapping())


def test_cores_are_busy_with_all_but_waiting(tmp_path):
    (tmp_path / "stat").write_text(
        "cpu  9 9 9 9 9 9 9 9 0 0\n"
        "cpu0 7000 0 0 0 0 0 0 0 0 0\n"
        "cpu1 100 20 30 5000 600 4 5 41 0 0\n"
        "cpu10 100 0 0 8000 0 0 0 0 50 0\n"
        "intr 12 13\n"
    )
    assert read_busy_s({1, 10}, tmp_path) == pytest.approx(300 / os.sysconf("SC_CLK_TCK"))
    assert read_busy_s({1, 2}, tmp_path) is None
    assert read_busy_s({1}, tmp_path / "none") is None
