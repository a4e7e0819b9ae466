"""Whether a machine can execute plans: is it reached, is its version ours, and what does the doctor find there."""

from __future__ import annotations

from collections.abc import Iterator

from tfpt_tui import __version__
from tfpt_tui.config.machines import Machine
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import TfptError
from tfpt_tui.machines.connection import Connection, UnreachableError, connected, other_version
from tfpt_tui.machines.wire import Done, Request
from tfpt_tui.wording import show_duration

# Beyond that, runs of the two machines stand in a wrong order in lists.
MOST_OFF_S = 5.0


def check_machine(machine: Machine) -> Iterator[Finding]:
    """What works and what does not, as it is found; a machine that is not reached has one finding."""
    try:
        with connected(machine, Request("examine"), same_version=False) as connection:
            yield _reached(connection)
            yield _judge_clock(connection)
            if connection.greeting.tfpt_tui != __version__:
                yield Finding(
                    "error", "version", other_version(machine, connection.greeting), "pip install -U tfpt-tui"
                )
                return
            yield Finding("ok", "version", f"tfpt-tui {__version__}, as here")
            done = False
            for frame, _ in connection.hear():
                done = isinstance(frame, Done)
                if isinstance(frame, Finding):
                    yield frame
            if not done:
                yield Finding("error", "tfpt-tui", f"{machine.name}: it ended before it had examined everything")
    except UnreachableError as error:
        yield Finding("error", "connection", str(error), f"ssh {machine.host}")
    except TfptError as error:
        yield Finding("error", "tfpt-tui", str(error))


def _reached(connection: Connection) -> Finding:
    took_s = connection.greeted - connection.sent
    return Finding("ok", "connection", f"{connection.greeting.host} answers after {took_s:.1f} s")


def _judge_clock(connection: Connection) -> Finding:
    """Its clock against ours: when it was read there lies between two readings here."""
    then = connection.greeting.time
    off_s = max(connection.sent - then, then - connection.greeted, 0.0)
    if off_s <= MOST_OFF_S:
        return Finding("ok", "clock difference", f"less than {MOST_OFF_S:g} s from ours")
    way = "behind" if then < connection.sent else "ahead of"
    return Finding(
        "warning",
        "clock difference",
        f"its clock is {show_duration(off_s)} {way} ours: the dates of its runs are off, durations are not",
        "sudo timedatectl set-ntp true, on the machine that is wrong",
    )
