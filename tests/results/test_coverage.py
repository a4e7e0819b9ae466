"""Do intervals and verdicts hold what they promise? A thousand simulated tables each, the same every time."""

import numpy as np
import pytest

from tfpt_tui.results.comparison.statistics import compare_times

COMPARISONS = 1_000
ROWS = 12


def simulate(pairs, noise, drift, truth=1.0):
    """Comparisons of timings with lognormal noise, and a drift of the machine that the runs of a pair share."""
    random = np.random.default_rng([pairs, int(noise * 1000)])
    for _ in range(COMPARISONS):
        shared = random.normal(0, drift, pairs)
        own = truth * np.exp(shared + random.normal(0, noise, pairs))
        baseline = np.exp(shared + random.normal(0, noise, pairs))
        yield compare_times(dict(enumerate(own.tolist())), dict(enumerate(baseline.tolist())))


@pytest.mark.parametrize(
    ("pairs", "noise", "drift"),
    [
        (3, 0.1, 0.1),
        (4, 0.03, 0.05),
        (5, 0.01, 0.05),
        (5, 0.1, 0.02),
        (6, 0.05, 0.0),
        (10, 0.1, 0.1),
        (20, 0.05, 0.1),
    ],
)
def test_equal_arms_are_covered_and_seldom_called_different(pairs, noise, drift):
    found = list(simulate(pairs, noise, drift))
    covered = sum(one.low <= 1 <= one.high for one in found)
    different = sum(one.verdict in ("faster", "slower") for one in found)
    assert 930 <= covered <= 970
    assert different <= 70  # 5 %, and what a thousand comparisons make of it


@pytest.mark.parametrize(("pairs", "seen"), [(3, 700), (5, 950)])
def test_a_real_difference_is_covered_and_seen(pairs, seen):
    found = list(simulate(pairs, 0.03, 0.05, truth=1.21))
    assert 930 <= sum(one.low <= 1.21 <= one.high for one in found) <= 970
    assert sum(one.verdict == "slower" for one in found) >= seen
    assert not any(one.verdict == "faster" for one in found)


def test_runs_without_partners_are_covered_too():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(COMPARISONS):
        own, baseline = np.exp(random.normal(0, 0.1, (2, 5))).tolist()
        found = compare_times(dict(zip("abcde", own, strict=True)), dict(enumerate(baseline)))
        covered += found.low <= 1 <= found.high
    assert 930 <= covered <= 980


@pytest.mark.parametrize("pairs", [3, 5, 10])
def test_twelve_equal_rows_have_a_false_word_in_at_most_one_table_of_twenty(pairs):
    """The rows share the noise of their baseline, as the rows of a table do."""
    random = np.random.default_rng(pairs)
    false = 0
    for _ in range(COMPARISONS):
        times = np.exp(random.normal(0, 0.05, (ROWS + 1, pairs))).tolist()
        baseline, *rows = (dict(enumerate(row)) for row in times)
        verdicts = {compare_times(row, baseline, ROWS).verdict for row in rows}
        false += bool(verdicts & {"faster", "slower"})
    assert false <= 0.05 * COMPARISONS


@pytest.mark.parametrize(("pairs", "seen"), [(3, 500), (5, 950)])
def test_a_fifth_faster_is_still_seen_among_few_rows(pairs, seen):
    """Three rows beside a baseline, with the noise of a machine that nobody else uses."""
    random = np.random.default_rng(pairs)
    found = 0
    for _ in range(COMPARISONS):
        own, baseline = np.exp(random.normal(0, 0.02, (2, pairs))).tolist()
        own = [0.8 * time for time in own]
        found += compare_times(dict(enumerate(own)), dict(enumerate(baseline)), 3).verdict == "faster"
    assert found >= seen
