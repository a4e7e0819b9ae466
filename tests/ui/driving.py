"""What tests of the app share: reading its screen, and waiting for what it shall show."""

import time

from tests.waiting import wait_until
from tfpt_tui.runs.record.state import owner_of

SIZES = [(80, 24), (120, 36), (200, 60)]


def counted(monkeypatch, where, name):
    """Count the calls of a function in the module or class that looks it up."""
    calls, real = [], getattr(where, name)

    def count(*arguments):
        calls.append(name)
        return real(*arguments)

    monkeypatch.setattr(where, name, count)
    return calls


async def look_into_help(pilot):
    """Open a dialog over the screen, and close it."""
    await pilot.press("question_mark")
    await shows(pilot, "Keys")
    await pilot.press("escape")
    await hides(pilot, "esc closes")


def finish(sweep):
    """Wait until the supervisor of the sweep is gone."""
    wait_until(lambda: owner_of(sweep.directory.state) is None, 60)


def screen_text(app):
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def has_a_curve(text):
    """Whether a curve is drawn, which may follow the text around it by a paint."""
    return any(0x2800 < ord(letter) < 0x2900 for letter in text)


async def until(pilot, holds, seconds=20):
    """Wait until the text on the screen is as wanted, and return it."""
    deadline = time.monotonic() + seconds
    said = {}  # a toast that says why may be gone when the time is up
    while True:
        await pilot.pause(0.05)
        text = screen_text(pilot.app)
        if holds(text):
            return text
        said |= dict.fromkeys(f"{toast.title}: {toast.message}" for toast in pilot.app._notifications)
        assert time.monotonic() < deadline, f"not on the screen:\n{text}\n" + "\n".join(said)


async def shows(pilot, *texts, seconds=20):
    """Wait until the screen shows all the texts."""
    return await until(pilot, lambda text: all(wanted in text for wanted in texts), seconds)


async def hides(pilot, *texts, seconds=20):
    """Wait until the screen shows none of the texts."""
    return await until(pilot, lambda text: not any(wanted in text for wanted in texts), seconds)
