"""The app on recorded and scripted runs, driven by keys."""

import os
import shutil
import time

import pytest
from textual.widgets import Input, OptionList

from tests.waiting import wait_until
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.events import ALIVE, Progress, Stamped, encode
from tfpt_tui.runs.state import owner_of, status_of
from tfpt_tui.runs.sweep import latest_sweep
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.screens.confirm import Confirm
from tfpt_tui.ui.screens.details import Details
from tfpt_tui.ui.screens.help import Help, help_text
from tfpt_tui.ui.screens.monitor import MonitorScreen
from tfpt_tui.ui.widgets.chart import Chart
from tfpt_tui.ui.widgets.run_list import RunList

SIZES = [(80, 24), (120, 36), (200, 60)]


def finish(sweep):
    wait_until(lambda: owner_of(sweep.directory.state) is None, 60)


def screen_text(app):
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def shows(pilot, *texts, seconds=20):
    """Wait until the screen shows all the texts."""
    deadline = time.monotonic() + seconds
    while True:
        await pilot.pause(0.05)
        text = screen_text(pilot.app)
        if all(wanted in text for wanted in texts):
            return text
        assert time.monotonic() < deadline, f"{texts} not on the screen:\n{text}"


@pytest.fixture
def app(paths):
    return TfptApp(paths, UserSettings(refresh_hz=5.0))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the first test that needs a recorded sweep leaves it for the others."""
    return tmp_path_factory.mktemp("kept") / "recorded"


@pytest.fixture
def recorded(start, paths, kept):
    """A sweep of two finished runs."""
    if not kept.exists():
        finish(start("completes"))
        shutil.copytree(paths.runs.parent, kept)
    else:
        shutil.copytree(kept, paths.runs.parent, dirs_exist_ok=True)
    return latest_sweep(paths)


@pytest.mark.parametrize("size", SIZES)
async def test_the_monitor_shows_a_recorded_run_whole_at_every_size(app, recorded, size):
    async with app.run_test(size=size) as pilot:
        text = await shows(pilot, "TensorFlow 9.9", "completed", "test loss 1.1000", "CPU", "train loss")
        assert "PyTorch completed" in text
        assert any(0x2800 < ord(letter) < 0x2900 for letter in text)
        assert "GPU" in text


async def test_without_runs_the_monitor_says_what_to_do(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "No runs yet", "tfpt-tui demo")


async def test_a_missing_framework_is_named_with_the_line_that_installs_it(app, monkeypatch):
    from tfpt_tui.environments import interpreters

    monkeypatch.setattr(interpreters, "_missing_here", list)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow is not installed", "-m pip install torch torchvision")


async def test_keys_choose_another_run_and_its_details(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("j")
        await shows(pilot, "PyTorch 9.9")
        await pilot.press("i")
        await shows(pilot, "271,652 parameters", "Conv2d")
        assert isinstance(app.screen, Details)
        await pilot.press("escape")
        assert isinstance(app.screen, MonitorScreen)


async def test_the_monitor_follows_a_live_run_and_the_next_one(app, start):
    sweep = start("hangs", "completes")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "running", "epoch", "queued")
        sweep.runs[0].stop.touch()
        await shows(pilot, "TensorFlow 9.9", "completed", "stopped", seconds=60)


async def test_a_run_that_was_chosen_stays_while_others_change(app, start):
    sweep = start("hangs", "completes")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "PyTorch 9.9")
        await pilot.press("k")
        await shows(pilot, "queued: it starts when")
        await pilot.press("j")
        await shows(pilot, "PyTorch 9.9")
        sweep.runs[0].stop.touch()
        await shows(pilot, "TensorFlow completed", seconds=60)
        assert app.screen.query_one(RunList).chosen == sweep.runs[0].id
        await pilot.press("g")
        await shows(pilot, "TensorFlow 9.9")


async def test_a_crash_is_told_with_its_reason(app, start):
    finish(start("is_killed", rows=[0]))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "crashed", "killed by SIGKILL")


async def test_a_loss_that_is_no_number_is_marked_in_the_chart(app, start):
    finish(start("diverges", rows=[0]))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "train loss: NaN from 2")


async def test_the_log_can_be_enlarged(app, start):
    finish(start("talks_nonsense", rows=[0]))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Hello from a library")
        assert app.screen.query_one("#loss", Chart).display
        await pilot.press("l")
        assert not app.screen.query_one("#charts").display


async def test_a_run_is_stopped_only_after_a_question(app, start):
    sweep = start("hangs", rows=[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "epoch")
        await pilot.press("K")
        await shows(pilot, "Stop 2")
        await pilot.press("c")
        assert status_of(sweep.runs[0]) in ALIVE
        await pilot.press("K")
        await shows(pilot, "Stop 2")
        await pilot.press("s")
        await shows(pilot, "stopped", seconds=60)
    assert status_of(sweep.runs[0]) == "stopped"


async def test_leaving_with_a_live_run_asks_and_detaching_lets_it_go_on(app, start):
    sweep = start("hangs", rows=[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "running")
        await pilot.press("q")
        await shows(pilot, "Detach")
        assert isinstance(app.screen, Confirm)
        await pilot.press("escape")
        assert app.is_running
        await pilot.press("q")
        await shows(pilot, "Detach")
        await pilot.press("enter")
        await pilot.pause()
    assert status_of(sweep.runs[0]) == "running"


async def test_leaving_can_stop_the_run(app, start):
    sweep = start("hangs", rows=[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "running")
        await pilot.press("q")
        await shows(pilot, "Stop the run")
        await pilot.press("s")
    finish(sweep)
    assert status_of(sweep.runs[0]) == "stopped"


async def test_leaving_without_a_live_run_asks_nothing(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        await pilot.press("q")
        await pilot.pause(0.3)
        assert not app.is_running


@pytest.mark.parametrize("size", SIZES)
async def test_no_screen_is_a_dead_end(app, recorded, size):
    async with app.run_test(size=size) as pilot:
        await pilot.press("1")
        await shows(pilot, "tfpt-tui prepare", "64x64")
        await pilot.press("2")
        await shows(pilot, "Preset", "demo", "2 runs; s starts them")
        await pilot.press("4")
        await shows(pilot, "2 runs both frameworks", "baseline")
        await pilot.press("3")
        await shows(pilot, "completed")


async def test_a_preset_is_started_from_the_app(paths, recorded):
    app = TfptApp(paths, load_settings(paths.settings))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await shows(pilot, "2 runs; s starts them", "tiny")
        app.screen.query_one("#presets", OptionList).focus()
        await pilot.press("s")
        await shows(pilot, "queued", seconds=30)
        assert isinstance(app.screen, MonitorScreen)
        assert app.screen.query_one(RunList).option_count == 4
        await shows(pilot, "4", "completed")
        wait_until(lambda: all(status_of(run) not in ALIVE for run in list_all(paths)), 60)


def list_all(paths):
    from tfpt_tui.runs.directory import list_runs

    return list_runs(paths)


async def test_a_plan_that_is_refused_says_why_and_starts_nothing(paths, recorded):
    app = TfptApp(paths, load_settings(paths.settings))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.press("2")
        await shows(pilot, "2 runs; s starts them")
        app.screen.query_one("#data", Input).value = "/nowhere"
        app.screen.query_one("#presets", OptionList).focus()
        await pilot.press("s")
        await shows(pilot, "Not started", "no such dataset directory")
        assert len(list_all(paths)) == 2


async def test_the_help_is_made_from_the_registry(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await shows(pilot, "Keys", "close this, or leave")
        assert isinstance(app.screen, Help)
        await pilot.press("q")
        assert isinstance(app.screen, MonitorScreen)
    assert "ask the run to stop" in help_text().plain


@pytest.mark.parametrize("size", SIZES)
async def test_the_doctor_shows_the_same_findings_with_what_mends_them(app, monkeypatch, size):
    found = [
        Finding("error", "PyTorch", "no module torch [bold]", "pip install torch"),
        Finding("ok", "memory", "23.0 GiB available"),
    ]
    monkeypatch.setattr("tfpt_tui.ui.screens.doctor.examine", lambda paths: found)
    async with app.run_test(size=size) as pilot:
        await pilot.press("d")
        text = await shows(pilot, "1 error", "no module torch [bold]", "→ pip install torch")
        assert "✗ PyTorch" in text
        assert "✓ memory" in text
        found.pop(0)
        await pilot.press("r")
        text = await shows(pilot, "nothing to mend")
        assert "PyTorch  no module" not in text
        await pilot.press("escape")
        await shows(pilot, "No runs yet")


async def test_keys_can_be_remapped_by_their_id(paths, recorded):
    app = TfptApp(paths, UserSettings(keys={"details": "d"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        await pilot.press("d")
        await shows(pilot, "parameters")


async def test_nothing_is_painted_while_nothing_changes(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        await pilot.pause(0.5)
        posted = []
        app.screen.watch_snapshot = lambda before, after: posted.append(after)
        await pilot.pause(1.0)
        assert posted == []


async def test_a_directory_that_appears_is_listed(app, start):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "No runs yet")
        sweep = start("completes", rows=[0])
        await shows(pilot, "PyTorch 9.9", "completed", seconds=60)
        finish(sweep)


async def test_a_run_without_readable_configuration_is_shown_as_such(app, paths):
    run = paths.runs / "20261122-165501-pytorch-3f9a"
    run.mkdir(parents=True)
    (run / "config.toml").write_text("[[rows")
    os.utime(run / "config.toml", (0, 0))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "crashed", "config.toml cannot be read")


async def test_a_file_system_that_refuses_for_a_while_does_not_end_the_app(app, recorded, monkeypatch):
    from tfpt_tui.ui.watch import Watcher

    real = Watcher.look
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "completed")

        def refuse(*_):
            raise OSError(5, "Input/output error", "/runs")

        monkeypatch.setattr(Watcher, "look", refuse)
        await shows(pilot, "Cannot read the runs", "Input/output error")
        monkeypatch.setattr(Watcher, "look", real)
        await pilot.press("j")
        await shows(pilot, "PyTorch 9.9")


async def test_keys_are_answered_while_a_flood_of_events_arrives(app, start):
    """The flood is read in a thread and shown as one snapshot a tick, whatever its size."""
    sweep = start("hangs", rows=[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "train loss 2.0000")  # the worker has told all that it will
        shown = []
        watch = app.screen.watch_snapshot
        app.screen.watch_snapshot = lambda before, after: (shown.append(after), watch(before, after))
        line = encode(Stamped(7, 1.0, 1.0, Progress("training", 1, 5, 10, 1.0)))
        with sweep.runs[0].events.open("a") as file:
            file.write(line * 50_000)
        await pilot.press("question_mark")
        await shows(pilot, "Keys")
        await pilot.press("escape")
        await shows(pilot, "50%")
        assert len(shown) < 50


async def test_a_run_that_cannot_be_read_does_not_hide_the_others(app, paths, recorded):
    odd = paths.runs / "20991122-000001-pytorch-beef"
    (odd / "events.jsonl").mkdir(parents=True)
    (odd / "config.toml").write_text(recorded.runs[0].config.read_text())
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "Is a directory", "TensorFlow completed")
        await pilot.press("j")
        await shows(pilot, "TensorFlow 9.9", "test loss")


@pytest.mark.parametrize("key", ["1", "2", "3", "4"])
async def test_every_screen_names_its_keys_at_its_foot(app, recorded, key):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        text = await shows(pilot, "Help", "Quit")
        assert "Quit" in text.splitlines()[-1]


async def test_leaving_by_the_palette_asks_too(app, start):
    start("hangs", rows=[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "running")
        await app.run_action("quit")
        await shows(pilot, "Detach")
        await pilot.press("escape")


@pytest.mark.parametrize("size", [(40, 10), (60, 20)])
async def test_the_question_before_leaving_fits_a_small_terminal(app, start, size):
    start("hangs", rows=[0])
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "running")
        await pilot.press("q")
        await shows(pilot, "Detach", "Stop the run", "Cancel")
        await pilot.press("c")
