import pytest

from tfpt_tui.backends.profile import doubtful_profile, step_profile


def test_the_shares_of_the_parts_and_of_what_is_in_none_are_those_of_the_clock():
    profile = step_profile({"convolution": 6.0, "host": 1.0, "other": 0.5}, 9.0, 10.0, steps=10, trace="t")
    assert profile.shares == {"host": 0.1, "convolution": 0.6, "other": 0.3}
    assert (profile.step_s, profile.profiled_step_s, profile.trace) == (0.9, 1.0, "t")


def test_parts_that_overlap_are_shares_of_their_sum():
    profile = step_profile({"convolution": 9.0, "dense": 3.0}, 9.0, 10.0, steps=10, trace="t")
    assert profile.shares == {"convolution": 0.75, "dense": 0.25}


@pytest.mark.parametrize(
    ("profiled_s", "other", "codes"),
    [(10.9, 0.05, []), (11.5, 0.05, ["profiler_cost"]), (10.0, 0.2, ["profile_other"])],
)
def test_a_profiler_that_costs_much_and_time_in_no_part_are_said(profiled_s, other, codes):
    parts = {"convolution": profiled_s * (1 - other)}
    profile = step_profile(parts, 10.0, profiled_s, steps=10, trace="t")
    assert [warning.code for warning in doubtful_profile(profile)] == codes
