import pytest

from tfpt_tui.wording import end_of, printable_lines, show_duration, wrap


def test_lines_stay_lines_and_nothing_else_is_obeyed():
    assert printable_lines("a\x1b[2J\nb\tc") == "a\\x1b[2J\nb   c"


def test_a_path_is_never_broken():
    assert wrap("look into /a/very/long/path/indeed now", 12, "> ", "  ") == [
        "> look into",
        "  /a/very/long/path/indeed",
        "  now",
    ]


def test_the_end_of_a_path_is_kept():
    assert end_of("/data/cifar100", 14) == "/data/cifar100"
    assert end_of("/data/cifar100", 10) == "…/cifar100"


@pytest.mark.parametrize(("seconds", "told"), [(40.4, "40 s"), (720.0, "12 min"), (12_000.0, "3 h 20 min")])
def test_durations_are_told_as_people_tell_them(seconds, told):
    assert show_duration(seconds) == told
