"""What a machine's duels showed of processes that are started again is kept for the next ones."""

import pytest

from tfpt_tui.runs.record.duel_ratio import ASSUMED_SD, Restart
from tfpt_tui.runs.record.process_spread import KEPT_PAIRS, ShownSpread, keep_restarts, shown_spread

ASSUMED = ShownSpread(pytest.approx(ASSUMED_SD), 0)


def restarts(*log_ratios):
    return [Restart(value, 0.001, 10, 5) for value in log_ratios]


def test_what_differs_between_restarts_widens_what_the_next_duel_is_told(tmp_path):
    keep_restarts(tmp_path / "new", "box", "one", [restarts(0.1, 0.2, 0.0)])
    shown = shown_spread(tmp_path / "new", "box")
    assert shown.sd > 2 * ASSUMED_SD
    assert shown.duels == 1
    assert shown_spread(tmp_path / "new", "another") == ASSUMED


def test_a_duel_of_three_arms_counts_once_and_one_that_goes_on_too(tmp_path):
    for _ in range(2):
        keep_restarts(tmp_path, "box", "one", [restarts(0.1, 0.2), restarts(0.1, 0.2)])
    before = shown_spread(tmp_path, "box")
    keep_restarts(tmp_path, "box", "one", [restarts(0.1, 0.1), restarts(0.1, 0.1)])
    after = shown_spread(tmp_path, "box")
    assert (before.duels, after.duels) == (1, 1)
    assert after.sd < before.sd


def test_one_restart_shows_nothing(tmp_path):
    keep_restarts(tmp_path / "none", "box", "one", [restarts(0.1)])
    assert not (tmp_path / "none").exists()


def test_the_oldest_duels_are_forgotten(tmp_path):
    for number in range(KEPT_PAIRS + 2):
        keep_restarts(tmp_path, "box", str(number), [restarts(0.1, 0.2)])
    assert shown_spread(tmp_path, "box").duels == KEPT_PAIRS


@pytest.mark.parametrize(
    "text",
    [
        "pairs = 1",
        "schema = 99",
        "[[pairs]",
        'pairs = [{sweep = "one", restarts = [{log_ratio = "a", error = 0.1, blocks = 1, freedom = 1}]}]',
        'pairs = [{sweep = "one", restarts = [{log_ratio = nan, error = 0.1, blocks = 1, freedom = 1},'
        " {log_ratio = 0.1, error = 0.1, blocks = 0, freedom = 0}]}]",
    ],
)
def test_a_file_that_cannot_be_read_is_done_without_and_written_anew(tmp_path, text):
    (tmp_path / "box.toml").write_text(text)
    assert shown_spread(tmp_path, "box") == ASSUMED
    keep_restarts(tmp_path, "box", "one", [restarts(0.1, 0.2)])
    assert shown_spread(tmp_path, "box").duels == 1
