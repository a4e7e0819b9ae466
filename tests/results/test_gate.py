"""A gate's condition against comparisons: proven, disproven, or nobody can tell."""

import math
import re
from dataclasses import replace

import pytest

from tests.recordings import a_result
from tfpt_tui.errors import UsageError
from tfpt_tui.events import RunWarning
from tfpt_tui.results.comparison.gate import DISPROVEN, PROVEN, UNKNOWN, judge_gate, parse_gate
from tfpt_tui.results.comparison.groups import group
from tfpt_tui.results.comparison.verdicts import compare_to_baseline
from tfpt_tui.runs.record.result import Evaluation, Memory, Training


def runs(framework, *rates, accuracy=0.5, images=10_000, peak=1000, **settings):
    return [
        a_result(
            f"20261128-10000{seed}-{framework}-{settings.get('environment', 'x')}",
            framework,
            seed=seed,
            training=Training(images_per_s=rate),
            test=Evaluation(accuracy=accuracy, loss=1.0, images_per_s=float(images), seconds=1.0),
            memory=Memory(peak + seed),
            **settings,
        )
        for seed, rate in enumerate(rates)
    ]


def judge(text, *results, baseline=None):
    return judge_gate(parse_gate(text), compare_to_baseline(group(results), baseline))


SLOW = (*runs("pytorch", 100.0, 101.0, 99.0), *runs("tensorflow", 80.0, 81.0, 79.5))


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("tensorflow slower than 20%", PROVEN),
        ("tensorflow slower than 30%", DISPROVEN),
        ("tensorflow slower than 25%", UNKNOWN),
        ("tensorflow faster than 0%", DISPROVEN),
        ("pytorch faster than 20%", PROVEN),
        ("pytorch faster than 30%", DISPROVEN),
        ("pytorch slower than 0%", DISPROVEN),
        ("  tensorflow   slower than 20% ", PROVEN),
    ],
)
def test_a_bound_on_time_is_proven_by_the_whole_interval_alone(text, outcome):
    assert judge(text, *SLOW).outcome == outcome


def test_the_reason_has_the_figure_and_its_interval():
    why = judge("tensorflow slower than 20%", *SLOW).why
    assert why.startswith("TensorFlow took 1.24")
    assert "x the time of PyTorch [1.2" in why
    assert judge("pytorch faster than 20%", *SLOW).why.startswith("TensorFlow took 1.24")


def test_single_runs_prove_nothing():
    results = (*runs("pytorch", 100.0), *runs("tensorflow", 10.0))
    assert judge("tensorflow slower than 5%", *results).outcome == UNKNOWN


def test_a_row_is_named_by_its_environment_or_a_run_of_it():
    results = (*runs("pytorch", 100.0, 101.0, 99.0), *runs("pytorch", 80.0, 81.0, 79.5, environment="new"))
    assert judge("new slower than 20%", *results).outcome == PROVEN
    assert judge(f"{results[-1].run} slower than 20%", *results).outcome == PROVEN
    with pytest.raises(UsageError, match="use such an ID, or choose runs by a condition"):
        judge("pytorch slower than 20%", *results)


def test_a_row_is_judged_against_the_baseline_that_is_named():
    results = (*SLOW, *runs("pytorch", 50.0, 50.5, 49.5, environment="old"))
    old = results[-1].run
    assert judge("tensorflow faster than 50%", *results, baseline=old).outcome == PROVEN
    with pytest.raises(UsageError, match="pytorch names 2 rows"):
        judge("pytorch slower than 5%", *results)
    with pytest.raises(UsageError, match="old is the baseline; name another with --baseline"):
        judge("old slower than 5%", *results, baseline=old)


def test_memory_is_that_of_the_device_where_there_is_one():
    results = (*runs("pytorch", 100.0, 101.0, 99.0), *runs("tensorflow", 99.0, 101.0, 100.0, peak=1300))
    assert judge("tensorflow memory above 20%", *results).outcome == PROVEN
    assert judge("tensorflow memory above 40%", *results).outcome == DISPROVEN
    on_gpu = [replace(one, memory=Memory(one.memory.peak_rss_bytes, 5000)) for one in results]
    assert judge("tensorflow memory above 20%", *on_gpu).outcome == DISPROVEN


@pytest.mark.parametrize(
    ("accuracy", "images", "outcome"),
    [(0.40, 10_000, PROVEN), (0.49, 10_000, DISPROVEN), (0.45, 10_000, UNKNOWN), (0.40, 100, UNKNOWN)],
)
def test_accuracy_is_judged_by_what_chance_makes_of_so_many_images(accuracy, images, outcome):
    speeds = (100.0, 100.0, 100.0)
    results = (
        *runs("pytorch", *speeds, accuracy=0.5, images=images),
        *runs("tensorflow", *speeds, accuracy=accuracy, images=images),
    )
    assert judge("tensorflow accuracy below 5", *results).outcome == outcome


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.44, UNKNOWN), (0.38, PROVEN), (0.52, DISPROVEN)])
def test_of_single_runs_another_seed_may_give_as_much_as_five_points(accuracy, outcome):
    results = (
        *runs("pytorch", 100.0, accuracy=0.5, images=10_000),
        *runs("tensorflow", 100.0, accuracy=accuracy, images=10_000),
    )
    assert judge("tensorflow accuracy below 5", *results).outcome == outcome


def test_what_is_void_proves_nothing():
    void = RunWarning("void: measured by a worker before 0.2", "void", "run it again", "time")
    results = [replace(one, warnings=(void,)) for one in SLOW]
    judgement = judge("tensorflow slower than 5%", *results)
    assert judgement.outcome == UNKNOWN


def test_accuracies_count_where_times_are_void_and_are_never_held_against_themselves():
    void = RunWarning("void: measured by a worker before 0.2", "void", "run it again", "time")
    results = [
        replace(one, warnings=(void,))
        for one in (*runs("tensorflow", 1.0, 1.0, 1.0, accuracy=0.3), *runs("pytorch", 1.0, 1.0, 1.0))
    ]
    judgement = judge("tensorflow accuracy below 2", *results)
    assert judgement.outcome == PROVEN
    assert judgement.why.startswith("TensorFlow is 20.00 points")


def test_seeds_of_one_side_that_differ_make_a_wide_interval_where_they_are_few():
    """Welch's degrees of freedom: those of the side that has all of the variance."""
    noisy = [
        replace(one, test=replace(one.test, accuracy=accuracy))
        for one, accuracy in zip(runs("tensorflow", 1.0, 1.0, 1.0), (0.40, 0.46, 0.43), strict=True)
    ]
    judgement = judge("tensorflow accuracy below 0", *runs("pytorch", *[1.0] * 10, images=10**9), *noisy)
    low, high = map(float, re.search(r"\[(.*), (.*)\]", judgement.why).groups())
    assert (high - low) / 2 == pytest.approx(100 * 4.303 * 0.03 / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tensorflow",
        "tensorflow slower 5%",
        "tensorflow slower than 5",
        "tensorflow accuracy below 5%",
        "tensorflow slower than -5%",
        "tensorflow bigger than 5%",
        "a b slower than 5%",
    ],
)
def test_what_is_no_condition_is_refused_with_the_grammar(text):
    with pytest.raises(UsageError, match="must be NAME slower than P%"):
        parse_gate(text)


def test_a_name_that_is_in_no_row_is_refused():
    with pytest.raises(UsageError, match="jax names no row of the comparison; there are pytorch, tensorflow"):
        judge("jax slower than 5%", *SLOW)


def test_accuracy_of_a_duel_is_that_of_the_restarts_that_were_tested():
    untested = [replace(one, test=Evaluation()) for one in SLOW[:2] + SLOW[3:5]]
    tested = (*runs("pytorch", 100.0, accuracy=0.9), *runs("tensorflow", 80.0, accuracy=0.1))
    assert judge("tensorflow accuracy below 2", *untested, *tested).outcome == PROVEN


def test_a_training_that_diverged_scores_what_it_guesses():
    lost = [replace(one, test=replace(one.test, loss=math.nan)) for one in runs("tensorflow", 80.0, accuracy=0.1)]
    assert judge("tensorflow accuracy below 2", *runs("pytorch", 100.0), *lost).outcome == PROVEN


def test_a_row_of_another_track_is_nothing_to_be_judged_against():
    parity = [replace(one, run=f"{one.run}-p") for one in runs("tensorflow", 80.0, 81.0, 79.5, track="parity")]
    with pytest.raises(UsageError, match="no completed run of its track, measure and machine"):
        judge("tensorflow memory above 5%", *SLOW[:3], *parity)
    results = (*SLOW, *parity)
    other = parity[0].run
    with pytest.raises(UsageError, match=f"{other} is of another track, measure or machine than pytorch"):
        judge_gate(
            parse_gate("pytorch slower than 5%"),
            compare_to_baseline(group([*SLOW[3:], *SLOW[:3], *parity]), other),
            other,
        )
    assert judge("pytorch slower than 5%", *results[:6]).outcome == DISPROVEN


def test_the_beginning_of_an_id_names_its_row():
    results = (*runs("pytorch", 100.0, 101.0, 99.0), *runs("pytorch", 80.0, 81.0, 79.5, environment="new"))
    assert judge(f"{results[-1].run[:-1]} slower than 20%", *results).outcome == PROVEN
    with pytest.raises(UsageError, match="2026 names 2 rows"):
        judge("2026 slower than 20%", *results)
