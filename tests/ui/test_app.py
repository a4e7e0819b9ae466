"""The app on recorded and scripted runs, driven by keys."""

import asyncio
import itertools
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual.css.stylesheet import Stylesheet

from tests.ui.driving import SIZES, counted, finish, has_a_curve, hides, look_into_help, screen_text, shows, until
from tests.waiting import wait_until
from tfpt_tui.config.look import Look, keep_look, read_look
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import MissingError
from tfpt_tui.events import ALIVE, Progress, Stamped, encode
from tfpt_tui.runs.record.state import owner_of, status_of
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.dialogs.help import Help, help_text
from tfpt_tui.ui.monitor.details import Details
from tfpt_tui.ui.monitor.run_list import RunList
from tfpt_tui.ui.monitor.screen import MonitorScreen
from tfpt_tui.ui.monitor.watch import RunPoller, RunSelection
from tfpt_tui.ui.widgets.key_line import KeyLine


@pytest.mark.parametrize("size", SIZES)
async def test_the_monitor_shows_a_recorded_run_whole_at_every_size(app, recorded, size):
    async with app.run_test(size=size) as pilot:
        await shows(
            pilot,
            "TensorFlow 9.9",
            "completed",
            "test loss 1.1000",
            "CPU",
            "work",
            "train loss",
            "PyTorch completed",
        )
        await until(pilot, has_a_curve)


async def test_a_screen_that_is_seen_for_the_first_time_has_no_stylesheet_read_anew(app, monkeypatch):
    read = []
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Monitor")
        reparse = Stylesheet.reparse
        monkeypatch.setattr(Stylesheet, "reparse", lambda sheet: (read.append(sheet), reparse(sheet)))
        for key, words in (("1", "Prepare"), ("2", "presets"), ("4", "Compare")):
            await pilot.press(key)
            await shows(pilot, words)
    assert read == []


async def test_without_runs_the_monitor_says_what_to_do(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "No runs yet", "Press t to try it", "t Try it")


async def test_a_missing_framework_is_named_with_the_line_that_installs_it(app, monkeypatch):
    from tfpt_tui.environments import interpreters

    monkeypatch.setattr(interpreters, "_missing_here", list)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow is not installed", "-m pip install torch torchvision")


async def test_keys_choose_another_run_and_its_details(app, recorded):
    async with app.run_test(size=(120, 50)) as pilot:
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
        await shows(pilot, "NaN from 2: train loss")


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


async def test_a_second_answer_in_the_same_moment_closes_nothing_else(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        await pilot.press("D")
        await shows(pilot, "Delete all that was recorded")
        question = app.screen
        question.dismiss("c")
        question.dismiss("c")
        await shows(pilot, "completed")
        assert isinstance(app.screen, MonitorScreen)
        assert app.is_running


async def test_what_is_not_utf8_in_a_path_is_copied_as_a_question_mark(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        app.screen.copy("/runs/\udcff")
        assert app.clipboard == "/runs/?"


async def test_leaving_without_a_live_run_asks_nothing(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        await pilot.press("q")
        await until(pilot, lambda _: not app.is_running)


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
async def test_no_screen_is_a_dead_end(app, recorded, size):
    async with app.run_test(size=size) as pilot:
        await pilot.press("1")
        await shows(pilot, "tfpt-tui prepare", "64x64")
        await pilot.press("2")
        await shows(pilot, "presets", "demo", "f9 starts 2 runs")
        await pilot.press("4")
        await shows(pilot, "2 runs both frameworks", "baseline")
        await pilot.press("3")
        await shows(pilot, "completed")


async def test_the_help_is_made_from_the_registry(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await shows(pilot, "Keys", "Monitor", "settings, phases and layers of")
        assert isinstance(app.screen, Help)
        await pilot.press("q")
        assert isinstance(app.screen, MonitorScreen)
    told = help_text("Compare", 60).plain
    assert told.startswith("Compare\n")
    assert "ask the run to stop" in told
    assert max(map(len, told.splitlines())) <= 60


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
async def test_the_help_shows_the_manual_by_topic(app, size):
    async with app.run_test(size=size) as pilot:
        await pilot.press("f1", "down", "down")
        await shows(pilot, "Settings of a run", "directory of a prepared")
        await pilot.press("right", "end")
        await shows(pilot, "timeout_s")
        await pilot.press("left", "up")
        await shows(pilot, "manifest.toml")


async def test_keys_can_be_remapped_by_their_id(paths, recorded):
    app = TfptApp(paths, UserSettings(keys={"details": "d"}))
    async with app.run_test(size=(120, 50)) as pilot:
        await shows(pilot, "completed")
        await pilot.press("d")
        await shows(pilot, "parameters")


async def test_nothing_is_painted_while_nothing_changes(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed", "CPU", "work")
        await until(pilot, has_a_curve)
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


@pytest.mark.parametrize(
    "refusal",
    [OSError(5, "Input/output error", "/runs"), MissingError("/runs: Input/output error")],
)
async def test_a_file_system_that_refuses_for_a_while_does_not_end_the_app(app, recorded, monkeypatch, refusal):
    from tfpt_tui.ui.monitor.watch import RunPoller

    real = RunPoller.poll
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "completed")

        def refuse(*_):
            raise refusal

        monkeypatch.setattr(RunPoller, "poll", refuse)
        await shows(pilot, "Cannot read the runs", "Input/output error")
        monkeypatch.setattr(RunPoller, "poll", real)
        await pilot.press("j")
        await shows(pilot, "PyTorch 9.9")


def test_a_run_that_we_may_not_look_into_does_not_hide_the_others(paths, recorded, monkeypatch):
    refused = recorded.runs[0].path
    for file in (recorded.runs[0].result, recorded.runs[0].state):  # as if they could not be read
        file.unlink()

    def exists(path):
        if refused in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return os.path.exists(path)

    poller = RunPoller(paths)
    poller.poll(RunSelection())
    name = recorded.runs[0].id
    poller._listed[name] = replace(poller._listed[name], status="crashed")
    monkeypatch.setattr(Path, "exists", exists)
    for chosen in (name, recorded.runs[1].id):
        found = poller.poll(RunSelection(chosen=chosen))
        assert {run.run: run.status for run in found.runs}[recorded.runs[1].id] == "completed"


async def test_one_may_leave_where_nobody_can_tell_what_is_alive(app, recorded, monkeypatch):
    def refuse(_):
        raise MissingError("cannot read the runs")

    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        monkeypatch.setattr("tfpt_tui.ui.app.alive_here", refuse)
        await pilot.press("q")
        await pilot.pause(0.5)
    assert app.return_code == 0


async def test_another_theme_has_the_charts_drawn_anew(app, recorded, monkeypatch):
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, has_a_curve)
        drawn = counted(monkeypatch, MonitorScreen, "_show_run")
        app.theme = "tfpt-light"
        await asyncio.to_thread(wait_until, lambda: bool(drawn))


async def test_a_list_that_was_empty_has_the_cursor_again(app, recorded, paths, tmp_path):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        paths.runs.rename(tmp_path / "away")
        paths.runs.mkdir()
        await shows(pilot, "No runs yet")
        paths.runs.rmdir()
        (tmp_path / "away").rename(paths.runs)
        await shows(pilot, "completed")
        assert isinstance(app.screen.focused, RunList)


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
        await shows(pilot, "25%")  # half of the first of two epochs
        assert len(shown) < 50


async def test_a_run_that_cannot_be_read_does_not_hide_the_others(app, paths, recorded):
    odd = paths.runs / "20991122-000001-pytorch-beef"
    (odd / "events.jsonl").mkdir(parents=True)
    (odd / "config.toml").write_text(recorded.runs[0].config.read_text())
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "Is a directory", "TensorFlow completed")
        await pilot.press("j", "j")
        await shows(pilot, "TensorFlow 9.9", "test loss")


@pytest.mark.parametrize("key", ["1", "2", "3", "4"])
async def test_every_screen_names_its_keys_at_its_foot(app, recorded, key):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        text = await shows(pilot, "Help", "Quit")
        assert "Quit" in text.splitlines()[-1]


async def test_a_dialog_leaves_the_keys_below_as_they_are(app, recorded, monkeypatch):
    async with app.run_test(size=(80, 24)) as pilot:
        before = (await shows(pilot, "Help", "Quit", "Details")).splitlines()[-1]
        made = counted(monkeypatch, KeyLine, "recompose")
        await pilot.press("question_mark")
        shown = (await shows(pilot, "esc closes")).splitlines()[-1]
        await pilot.press("escape")
        after = (await hides(pilot, "esc closes")).splitlines()[-1]
        assert (shown, after, made) == (before, before, [])
        await pilot.press("4")
        await shows(pilot, "Compare", "Quit", "Mark")
        assert made


async def test_leaving_by_the_palette_asks_too(app, start):
    start("hangs", rows=[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "running")
        await app.run_action("quit")
        await shows(pilot, "Detach")
        await pilot.press("escape")


@pytest.mark.parametrize(("size", "before"), [((40, 10), "too small"), ((60, 20), "running")])
async def test_the_question_before_leaving_fits_a_small_terminal(app, start, size, before):
    start("hangs", rows=[0])
    async with app.run_test(size=size) as pilot:
        await shows(pilot, before)
        await pilot.press("q")
        await shows(pilot, "Detach", "Stop the run", "Cancel")
        await pilot.press("c")


async def test_the_palette_has_every_action_of_the_keys(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "completed")
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"Prepare", "Overlay", "Baseline", "Smooth", "Doctor", "Theme", "Screenshot"} <= commands.keys()
        assert "Stop" not in commands  # nothing runs
        await pilot.press("ctrl+p")
        await pilot.press(*"overlay", "enter")
        await shows(pilot, "completed A")


async def test_a_theme_that_is_none_is_told_and_not_fatal(paths, recorded):
    app = TfptApp(paths, UserSettings(theme="tfpt-ligth"))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "no theme 'tfpt-ligth'; did you mean 'tfpt-light'?")


async def test_the_theme_and_the_order_of_the_runs_are_as_they_were_left(paths, recorded):
    orders = ("newest first", "fastest first", "by accuracy")
    for shown, following in itertools.pairwise(orders):
        app = TfptApp(paths, UserSettings())
        async with app.run_test(size=(120, 36)) as pilot:
            await shows(pilot, shown)
            assert app.theme == ("tfpt-dark" if shown == "newest first" else "tfpt-light")
            app.theme = "tfpt-light"
            await pilot.press("o")
            look = Look("tfpt-light", following)
            await until(pilot, lambda _, look=look: read_look(paths.look) == look)
    async with TfptApp(paths, UserSettings(theme="nord")).run_test() as pilot:
        assert pilot.app.theme == "nord"


@pytest.mark.parametrize("text", ["theme = 3", "no toml", 'schema = 99\ntheme = "x"'])
def test_a_damaged_memory_of_the_look_is_the_usual_look(tmp_path, text):
    (tmp_path / "look.toml").write_text(text)
    assert read_look(tmp_path / "look.toml") == Look()
    keep_look(tmp_path / "look.toml", order="by accuracy")
    assert read_look(tmp_path / "look.toml") == Look(order="by accuracy")
    keep_look(tmp_path / "look.toml" / "below a file", order="x")


@pytest.mark.parametrize("theme", ["tfpt-dark", "tfpt-light", "tfpt-contrast", "ansi-dark", "ansi-light", "nord"])
async def test_every_theme_names_the_frameworks_in_their_colours(paths, recorded, theme):
    app = TfptApp(paths, UserSettings(theme=theme, refresh_hz=5.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        segments = [segment for strip in app.screen._compositor.render_strips() for segment in strip]
        colours = {segment.style.color.triplet for segment in segments if segment.text.strip() == "PyTorch"}
        assert len(colours) == 1
        assert colours != {
            segment.style.color.triplet for segment in segments if segment.text.strip() == "TensorFlow"
        }


async def test_a_terminal_without_unicode_sees_ascii_as_wide_as_before(paths, recorded):
    app = TfptApp(paths, UserSettings(refresh_hz=5.0), ascii_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await shows(pilot, "v TensorFlow completed", "train loss by epoch")
        assert text.isascii()
        assert {len(line) for line in text.split("\n")} == {80}
        for key in ("1", "2", "4", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            assert screen_text(app).isascii()


@pytest.mark.parametrize(
    ("key", "shown"), [("1", "new dataset"), ("2", "presets"), ("3", "Tensor"), ("4", "Sweeps")]
)
async def test_a_terminal_that_is_too_small_is_told_what_is_needed(app, recorded, key, shown):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await shows(pilot, shown)
        for size in ((59, 24), (80, 15), (20, 5)):
            await pilot.resize_terminal(*size)
            text = await shows(pilot, f"{size[0]}x{size[1]} is too")
            assert shown not in text
            assert "Help" not in text  # nor is the footer left
        await pilot.resize_terminal(60, 16)
        await shows(pilot, shown)


async def test_a_click_on_its_name_opens_a_screen(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "completed")
        await pilot.click(offset=(14, 0))
        await shows(pilot, "new dataset")
        await pilot.click(offset=(45, 0))
        await shows(pilot, "Sweeps")


async def test_a_slow_interpreter_does_not_hold_up_the_empty_screen(app, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr(
        "tfpt_tui.ui.monitor.screen.missing_frameworks",
        lambda settings: ["PyTorch is missing"] if let_go.wait(20) else [],
    )
    async with app.run_test(size=(80, 24)) as pilot:
        try:
            await shows(pilot, "No runs yet")
            await look_into_help(pilot)
        finally:
            let_go.set()
        await shows(pilot, "No runs yet", "PyTorch is missing")


async def test_a_look_elsewhere_has_no_file_read_again(app, recorded, monkeypatch):
    from tfpt_tui.ui.monitor import watch

    readers, looks = counted(monkeypatch, watch, "RunReader"), counted(monkeypatch, watch.RunPoller, "poll")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        known = len(readers)
        await look_into_help(pilot)
        await pilot.press("2")
        await hides(pilot, "TensorFlow 9.9")
        await pilot.press("3")
        await shows(pilot, "TensorFlow 9.9")
        seen = len(looks)
        await until(pilot, lambda _: len(looks) > seen + 1)
        assert len(readers) == known


async def test_the_course_of_the_rate_is_that_of_batches_that_were_trained(app, start):
    sweep = start("hangs", rows=[0])
    run = sweep.runs[0]
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "PyTorch 9.9")
        with run.events.open("a") as file:
            for seq, (epoch, done, rate) in enumerate([(0, 16, 9e9), (2, 0, 0.0), (2, 16, 77.0)], 900):
                file.write(encode(Stamped(seq, 1.0, 99.0, Progress("a phase", epoch, done, 32, rate))))
        await until(pilot, lambda _: app.screen.snapshot.view.rates[-1] == (99.0, 77.0))
        assert all(0 < rate < 9e9 for _, rate in app.screen.snapshot.view.rates)
        run.stop.touch()
        finish(sweep)


async def test_a_run_that_is_asked_to_stop_says_so_and_then_how_to_go_on(app, start):
    sweep = start("hangs", rows=[0])
    run = sweep.runs[0]
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "PyTorch 9.9")
        owner = owner_of(sweep.directory.state)
        os.kill(owner.pid, signal.SIGSTOP)  # it does not see the request yet
        run.stop.touch()
        await shows(pilot, "stopping on request")
        os.kill(owner.pid, signal.SIGCONT)
        await shows(pilot, "stopped on request", f"resume with: tfpt-tui runs resume {sweep.id}")
        finish(sweep)


async def test_keys_that_are_no_good_are_told(paths):
    app = TfptApp(paths, UserSettings(keys={"dtails": "z", "details": "q", "follow": "F"}))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        text = await shows(pilot, "[keys] of config.toml", "no action 'dtails'; did you mean 'details'?")
        assert "details = 'q' takes a key of quit (Everywhere)" in text
        assert "follow =" not in text


async def test_at_the_least_size_a_run_has_its_charts_and_its_hardware(app, recorded):
    async with app.run_test(size=(60, 16)) as pilot:
        await shows(pilot, "TensorFlow 9.9", "CPU", "work")
        await until(pilot, has_a_curve)


async def test_a_run_that_another_took_the_place_of_says_nothing_of_going_on(app, start):
    sweep = start("hangs", rows=[0])
    wait_until(sweep.runs[0].events.exists, 60)
    sweep.runs[0].stop.touch()
    finish(sweep)
    plan = read_toml(sweep.directory.plan)
    write_toml(sweep.directory.plan, {**plan, "runs": [{**plan["runs"][0], "run": "another"}]})
    async with app.run_test(size=(120, 36)) as pilot:
        text = await shows(pilot, "stopped on request")
        assert "resume with" not in text
