import math

from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.metrics import METRICS


def group(*results):
    return Group({}, tuple({"run": "r", "status": "completed", "config": {}, **result} for result in results))


def test_repeats_are_summarised_by_their_median_or_as_the_metric_says():
    entry = group(*({"training": {"epoch_s_median": seconds}} for seconds in (3.0, 1.0, 2.0)))
    found = {name: METRICS[name].of(entry) for name in ("epoch_s_median", "epoch_s_min", "epoch_s_spread")}
    assert found == {"epoch_s_median": 2.0, "epoch_s_min": 1.0, "epoch_s_spread": 2.0}


def test_one_figure_that_is_no_number_makes_the_row_unknown():
    entry = group({"test": {"loss": 1.0}}, {"test": {"loss": math.nan}})
    assert math.isnan(METRICS["test_loss"].of(entry))


def test_a_run_without_the_figure_has_none():
    assert {metric.of(group({})) for metric in METRICS.values()} == {None}


def test_loading_alone_has_no_operations():
    result = {"model": {"flops_per_image": 2e9}, "training": {"images_per_s": 3.0}}
    assert METRICS["gflops"].of(group(result)) == 6.0
    assert METRICS["gflops"].of(group({**result, "config": {"measure": "loader"}})) is None
