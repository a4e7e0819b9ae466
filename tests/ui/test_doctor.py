"""The doctor's screen, with findings of its own."""

import threading

import pytest

from tests.ui.driving import SIZES, shows
from tests.waiting import wait_until
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.asking import AbandonedError
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.ui.app import TfptApp


@pytest.fixture
def app(paths):
    return TfptApp(paths, UserSettings())


@pytest.mark.parametrize("size", SIZES)
async def test_the_doctor_shows_the_same_findings_with_what_mends_them(app, monkeypatch, size):
    found = [
        Finding("error", "PyTorch", "no module torch [bold]", "pip install torch"),
        Finding("ok", "memory", "23.0 GiB available"),
    ]
    monkeypatch.setattr("tfpt_tui.ui.dialogs.doctor.examine", lambda paths, cancelled: iter([found]))
    async with app.run_test(size=size) as pilot:
        await pilot.press("d")
        text = await shows(pilot, "1 error", "no module torch [bold]", "→ pip install torch")
        assert "✗ PyTorch" in text
        assert "✓ memory" in text
        found.pop(0)
        await pilot.press("r")
        text = await shows(pilot, "nothing to fix")
        assert "PyTorch  no module" not in text
        await pilot.press("escape")
        await shows(pilot, "No runs yet")


async def test_the_doctor_shows_the_machine_at_once_and_does_not_look_twice_at_a_time(app, monkeypatch):
    looks, go_on = [], threading.Event()

    def look(paths, cancelled):
        looks.append(paths)
        yield [Finding("note", "clock", "nothing keeps it right")]
        go_on.wait(20)
        yield [Finding("error", "PyTorch", "no module torch")]

    monkeypatch.setattr("tfpt_tui.ui.dialogs.doctor.examine", look)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("d")
        await shows(pilot, "1 note so far, checking the frameworks", "nothing keeps it right")
        await pilot.press("r", "r")
        go_on.set()
        text = await shows(pilot, "1 error, 1 note", "no module torch")
        assert "looking" not in text
        assert text.index("no module torch") < text.index("nothing keeps it right")
        assert len(looks) == 1


@pytest.mark.parametrize("keys", [["escape"], ["q"], ["ctrl+q"]])
async def test_leaving_the_doctor_ends_what_it_has_started(app, monkeypatch, keys):
    abandoned = threading.Event()

    def look(paths, cancelled):
        yield [Finding("note", "clock", "nothing keeps it right")]
        wait_until(cancelled, 20)
        abandoned.set()
        raise AbandonedError

    monkeypatch.setattr("tfpt_tui.ui.dialogs.doctor.examine", look)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("d")
        await shows(pilot, "nothing keeps it right")
        await pilot.press(*keys)
        if keys != ["ctrl+q"]:
            await shows(pilot, "No runs yet")
    assert abandoned.wait(10)
