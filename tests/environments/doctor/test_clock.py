"""The clock: how it is read, and whether it is right."""

import pytest

from tfpt_tui.environments.doctor import clock
from tfpt_tui.environments.doctor.clock import ClockFacts, judge_clock, read_clock

SOURCES = "sys/devices/system/clocksource/clocksource0"


def judge(**facts):
    (finding,) = judge_clock(ClockFacts(**facts))
    return finding


@pytest.mark.parametrize("source", ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"])
def test_a_quick_clock_that_is_right_is_in_order(source):
    finding = judge(source=source, synchronized=True)
    assert (finding.level, finding.message) == ("ok", f"read from {source}, which is quick, and synchronised")


def test_a_clock_of_which_nothing_is_known_is_in_order():
    assert (judge().level, judge().message) == ("ok", "nothing to fix")


@pytest.mark.parametrize("source", ["hpet", "acpi_pm", "xen"])
def test_a_slow_clock_is_warned_of(source):
    finding = judge(source=source, available=(source, "tsc"))
    assert (finding.level, f"from {source}, which is slow" in finding.message) == ("warning", True)
    assert finding.remedy == f"echo tsc | sudo tee /{SOURCES}/current_clocksource"


def test_where_there_is_no_quicker_clock_the_kernel_says_why():
    assert "dmesg" in judge(source="hpet", available=("hpet", "acpi_pm")).remedy


def test_a_clock_that_nothing_keeps_right_is_noted():
    finding = judge(source="tsc", synchronized=False)
    assert (finding.level, "durations are not" in finding.message) == ("note", True)
    assert finding.remedy == "sudo timedatectl set-ntp true"


def test_a_year_of_the_past_is_warned_of_once():
    finding = judge(source="tsc", synchronized=False, year=1970)
    assert (finding.level, "it is 1970" in finding.message) == ("warning", True)
    assert finding.remedy == "sudo timedatectl set-ntp true"


def test_the_clock_is_read(tree, monkeypatch):
    monkeypatch.setattr(clock, "_is_synchronized", lambda: None)
    root = tree(
        {f"{SOURCES}/current_clocksource": "hpet\n", f"{SOURCES}/available_clocksource": "hpet acpi_pm \n"}
    )
    facts = read_clock(root)
    assert (facts.source, facts.available, facts.synchronized) == ("hpet", ("hpet", "acpi_pm"), None)
    assert facts.year >= 2024


class FakeLibrary:
    """A C library whose kernel answers adjtimex with this status, or refuses it."""

    def __init__(self, status, answer=0):
        self.status, self.answer = status, answer

    def adjtimex(self, timex):
        timex._obj.status = self.status
        return self.answer


@pytest.mark.parametrize(
    ("library", "synchronized"),
    [
        (FakeLibrary(0x2001), True),
        (FakeLibrary(0x0040), False),
        (FakeLibrary(0, answer=-1), None),
        (object(), None),
    ],
)
def test_the_kernel_is_asked_whether_the_clock_is_right(library, synchronized, monkeypatch, tree):
    monkeypatch.setattr(clock.ctypes, "CDLL", lambda name: library)
    assert read_clock(tree({})).synchronized is synchronized


def test_this_kernel_is_asked_without_harm():
    assert isinstance(read_clock(), ClockFacts)
