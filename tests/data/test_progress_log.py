"""What a preparation tells those who follow it."""

import pytest

from tfpt_tui.data.progress_log import Ending, ProgressLog, Step, following, read_last
from tfpt_tui.errors import MissingError


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "progress.jsonl"


def test_it_speaks_at_most_five_times_a_second_and_never_misses_the_end(path, clock):
    journal = ProgressLog(path, clock)
    for done in range(101):
        clock.now += 0.01
        journal.tell("writing", done, 100)
    assert 5 <= len(path.read_text().splitlines()) <= 7
    assert read_last(path).done == 100


def test_it_speaks_no_more_often_where_nobody_knows_how_much_there_is(path, clock):
    journal = ProgressLog(path, clock)
    for _ in range(100):
        clock.now += 0.01
        journal.tell("reading", 0, 0)
    assert 5 <= len(path.read_text().splitlines()) <= 7


def test_the_rate_is_that_of_the_last_seconds(path, clock):
    journal = ProgressLog(path, clock)
    journal.tell("writing", 0, 20_000)
    clock.now += 1
    journal.tell("writing", 10_000, 20_000)  # they were there already
    for _ in range(10):
        clock.now += 1
        journal.tell("writing", 10_000 + int(clock.now - 101) * 50, 20_000)
    assert read_last(path) == Step("writing", 10_500, 20_000, 50.0)


def test_another_phase_begins_its_rate_anew(path, clock):
    journal = ProgressLog(path, clock)
    journal.tell("fetching", 0, 161_000_000)
    clock.now += 1
    journal.tell("fetching", 161_000_000, 161_000_000)
    journal.tell("reading")
    assert read_last(path) == Step("reading", 0, 0, None)


def test_the_last_line_is_how_it_ended(path, clock):
    journal = ProgressLog(path, clock)
    journal.tell("writing", 0, 10)
    clock.now += 2
    journal.end(0, "prepared", 10)
    assert read_last(path) == Ending(0, "prepared", 10, 2.0)


def test_a_failure_is_told_with_its_line_and_goes_on(path):
    with pytest.raises(MissingError), following(path):
        raise MissingError("/d: no room")
    assert (read_last(path).code, read_last(path).message) == (3, "/d: no room")


def test_an_interruption_is_told(path):
    with pytest.raises(KeyboardInterrupt), following(path):
        raise KeyboardInterrupt
    assert read_last(path).code == 130


@pytest.mark.parametrize("content", ["", "half a li", "[]\n", "{}\n", '{"code": 1}\n', "nonsense\n"])
def test_what_is_no_line_of_ours_is_none(path, content):
    assert read_last(path) is None
    path.write_text(content)
    assert read_last(path) is None


def test_a_directory_in_the_place_of_a_journal_is_none(tmp_path):
    assert read_last(tmp_path) is None


def test_half_a_line_leaves_the_one_before(path, clock):
    ProgressLog(path, clock).tell("writing", 1, 2)
    with path.open("a") as file:
        file.write('{"phase": "wri')
    assert read_last(path) == Step("writing", 1, 2, None)


def test_a_journal_that_cannot_be_written_does_not_end_the_work(tmp_path):
    with following(tmp_path / "nowhere" / "file") as journal:
        journal.tell("writing", 1, 2)
