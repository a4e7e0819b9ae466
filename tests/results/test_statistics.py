import math
import random

import pytest

from tfpt_tui.results.comparison.statistics import accuracy_band, compare_times
from tfpt_tui.runs.record.outliers import outliers


def compared(own, baseline, rows=1):
    return compare_times(dict(enumerate(own, 25)), dict(enumerate(baseline, 25)), rows)


def test_a_difference_beyond_the_noise_is_told_from_three_pairs():
    slower = compared([2.0, 2.1, 2.05], [1.0, 1.01, 0.99])
    assert slower.verdict == "slower"
    assert slower.low < slower.ratio < slower.high
    assert compared([1.0, 1.01, 0.99], [2.0, 2.1, 2.05]).verdict == "faster"


def test_the_drift_that_pairs_share_does_not_blur_their_ratio():
    drift = [1.0, 1.5, 0.7, 1.2, 0.9]
    noise = [1.0, 1.004, 0.997, 1.002, 0.999]
    paired = compared([1.1 * a * b for a, b in zip(drift, noise, strict=True)], drift)
    assert paired.verdict == "slower"
    assert paired.ratio == pytest.approx(1.1, rel=0.01)
    alone = compare_times(dict(zip("abcde", [1.1 * a for a in drift], strict=True)), dict(enumerate(drift)))
    assert alone.verdict == "inconclusive"
    assert alone.counted == "5 and 5 runs"


def test_a_ratio_and_its_inverse_say_the_same():
    own, baseline = [1.21, 1.3, 1.25, 1.22, 1.28], [1.0, 1.05, 1.02, 0.99, 1.01]
    one, other = compared(own, baseline), compared(baseline, own)
    assert one.ratio == pytest.approx(1 / other.ratio)
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low), rel=0.01)


def test_within_two_percent_of_one_is_equivalent_even_where_a_difference_is_sure():
    assert compared([1.005, 1.006, 1.004, 1.005, 1.007], [1.0] * 5).verdict == "equivalent"


def test_timings_that_are_all_equal_are_a_point():
    same = compared([2.0] * 3, [2.0] * 3)
    assert (same.ratio, same.low, same.high, same.verdict) == (1.0, 1.0, 1.0, "equivalent")
    assert compared([2.5] * 3, [2.0] * 3).verdict == "slower"


@pytest.mark.parametrize(("runs", "counted"), [(1, "1 pair"), (2, "2 pairs")])
def test_of_fewer_than_three_pairs_nothing_is_concluded(runs, counted):
    found = compared([1.21] * runs, [1.0] * runs)
    assert found.ratio == pytest.approx(1.21)
    assert (found.low, found.high, found.p_value) == (None, None, None)
    assert found.sentence("PyTorch", "TensorFlow") == (
        f"TensorFlow was 1.21x as fast as PyTorch, in too few runs to be sure ({counted})"
    )


def test_only_complete_pairs_count_and_are_said_to():
    found = compare_times({25: 1.0, 26: 1.1, 27: 9.0}, {25: 1.0, 26: 1.0})
    assert found.ratio == pytest.approx(1.1**0.5)
    assert (found.counted, found.verdict) == ("2 of 3 pairs", "single run")


def test_a_timing_that_is_none_is_left_out_of_its_pair():
    found = compared([1.0, 1.1, math.nan, 1.2, math.inf], [1.0] * 5)
    assert (found.n, found.counted) == (3, "3 of 5 pairs")
    assert compared([math.nan], [1.0]) is None
    assert compare_times({}, {25: 1.0}) is None


def test_the_sentence_has_ratio_interval_pairs_and_verdict():
    own, baseline = [1.21, 1.3, 1.25, 1.22, 1.28], [1.0, 1.05, 1.02, 0.99, 1.01]
    found = compared(own, baseline)
    interval = f"95 %: {found.low:.2f} to {found.high:.2f}, 5 pairs"
    assert found.sentence("A", "B") == f"B is 1.23x as fast as A ({interval})"
    assert compared(baseline, own).sentence("B", "A") == f"B is 1.23x as fast as A ({interval})"


def test_what_is_equal_and_what_is_not_certain_is_said_so():
    assert (
        compared([1.0, 1.001, 0.999], [1.0] * 3).sentence("A", "B").startswith("A and B are equally fast (95 %: ")
    )
    unsure = compared([1.3, 0.9, 1.4], [1.0] * 3).sentence("A", "B")
    assert unsure.startswith("B may be 1.18x as fast as A, which is not certain (95 %: ")


def test_interval_p_and_verdict_are_of_one_test():
    random.seed(3)
    words = set()
    for _ in range(300):
        n, rows, effect = random.randint(3, 8), random.choice([1, 4, 12]), random.choice([0.8, 1.0, 1.05, 1.3])
        own = [effect * math.exp(random.gauss(0, 0.05)) for _ in range(n)]
        found = compared(own, [1.0] * n, rows)
        words.add(found.verdict)
        assert (found.p_value < 0.05) == (not found.low <= 1 <= found.high)
        if found.verdict in ("faster", "slower"):
            assert found.p_value < 0.05
    assert words >= {"faster", "slower", "inconclusive"}


@pytest.mark.parametrize("pairs", [3, 5])
def test_faster_can_be_said_at_three_and_at_five_pairs_and_its_p_agrees(pairs):
    own = [0.80, 0.81, 0.79, 0.80, 0.805][:pairs]
    found = compared(own, [1.0] * pairs)
    assert found.verdict == "faster"
    assert found.p_value < 0.05


def test_more_rows_widen_the_interval_and_raise_p_alike():
    own = [1.05, 1.06, 1.04, 1.07, 1.05]
    alone, of_twelve = compared(own, [1.0] * 5), compared(own, [1.0] * 5, rows=12)
    assert alone.ratio == of_twelve.ratio
    assert of_twelve.low < alone.low < alone.high < of_twelve.high
    assert of_twelve.p_value == pytest.approx(12 * alone.p_value)


def test_runs_without_partners_are_tested_as_welch_does():
    from scipy import stats

    own, baseline = [2.0, 2.1, 2.2, 2.3], [1.0, 1.1, 1.2, 1.9]
    found = compare_times(dict(zip("abcd", own, strict=True)), dict(enumerate(baseline)))
    welch = stats.ttest_ind([math.log(x) for x in own], [math.log(x) for x in baseline], equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue)


def test_an_outlier_is_found_and_ordinary_spread_is_not():
    assert outliers([1.0, 1.01, 0.99, 1.02, 1.5]) == [4]
    assert outliers([1.0, 1.01, 0.99, 1.02, 0.98]) == []
    assert outliers([1.0, 1.0, 1.0, 1.0, 1.5]) == [4]
    assert outliers([1.0, 1.0, 1.0, 1.001, 1.2]) == [4]
    assert outliers([1.0] * 5) == []


def test_of_fewer_than_five_none_is_an_outlier():
    assert outliers([1.0, 1.001, 1.002, 9.0]) == []


def test_the_accuracy_band_is_as_wide_as_the_spread_but_never_narrower_than_two_points():
    assert accuracy_band([0.5, 0.5, 0.5]) == (0.5, 0.02)
    assert accuracy_band([0.5]) == (0.5, 0.05)
    middle, width = accuracy_band([0.40, 0.45, 0.50, 0.55, 0.60])
    assert (middle, width) == pytest.approx((0.5, 3 * 1.4826 * 0.05))


def test_the_accuracy_band_knows_how_many_images_were_tested():
    """Three test images differ by a third of accuracy from chance alone."""
    _, width = accuracy_band([0.0], images=3)
    assert width > 1 / 3
    _, of_500 = accuracy_band([0.6, 0.6, 0.6], images=500)
    assert of_500 == pytest.approx(1.96 * (2 * 0.6 * 0.4 / 500) ** 0.5, rel=0.01)
    assert accuracy_band([0.6, 0.6, 0.6], images=10_000) == (0.6, 0.02)
