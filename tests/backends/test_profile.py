import itertools

import pytest

from tfpt_tui.backends import profile as profiling
from tfpt_tui.backends.network import convolutions, flops_per_image
from tfpt_tui.backends.profile import Recorded, doubtful_profile, measure_peaks, share_out, step_profile


def test_the_shares_of_the_parts_and_of_what_is_in_none_are_those_of_the_clock():
    profile = step_profile(
        Recorded({"convolution": 6.0, "host": 1.0, "other": 0.5}), 9.0, 10.0, steps=10, trace="t"
    )
    assert profile.shares == {"host": 0.1, "convolution": 0.6, "other": 0.3}
    assert (profile.step_s, profile.profiled_step_s, profile.trace) == (0.9, 1.0, "t")


def test_parts_that_overlap_are_shares_of_their_sum():
    profile = step_profile(Recorded({"convolution": 9.0, "dense": 3.0}), 9.0, 10.0, steps=10, trace="t")
    assert profile.shares == {"convolution": 0.75, "dense": 0.25}


@pytest.mark.parametrize(
    ("profiled_s", "other", "codes"),
    [(10.9, 0.05, []), (11.5, 0.05, ["profiler_cost"]), (10.0, 0.2, ["profile_other"])],
)
def test_a_profiler_that_costs_much_and_time_in_no_part_are_said(profiled_s, other, codes):
    parts = {"convolution": profiled_s * (1 - other)}
    profile = step_profile(Recorded(parts), 10.0, profiled_s, steps=10, trace="t")
    assert [warning.code for warning in doubtful_profile(profile)] == codes


def test_a_peak_is_the_work_by_its_shortest_time(monkeypatch):
    times = itertools.count()
    monkeypatch.setattr(profiling, "clock", lambda: float(next(times)))  # every work takes a second
    found = measure_peaks(lambda: None, dict.fromkeys(convolutions(32), lambda: None), batch_size=8)
    assert found.matmul == pytest.approx(2e-9 * profiling.SIDE**3)
    assert found.convolution == pytest.approx(8e-9 * sum(one.flops for one in convolutions(32)) / 4)


def test_the_convolutions_are_most_of_the_work_of_the_network():
    work = sum(one.flops for one in convolutions(32))
    assert 0.99 * flops_per_image(100, 32) < work < flops_per_image(100, 32)
    assert [one.first for one in convolutions(32)] == [True, False, False, False]


def test_the_time_of_operations_that_run_at_once_is_shared_and_the_host_has_what_is_left():
    intervals = [
        ("host", 0.0, 10.0),
        ("convolution", 1.0, 5.0),
        ("copies", 3.0, 5.0),  # beside the second half of it
        ("convolution", 6.0, 7.0),
        ("pooling", 12.0, 12.0),
    ]
    assert share_out(intervals) == {"host": 5.0, "convolution": 4.0, "copies": 1.0}
