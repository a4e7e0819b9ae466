"""Which runs of the list are shown, and in which order."""

import pytest

from tests.recordings import a_result
from tfpt_tui.errors import UsageError
from tfpt_tui.runs.record.result import Evaluation, Training
from tfpt_tui.ui.monitor.choose import ORDERS, Entry, matching, ordered


def run(number, framework="pytorch", status="completed", rate=None, accuracy=None, **settings):
    name = f"20260101-000000-{framework}-000{number}"
    figures = {"training": Training(images_per_s=rate), "test": Evaluation(accuracy=accuracy)}
    return a_result(name, framework, status, preset="quick", **figures, **settings)


RUNS = [
    run(3, batch_size=64, track="parity", rate=100.0, accuracy=0.5),
    run(2, "tensorflow", rate=300.0, accuracy=0.3),
    run(1, "tensorflow", "failed"),
]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", "321"),
        ("TENSOR", "21"),
        ("tensor fail", "1"),
        ("0003", "3"),
        ("parity", "3"),
        ("quick", "321"),
        ("batch_size>32", "3"),
        ("batch_size=32", "21"),
        ("status!=failed tensorflow", "2"),
        ("[bold] \x1b", ""),
    ],
)
def test_words_and_conditions_choose_among_the_runs(text, numbers):
    assert "".join(found.run[-1] for found in matching(RUNS, text)) == numbers


def test_a_condition_that_is_none_is_refused():
    with pytest.raises(UsageError, match="unknown key 'batchsize'; did you mean 'batch_size'"):
        matching(RUNS, "batchsize=3")


def test_whole_trainings_come_before_others_however_fast_those_were():
    runs = [run(4, measure="loader", rate=5000.0), run(5, status="timeout", rate=900.0), *RUNS[:2]]
    assert "".join(found.run[-1] for found in ordered(runs, "fastest first")) == "2345"


def test_runs_are_ordered_by_their_figures_and_those_without_come_last():
    orders = {order: "".join(found.run[-1] for found in ordered(RUNS, order)) for order in ORDERS}
    assert orders == {"newest first": "321", "fastest first": "231", "by accuracy": "321"}


def test_a_figure_that_is_no_number_comes_last_and_leaves_the_others_in_order():
    runs = [run(number, rate=rate) for number, rate in ((4, 3.0), (3, float("nan")), (2, 1.0), (1, 2.0))]
    assert "".join(found.run[-1] for found in ordered(runs, "fastest first")) == "4123"


def test_a_run_whose_place_a_later_one_took_says_nothing_of_its_duel():
    stopped, again, other = run(1, status="stopped", seed=26), run(2, seed=26), run(3, "tensorflow", seed=26)
    assert Entry("sweep", again, (stopped, again, other), ("a", "b")).status == "completed"
    assert Entry("sweep", stopped, (stopped, other), ("a", "b")).status == "stopped"
