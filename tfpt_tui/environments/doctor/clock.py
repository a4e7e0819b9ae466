"""The clock that all figures are taken with: how long it takes to read, and whether it is right."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.linux import ROOT, read_text

CLOCKSOURCE = "sys/devices/system/clocksource/clocksource0"
# The kernel must be entered to read these, or a chip that answers in microseconds; others are read in nanoseconds.
SLOW_SOURCES = ("acpi_pm", "hpet", "hyperv_clocksource_msr", "jiffies", "pit", "refined-jiffies", "xen")
FIRST_YEAR = 2024
STA_UNSYNC = 0x0040  # sys/timex.h


@dataclass(frozen=True)
class ClockFacts:
    """``source`` and what else there is ``available``; ``synchronized`` is None where the kernel does not tell."""

    source: str = ""
    available: tuple[str, ...] = ()
    synchronized: bool | None = None
    year: int = FIRST_YEAR


def read_clock(root: Path = ROOT) -> ClockFacts:
    """What the kernel reads the time from, and what it says of its wall clock."""
    return ClockFacts(
        source=read_text(root / CLOCKSOURCE / "current_clocksource") or "",
        available=tuple((read_text(root / CLOCKSOURCE / "available_clocksource") or "").split()),
        synchronized=_is_synchronized(),
        year=time.gmtime().tm_year,
    )


def judge_clock(clock: ClockFacts) -> list[Finding]:
    judged = (_judge_source(clock), _judge_year(clock) or _judge_synchronization(clock))
    findings = [finding for finding in judged if finding]
    if findings:
        return findings
    quick = f"read from {clock.source}, which is quick" if clock.source else "nothing to fix"
    return [Finding("ok", "clock", quick + (", and synchronised" if clock.synchronized else ""))]


class _Timex(ctypes.Structure):
    """The beginning of adjtimex(2)'s struct timex, and more room than the rest of it takes anywhere."""

    _fields_ = (
        ("modes", ctypes.c_int),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def _is_synchronized() -> bool | None:
    """Whether something such as NTP keeps the wall clock right (adjtimex(2)), None where we may not ask."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    timex = _Timex()  # modes = 0: it only reads
    if adjtimex is None or adjtimex(ctypes.byref(timex)) < 0:
        return None
    return not timex.status & STA_UNSYNC


def _judge_source(clock: ClockFacts) -> Finding | None:
    if clock.source not in SLOW_SOURCES:
        return None
    return Finding(
        "warning",
        "clock",
        f"the kernel reads the time from {clock.source}, which is slow: every reading delays the training",
        f"echo tsc | sudo tee /{CLOCKSOURCE}/current_clocksource"
        if "tsc" in clock.available
        else "see why the kernel takes no quicker one: sudo dmesg | grep -i -e clocksource -e tsc",
    )


def _judge_year(clock: ClockFacts) -> Finding | None:
    if clock.year >= FIRST_YEAR:
        return None
    return Finding(
        "warning",
        "clock",
        f"the clock says that it is {clock.year}: downloads would be refused, and runs would have wrong dates",
        "sudo timedatectl set-ntp true",
    )


def _judge_synchronization(clock: ClockFacts) -> Finding | None:
    if clock.synchronized is not False:
        return None
    return Finding(
        "note",
        "clock",
        "nothing keeps the clock of this machine right: the dates of runs may be off, their durations are not",
        "sudo timedatectl set-ntp true",
    )
