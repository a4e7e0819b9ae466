"""What the turns of a duel allow to say: simulated on noise as real machines have it, from fixed seeds.

``python -m tests.bench duels`` does the same with thousands of duels.
"""

import math

import numpy as np
import pytest

from tests.bench import duels
from tests.noise import draw_rounds
from tfpt_tui.events import Slice
from tfpt_tui.runs.record.duel_ratio import (
    ASSUMED,
    NO_SPREAD,
    Interval,
    Restart,
    Spread,
    enough_rounds,
    estimate,
    estimate_restart,
    fixed_interval,
    is_answer,
    learn_spread,
    log_ratios,
    sequence_interval,
    turns_that_count,
)

ROUNDS, TRUE = 20, 0.05
DUELS, MANY_DUELS = 150, 1000


def fought(rng, restarts, process_sd, log_ratio=TRUE):
    return [estimate_restart(draw_rounds(rng, ROUNDS, log_ratio, process_sd)) for _ in range(restarts)]


@pytest.mark.parametrize(("restarts", "process_sd"), [(1, 0.0), (1, 0.01), (3, 0.01), (5, 0.01), (5, 0.03)])
def test_the_interval_has_the_truth_as_often_as_it_says(restarts, process_sd):
    rng = np.random.default_rng(20261128)
    intervals = [fixed_interval(estimate(fought(rng, restarts, process_sd))) for _ in range(MANY_DUELS)]
    inside = sum(one.low <= TRUE <= one.high for one in intervals)
    assert inside >= 0.93 * MANY_DUELS


def test_equal_arms_are_told_apart_in_few_duels_though_every_block_is_looked_at():
    rng = np.random.default_rng(1)
    false_alarms = 0
    for _ in range(DUELS):
        before, ended = [], False
        for _ in range(5):
            rounds = draw_rounds(rng, ROUNDS, 0.0, 0.01)
            for count in range(10, ROUNDS + 1, 2):
                found = sequence_interval(estimate([*before, estimate_restart(rounds[:count])]))
                ended = ended or found.low > 0 or found.high < 0
            before.append(estimate_restart(rounds))
        false_alarms += ended
    assert false_alarms <= 0.05 * DUELS


def test_a_difference_of_a_tenth_is_known_in_two_fifths_less_time_than_a_planned_duel_takes():
    rng = np.random.default_rng(3)
    ended = [duels.sequential(rng, math.log(1.1), 0.01) for _ in range(MANY_DUELS)]
    assert sum(word == "slower" for word, _ in ended) >= 0.99 * MANY_DUELS
    assert sum(seconds for _, seconds in ended) <= 0.6 * MANY_DUELS * duels.PLANNED_S


def test_a_difference_of_a_tenth_is_known_within_two_restarts():
    rng = np.random.default_rng(2)
    known = [sequence_interval(estimate(fought(rng, 2, 0.01, math.log(1.15)))).low > 0 for _ in range(50)]
    assert sum(known) > 40


def test_an_interval_and_its_p_value_agree():
    for found in (estimate([Restart(value, 0.02, 10, 5)] * 3) for value in np.linspace(0.005, 0.2, 40)):
        for interval in (fixed_interval(found), sequence_interval(found)):
            assert (interval.p_value < 0.05) == (interval.low > 0)


def test_several_arms_are_each_judged_more_strictly():
    found = estimate([Restart(0.05, 0.02, 10, 5)] * 3)
    for interval in (fixed_interval, sequence_interval):
        alone, among = interval(found), interval(found, 3)
        assert among.low < alone.low
        assert among.p_value == pytest.approx(3 * alone.p_value)


def test_looking_all_the_time_costs_a_wider_interval():
    found = estimate([Restart(0.05, 0.02, 10, 5)] * 3)
    assert sequence_interval(found).low < fixed_interval(found).low


def test_rounds_are_paired_and_one_that_an_arm_did_not_finish_is_left_out():
    own = [Slice(1, 1, 4, 32, 2.0), Slice(2, 2, 4, 32, 4.0), Slice(4, 2, 4, 32, 9.0)]
    baseline = [Slice(1, 2, 4, 64, 2.0), Slice(2, 1, 4, 64, 4.0), Slice(3, 2, 4, 64, 4.0)]
    assert log_ratios(own, baseline) == pytest.approx([math.log(2), math.log(2)])


def test_a_block_is_of_two_rounds_in_opposite_orders_whatever_is_left_out_between_them():
    own = [Slice(number, 1 + (number in (3, 4, 6)), 4, 32, math.exp(number)) for number in range(1, 7)]
    baseline = [Slice(number, 3 - turn.position, 4, 32, 1.0) for number, turn in enumerate(own, start=1)]
    assert log_ratios(own, baseline) == pytest.approx([1, 3, 2, 4, 5, 6])
    assert log_ratios(own[:3], baseline[:3]) == pytest.approx([1, 3])  # the second waits for its opposite


def turns(first, *loads):
    orders = (1 + (number + first) % 2 for number in range(1, len(loads) + 1))
    return [
        Slice(number, order, 4, 32, 1.0, 2.0, load)
        for number, (order, load) in enumerate(zip(orders, loads, strict=True), start=1)
    ]


def test_rounds_in_which_others_used_the_cores_do_not_count():
    quiet = [0.0] * 14
    assert len(log_ratios(turns(1, *quiet), turns(0, *quiet))) == 14
    assert len(log_ratios(turns(1, 0.11, *quiet[1:]), turns(0, *quiet[:-1], 0.2))) == 12
    assert len(log_ratios(turns(1, 0.10, *quiet[1:]), turns(0, *quiet))) == 14  # so much a machine does anyway
    assert len(log_ratios(turns(1, *[None] * 14), turns(0, *quiet))) == 14  # nobody knows
    assert log_ratios(turns(1, *[0.5] * 14), turns(0, *quiet)) == []
    assert len(log_ratios(turns(1, *[0.5] * 14), turns(0, *quiet), quiet=False)) == 14


def test_of_one_arm_the_turns_count_in_which_others_left_it_alone_or_all():
    assert [turn.round for turn in turns_that_count(turns(1, 0.0, 0.4, None))] == [1, 3]
    assert len(turns_that_count(turns(1, 0.4, 0.4))) == 2


def test_load_that_slows_one_arm_down_more_than_the_other_does_not_move_the_ratio():
    rng = np.random.default_rng(11)
    intervals, moved = [], []
    for _ in range(DUELS):
        quiet, every = [], []
        for _ in range(3):
            own, baseline = [], []
            for number, log_ratio in enumerate(draw_rounds(rng, 2 * ROUNDS, TRUE, 0.01), start=1):
                # Half of the rounds are disturbed: turns of the baseline take three times as long.
                loads = np.where(rng.random(2) < 0.3, rng.uniform(0.12, 0.5, 2), rng.uniform(0.0, 0.08, 2))
                slower = np.where(loads > 0.1, (1.5, 3.0), 1.0)
                order = 1 + number % 2
                own.append(Slice(number, order, 1, 1, slower[0] * math.exp(log_ratio), 1.0, loads[0]))
                baseline.append(Slice(number, 3 - order, 1, 1, slower[1], 1.0, loads[1]))
            quiet.append(estimate_restart(log_ratios(own, baseline)[:ROUNDS]))
            every.append(estimate_restart(log_ratios(own, baseline, quiet=False)))
        intervals.append(fixed_interval(estimate([one for one in quiet if one])))
        moved.append(fixed_interval(estimate(every)))
    inside, inside_moved = (sum(one.low <= TRUE <= one.high for one in found) for found in (intervals, moved))
    assert inside >= 0.93 * DUELS
    assert inside_moved < 0.8 * DUELS


def test_what_grows_steadily_and_the_place_in_a_round_cancel():
    rounds = [0.1 + 0.02 * (-1) ** number for number in range(20)]
    assert estimate_restart(rounds).log_ratio == pytest.approx(0.1)
    assert estimate_restart(rounds).error == pytest.approx(0)


def test_a_few_disturbed_rounds_do_not_move_the_ratio():
    rng = np.random.default_rng(3)
    rounds = list(rng.normal(0.1, 0.01, 20))
    rounds[4] += 3.0
    assert estimate_restart(rounds).log_ratio == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("interval_of", [sequence_interval, fixed_interval])
def test_rounds_that_are_all_noise_give_an_interval_that_is_wide_and_finite(interval_of):
    for size in (0.1, 1.0, 5.0):
        drifting = estimate_restart([size * (number - 9) / 10 for number in range(10)])
        interval = interval_of(estimate([drifting]), 2)
        assert 0 < math.exp(interval.low) < 1 < math.exp(interval.high) < math.inf
        assert 0 <= interval.p_value <= 1


def test_too_few_rounds_say_nothing():
    assert estimate_restart([0.1] * 9) is None


def test_the_interval_covers_the_spread_that_a_machine_showed():
    restarts = [Restart(value, 0.001, 10, 5) for value in (0.0, 0.06)]
    assumed = fixed_interval(estimate(restarts))
    shown = fixed_interval(estimate(restarts, Spread(0.03, 40.0)))
    assert shown.high - shown.low > assumed.high - assumed.low
    alone = fixed_interval(estimate(restarts, NO_SPREAD))
    assert alone.high - alone.low < assumed.high - assumed.low


def fought_with_error(rng, error, process_sd, restarts=3):
    found = rng.normal(0.1, math.hypot(error, math.sqrt(2) * process_sd), restarts)
    return [Restart(value, error, 10, 5) for value in found]


def test_a_machine_without_duels_is_taken_to_be_as_others_were():
    assert learn_spread([]) == ASSUMED
    assert ASSUMED.is_assumed


@pytest.mark.parametrize("process_sd", [0.003, 0.03])
def test_duels_show_how_much_processes_differ_on_a_machine(process_sd):
    rng = np.random.default_rng(1)
    found = learn_spread([fought_with_error(rng, 0.001, process_sd) for _ in range(60)])
    assert found.sd == pytest.approx(process_sd, rel=0.3)
    assert found.freedom == pytest.approx(120, rel=0.2)


def test_duels_whose_noise_hides_the_processes_change_little():
    rng = np.random.default_rng(1)
    for _ in range(20):
        found = learn_spread([fought_with_error(rng, 0.05, 0.01) for _ in range(3)], Spread(0.01, 4.0))
        assert found.sd == pytest.approx(0.01, rel=0.3)
        assert found.freedom < 5


def test_restarts_that_differ_by_more_than_was_known_widen_their_own_interval():
    alike, apart = ([Restart(value, 0.01, 10, 5) for value in values] for values in ((0.1, 0.11), (0.0, 0.21)))
    assert estimate(apart).spread.sd > 3 * estimate(alike).spread.sd
    widths = [interval.high - interval.low for interval in map(fixed_interval, map(estimate, (alike, apart)))]
    assert widths[1] > 2 * widths[0]


def test_restarts_are_as_long_as_makes_the_ratio_known_soonest():
    noisy, calm = Restart(0.1, 0.04, 10, 5), Restart(0.1, 0.01, 10, 5)
    assert enough_rounds(noisy, ASSUMED, 20.0, 2.0) > 30 > 20 > enough_rounds(calm, ASSUMED, 20.0, 2.0)
    assert enough_rounds(noisy, Spread(0.07, 10.0), 20.0, 2.0) < 10
    assert enough_rounds(noisy, ASSUMED, 80.0, 2.0) == pytest.approx(2 * enough_rounds(noisy, ASSUMED, 20.0, 2.0))


@pytest.mark.parametrize(
    ("low", "high", "until", "answered"),
    [
        (0.01, 0.5, 0.0, True),
        (-0.5, -0.01, 0.0, True),
        (-0.015, 0.015, 0.0, True),
        (-0.03, 0.01, 0.0, False),
        (-0.03, 0.01, 0.02, True),
        (-0.03, 0.02, 0.02, False),
    ],
)
def test_an_answer_is_a_difference_an_equivalence_or_the_wanted_precision(low, high, until, answered):
    assert is_answer(Interval(low, high, 0.5), until) is answered
