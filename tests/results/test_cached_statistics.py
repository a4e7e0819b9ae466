import math

import pytest

from tfpt_tui.results.comparison.statistics import compare_times
from tfpt_tui.results.requests import cached_statistics
from tfpt_tui.results.requests.cached_statistics import compared_once

OWN = {25: 1.0, 26: 1.1, 27: 1.2}
BASELINE = {25: 0.8, 26: 1.0, 27: math.inf}


@pytest.fixture
def calls(monkeypatch):
    """The comparisons that were really worked out."""
    worked_out = []

    def count(own, baseline, rows):
        worked_out.append((own, baseline, rows))
        return compare_times(own, baseline, rows)

    monkeypatch.setattr(cached_statistics, "compare_times", count)
    return worked_out


@pytest.fixture
def compare(paths):
    paths.runs.mkdir(parents=True)
    return compared_once(paths)


def test_the_same_timings_are_compared_once(compare, paths, calls):
    found = compare(OWN, {25: 0.8, 26: 1.0, 27: 1.1}, 1)
    assert found == compare_times(OWN, {25: 0.8, 26: 1.0, 27: 1.1})
    assert compared_once(paths)(OWN, {25: 0.8, 26: 1.0, 27: 1.1}, 1) == found
    assert len(calls) == 1


def test_other_timings_other_pairs_or_more_rows_are_another_comparison(compare, calls):
    assert compare(OWN, BASELINE, 1) == compare_times(OWN, BASELINE)
    assert compare(BASELINE, OWN, 1) == compare_times(BASELINE, OWN)
    assert compare(OWN, {1: 0.8, 2: 1.0, 3: math.inf}, 1) == compare_times(OWN, {1: 0.8, 2: 1.0, 3: math.inf})
    assert compare(OWN, {1: 0.8, 2: 1.0, 3: 1.3}, 4) == compare_times(OWN, {1: 0.8, 2: 1.0, 3: 1.3}, 4)
    assert len(calls) == 4


def test_timings_that_cannot_be_compared_stay_so(compare, calls):
    assert compare({}, OWN, 1) is None
    assert compare({}, OWN, 1) is None
    assert len(calls) == 1


def test_another_method_or_scipy_compares_anew(compare, paths, calls, monkeypatch):
    compare(OWN, BASELINE, 1)
    monkeypatch.setattr(cached_statistics, "METHOD", cached_statistics.METHOD + 1)
    compared_once(paths)(OWN, BASELINE, 1)
    monkeypatch.setattr(cached_statistics, "version", lambda name: "0.0")
    compared_once(paths)(OWN, BASELINE, 1)
    assert len(calls) == 3
