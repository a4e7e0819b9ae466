"""Wait for something that another process does, without guessing how long it takes."""

import signal
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as the condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def wait_until_late(condition: Callable[[], object]) -> None:
    """The same for what several programs have to do, one after another, beside all other tests."""
    wait_until(condition, 100)


def usual_signals():
    """For a process that a test starts: in the background of a script, as CI may be, some are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
