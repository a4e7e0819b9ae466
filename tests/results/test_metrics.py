import math
from dataclasses import replace

from tests.recordings import a_result
from tfpt_tui.results.comparison.groups import Group
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.runs.record.result import Evaluation, ModelSize, Training


def group(*results):
    return Group(results[0].config, results)


def test_repeats_are_summarised_by_their_median_or_as_the_metric_says():
    entry = group(*(a_result(training=Training(epoch_s_median=seconds)) for seconds in (3.0, 1.0, 2.0)))
    found = {name: METRICS[name].of(entry) for name in ("epoch_s_median", "epoch_s_min", "epoch_s_spread")}
    assert found == {"epoch_s_median": 2.0, "epoch_s_min": 1.0, "epoch_s_spread": 2.0}


def test_one_figure_that_is_no_number_makes_the_row_unknown():
    entry = group(a_result(test=Evaluation(loss=1.0)), a_result(test=Evaluation(loss=math.nan)))
    assert math.isnan(METRICS["test_loss"].of(entry))


def test_a_run_without_the_figure_has_none():
    assert {metric.of(group(a_result())) for metric in METRICS.values()} == {None}


def test_loading_alone_has_no_operations():
    whole = a_result(model=ModelSize(flops_per_image=2 * 10**9), training=Training(images_per_s=3.0))
    assert METRICS["gflops"].of(group(whole)) == 6.0
    loader = replace(whole, config=whole.config.replace(measure="loader"))
    assert METRICS["gflops"].of(group(loader)) is None
