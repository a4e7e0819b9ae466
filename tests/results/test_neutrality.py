"""What is said of turns that the worker and a plain script took; the fault's figures are those that were found."""

import json

import pytest

from tfpt_tui.counters import Counters
from tfpt_tui.results.comparison.neutrality import FAULTY, NEUTRAL, UNDECIDED, document, judge, neutrality_table
from tfpt_tui.runs.tasks.neutrality_evidence import Case, Turn, Turns

CASE = Case("tensorflow", "default", "model")
IMAGES = 320


def turns(seconds, user_ms=3.4, system_ms=0.17, faults=10.0):
    """A turn of one epoch for each of the seconds; the rest is an image's."""
    counters = Counters(IMAGES * user_ms / 1e3, IMAGES * system_ms / 1e3, round(IMAGES * faults))
    return tuple(Turn((one,), IMAGES, counters) for one in seconds)


def restart(worker=(), plain=(), worker_s=(0.70, 0.71, 0.69, 0.70), threads=(2, 2)):
    return Turns(turns((0.70, 0.70, 0.71, 0.69), **dict(plain)), turns(worker_s, **dict(worker)), *threads)


def outcomes(found):
    return {check.name: check.outcome for check in found.checks}


def test_a_worker_like_the_script_is_neutral():
    found = judge(CASE, [restart()] * 3, (1.0, 1.0), [(160.0, 120.0), (90.0, 140.0)])
    assert found.outcome == NEUTRAL
    assert set(outcomes(found)) == {
        *("time", "user time", "system time", "page faults", "page faults, malloc as it is", "threads", "waits")
    }
    assert found.faults == []


def test_the_fault_that_was_ours_is_named_by_time_system_time_and_page_faults():
    ours = {"user_ms": 3.9, "system_ms": 3.4, "faults": 996.0}
    found = judge(CASE, [restart(ours, worker_s=(1.5, 1.49, 1.52, 1.5))] * 3)
    assert found.outcome == FAULTY
    assert {name for name, outcome in outcomes(found).items() if outcome == FAULTY} == {
        "time",
        "system time",
        "page faults",
    }
    assert "page faults: 996 an image, 10 in the plain script" in found.faults


def test_one_wait_more_a_step_and_one_thread_fewer_are_named():
    found = judge(CASE, [restart(threads=(2, 1))], (0.0, 1.0))
    assert found.faults == [
        "threads: 1 threads, 2 in the plain script",
        "waits: 1 waits for the device a step, 0 in the plain script",
    ]


def test_a_disturbed_turn_moves_nothing():
    found = judge(CASE, [restart(worker_s=(0.70, 2.10, 0.69, 0.70))] * 3)
    assert found.outcome == NEUTRAL


def test_starts_that_differ_leave_it_undecided_however_alike_their_turns_are():
    starts = [restart(worker_s=[0.7 * luck] * 4) for luck in (0.9, 1.0, 1.15)]
    assert outcomes(judge(CASE, starts))["time"] == UNDECIDED
    assert outcomes(judge(CASE, starts[:1]))["time"] == UNDECIDED


def test_page_faults_that_differ_as_much_between_starts_of_one_program_are_no_fault():
    def outcome(faults):
        return outcomes(judge(CASE, [restart()] * 3, faults=faults))["page faults, malloc as it is"]

    assert outcome([(120, 160), (140, 130), (170, 200)]) == NEUTRAL
    assert outcome([(139, 40), (120, 90), (160, 130)]) == NEUTRAL
    assert outcome([(120, 260), (140, 230), (170, 300)]) == FAULTY


def test_nothing_measured_has_not_passed():
    assert document([])["passed"] is False


@pytest.mark.parametrize("threads", [(2, 2), (2, 1)])
def test_the_document_is_json_and_says_whether_it_passed(threads):
    found = [judge(CASE, [restart(threads=threads)])]
    told = json.loads(json.dumps(document(found)))
    assert told["passed"] == (threads == (2, 2))
    (case,) = told["neutrality"]
    assert (case["framework"], case["track"], case["measure"]) == ("tensorflow", "default", "model")


def test_the_table_has_a_row_a_case_and_the_faults_below():
    found = [judge(CASE, [restart()] * 3), judge(CASE, [restart(threads=(2, 1))])]
    table = neutrality_table(found)
    assert [row["outcome"] for row in table.rows] == [NEUTRAL, FAULTY]
    assert table.rows[0]["time"] == pytest.approx(1.0, abs=0.02)
    assert "TensorFlow, default, model on the CPU: threads: 1 threads, 2 in the plain script" in table.notes
