"""What a machine's duels showed of processes that are started again is kept for the next ones."""

import pytest

from tfpt_tui.runs.record.duel_ratio import ASSUMED, ASSUMED_SD, Restart
from tfpt_tui.runs.record.process_spread import KEPT_PAIRS, keep_restarts, shown_spread

BOTH = ("pytorch", "tensorflow")
SOUND = "{{log_ratio = 0.1, error = 0.1, blocks = 9, freedom = 5}}"
PAIR = f'pairs = [{{{{sweep = "one", frameworks = ["pytorch"], restarts = [{SOUND}, {{}}]}}}}]'


def restarts(*log_ratios):
    return [Restart(value, 0.001, 10, 5) for value in log_ratios]


def test_what_differs_between_restarts_widens_what_the_next_duel_is_told(tmp_path):
    keep_restarts(tmp_path / "new", "box", "one", BOTH, [restarts(0.1, 0.2, 0.0)])
    shown = shown_spread(tmp_path / "new", "box", BOTH)
    assert shown.sd > 2 * ASSUMED_SD
    assert not shown.is_assumed
    assert shown_spread(tmp_path / "new", "another", BOTH) == ASSUMED


def test_a_duel_that_goes_on_counts_once(tmp_path):
    for _ in range(2):
        keep_restarts(tmp_path, "box", "one", BOTH, [restarts(0.1, 0.2)])
    before = shown_spread(tmp_path, "box", BOTH)
    keep_restarts(tmp_path, "box", "one", BOTH, [restarts(0.1, 0.1)])
    after = shown_spread(tmp_path, "box", BOTH)
    assert after.freedom <= before.freedom < 2
    assert after.sd < before.sd


def test_frameworks_differ_in_how_much_their_processes_do(tmp_path):
    keep_restarts(tmp_path, "box", "one", ["pytorch"], [restarts(0.0, 0.3)])
    assert shown_spread(tmp_path, "box", BOTH).sd == shown_spread(tmp_path, "box", ["pytorch"]).sd
    keep_restarts(tmp_path, "box", "two", BOTH, [restarts(0.01, 0.011)])
    assert shown_spread(tmp_path, "box", BOTH).sd < ASSUMED_SD < shown_spread(tmp_path, "box", ["pytorch"]).sd


def test_one_restart_shows_nothing(tmp_path):
    keep_restarts(tmp_path / "none", "box", "one", BOTH, [restarts(0.1)])
    assert not (tmp_path / "none").exists()


def test_the_oldest_duels_are_forgotten(tmp_path):
    for number in range(KEPT_PAIRS + 2):
        keep_restarts(tmp_path, "box", str(number), BOTH, [restarts(0.1, 0.2)])
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
    keep_restarts(tmp_path, "box", "one", BOTH, [restarts(0.1, 0.2)])
    assert not shown_spread(tmp_path, "box", BOTH).is_assumed
