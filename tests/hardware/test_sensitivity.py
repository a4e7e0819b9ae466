import pytest

from tfpt_tui.hardware.run_checks import judge_run
from tfpt_tui.hardware.sensitivity import (
    Sensitivity,
    from_document,
    read_sensitivity,
    to_document,
    write_sensitivity,
)

PYTORCH = Sensitivity({0.05: 1.10, 0.12: 1.45, 0.25: 1.90})
TENSORFLOW = Sensitivity({0.05: 1.0, 0.12: 1.01, 0.25: 1.02})


@pytest.mark.parametrize(
    ("share", "slowdown"),
    [(0.0, 1.0), (0.025, 1.05), (0.05, 1.10), (0.12, 1.45), (0.185, 1.675), (0.25, 1.90), (0.38, 2.35)],
)
def test_the_slowdown_lies_on_a_line_between_what_was_measured(share, slowdown):
    assert PYTORCH.at(share) == pytest.approx(slowdown)


def test_it_is_kept_for_a_machine_and_a_framework(tmp_path):
    write_sensitivity(PYTORCH, tmp_path / "kept", "abc", "pytorch")
    assert read_sensitivity(tmp_path / "kept", "abc", "pytorch") == PYTORCH
    assert read_sensitivity(tmp_path / "kept", "abc", "tensorflow") is None
    assert read_sensitivity(tmp_path / "kept", "other", "pytorch") is None


@pytest.mark.parametrize("document", [{}, {"much": 1.0}, {"0.05": "slow"}, {"-1": 2.0}, 1])
def test_what_is_no_such_table_tells_nothing(document):
    assert from_document(document) is None
    assert from_document(to_document(PYTORCH)) == PYTORCH


def test_the_same_load_is_a_warning_for_the_framework_that_it_slows_down_alone():
    (warning,) = judge_run([], None, 0.125, 2, PYTORCH)
    assert warning.code == "busy"
    assert (
        "12% of the 2 cores while it was timed, which makes it take about 1.47 times as long here"
        in warning.message
    )
    assert judge_run([], None, 0.125, 2, TENSORFLOW) == ()


def test_where_it_was_not_measured_a_tenth_of_the_cores_is_a_warning():
    assert judge_run([], None, 0.08, 2) == ()
    (warning,) = judge_run([], None, 0.125, 2)
    assert warning.message == "other processes used 12% of the 2 cores while it was timed"
