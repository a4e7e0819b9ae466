"""What a machine's duels showed of processes that are started again is kept for the next ones."""

import pytest

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.runs.record.duel_ratio import ASSUMED, ASSUMED_SD, Restart
from tfpt_tui.runs.record.shown_by_duels import KEPT_PAIRS, Pair, keep_duel, shown_effect, shown_spread

BOTH = ("pytorch", "tensorflow")
SOUND = "{{log_ratio = 0.1, error = 0.1, blocks = 9, freedom = 5}}"
PAIR = f'pairs = [{{{{sweep = "one", frameworks = ["pytorch"], restarts = [{SOUND}, {{}}]}}}}]'


def restarts(*log_ratios):
    return tuple(Restart(value, 0.001, 10, 5) for value in log_ratios)


def test_what_differs_between_restarts_widens_what_the_next_duel_is_told(tmp_path):
    keep_duel(tmp_path / "new", "box", [Pair("one", BOTH, restarts(0.1, 0.2, 0.0))])
    shown = shown_spread(tmp_path / "new", "box", BOTH)
    assert shown.sd > 2 * ASSUMED_SD
    assert not shown.is_assumed
    assert shown_spread(tmp_path / "new", "another", BOTH) == ASSUMED


def test_a_duel_that_goes_on_counts_once(tmp_path):
    for _ in range(2):
        keep_duel(tmp_path, "box", [Pair("one", BOTH, restarts(0.1, 0.2))])
    before = shown_spread(tmp_path, "box", BOTH)
    keep_duel(tmp_path, "box", [Pair("one", BOTH, restarts(0.1, 0.1))])
    after = shown_spread(tmp_path, "box", BOTH)
    assert after.freedom <= before.freedom < 2
    assert after.sd < before.sd


def test_frameworks_differ_in_how_much_their_processes_do(tmp_path):
    keep_duel(tmp_path, "box", [Pair("one", ("pytorch",), restarts(0.0, 0.3))])
    assert shown_spread(tmp_path, "box", BOTH).sd == shown_spread(tmp_path, "box", ["pytorch"]).sd
    keep_duel(tmp_path, "box", [Pair("two", BOTH, restarts(0.01, 0.011))])
    assert shown_spread(tmp_path, "box", BOTH).sd < ASSUMED_SD < shown_spread(tmp_path, "box", ["pytorch"]).sd


def test_one_restart_says_nothing_of_the_spread(tmp_path):
    keep_duel(tmp_path, "box", [Pair("one", BOTH, restarts(0.1))])
    assert shown_spread(tmp_path, "box", BOTH) == ASSUMED


def test_what_a_setting_brought_is_that_of_the_latest_duel_of_the_framework_with_itself(tmp_path):
    for sweep, frameworks, ratio in (("one", ("pytorch",), 0.9), ("two", ("pytorch",), 0.8), ("three", BOTH, 0.5)):
        keep_duel(
            tmp_path,
            "box",
            [Pair(sweep, frameworks, restarts(0.1), "compile", "on", "off", ratio, 0.7, 0.95, "default", 32)],
        )
    config = RunConfig(framework="pytorch", data="/d", track="default", batch_size=32)
    found = shown_effect(tmp_path, "box", config, "compile")
    assert (found.sweep, found.value, found.baseline, found.ratio) == ("two", "on", "off", 0.8)
    assert shown_effect(tmp_path, "box", config.replace(framework="tensorflow"), "compile") is None
    assert shown_effect(tmp_path, "box", config, "cache") is None
    assert shown_effect(tmp_path, "another", config, "compile") is None
    # On another track or with other batches it may bring something else.
    assert shown_effect(tmp_path, "box", config.replace(track="best"), "compile") is None
    assert shown_effect(tmp_path, "box", config.replace(batch_size=64), "compile") is None


def test_what_a_duel_showed_before_it_was_resumed_counts_once(tmp_path):
    keep_duel(tmp_path, "box", [Pair("one", BOTH, restarts(0.0, 0.2))])
    assert not shown_spread(tmp_path, "box", BOTH).is_assumed
    assert shown_spread(tmp_path, "box", BOTH, but="one") == ASSUMED


def test_the_oldest_duels_are_forgotten(tmp_path):
    for number in range(KEPT_PAIRS + 2):
        keep_duel(tmp_path, "box", [Pair(str(number), BOTH, restarts(0.1, 0.2))])
    assert (tmp_path / "box.toml").read_text().count("[[pairs]]") == KEPT_PAIRS


@pytest.mark.parametrize(
    "text",
    [
        "pairs = 1",
        "schema = 99",
        "[[pairs]",
        PAIR.format('{log_ratio = "a", error = 0.1, blocks = 1, freedom = 1}'),
        PAIR.format("{log_ratio = nan, error = 0.1, blocks = 1, freedom = 1}"),
        PAIR.format("{log_ratio = 0.1, error = 0.1, blocks = 0, freedom = 0}"),
    ],
)
def test_a_file_that_cannot_be_read_is_done_without_and_written_anew(tmp_path, text):
    (tmp_path / "box.toml").write_text(text)
    assert shown_spread(tmp_path, "box", BOTH) == ASSUMED
    keep_duel(tmp_path, "box", [Pair("one", BOTH, restarts(0.1, 0.2))])
    assert not shown_spread(tmp_path, "box", BOTH).is_assumed


def test_searches_of_a_single_restart_do_not_push_out_what_is_known_of_the_spread(tmp_path):
    keep_duel(tmp_path, "box", [Pair("one", BOTH, restarts(0.1, 0.2, 0.0))])
    for number in range(KEPT_PAIRS + 2):
        keep_duel(tmp_path, "box", [Pair(f"search {number}", BOTH, restarts(0.1))])
    assert not shown_spread(tmp_path, "box", BOTH).is_assumed
