"""What the Monitor does with recorded runs: notes and tags, deletion, running them again."""

import pytest

from tests.ui.driving import finish, hides, shows, until
from tests.waiting import wait_until
from tfpt_tui.config.settings import load_settings
from tfpt_tui.runs.record.directory import list_runs
from tfpt_tui.runs.record.notes import read_notes, write_tags
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import latest_sweep, read_config
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.monitor.screen import MonitorScreen


@pytest.fixture
def app(paths, fake_python):
    return TfptApp(paths, load_settings(paths.settings))


async def test_a_note_is_typed_shown_and_taken_away(app, two):
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("m")
        await shows(pilot, f"Note on {two[1].id}", "Leave it empty")
        await pilot.press(*"warm", "enter")
        await shows(pilot, "noted")
        assert [read_notes(run).note for run in two] == ["", "warm"]
        await pilot.press("i")
        await shows(pilot, "notes", "warm")
        await pilot.press("escape", "m")
        await shows(pilot, "Note on", "warm")
        await pilot.press("ctrl+u", "enter")
        await shows(pilot, "the note is gone")
        assert read_notes(two[1]).note == ""


async def test_tags_go_to_the_chosen_run_and_those_overlaid_and_find_them(app, two):
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("space", "j", "T")
        await shows(pilot, "Tags of 2 runs of PyTorch and TensorFlow")
        await pilot.press(*"v1,")
        await shows(pilot, "a tag has up to 40 letters")
        await pilot.press("enter", "backspace", "enter")
        await shows(pilot, "#v1", "tagged: v1")
        assert [read_notes(run).tags for run in two] == [("v1",), ("v1",)]
        write_tags(two[0], ("own",))
        await pilot.press("m", "enter")  # reads anew
        await until(pilot, lambda text: text.count("#v1") == 1)
        await pilot.press("T")
        await shows(pilot, "Tags that only some of them have stay.")
        await pilot.press(*"both", "enter")
        await shows(pilot, "tagged: both")
        assert [read_notes(run).tags for run in two] == [("own", "both"), ("v1", "both")]
        await pilot.press("slash", *"tag=v1")
        await shows(pilot, "1 of 2 runs")


async def test_nothing_is_done_to_runs_that_the_filter_hides(app, two, paths):
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("space", "slash", *"pytorch", "enter")
        await shows(pilot, "1 of 2 runs")
        await until(pilot, lambda _: app.screen.snapshot.chosen.run.run == two[0].id)
        await pilot.press("D")
        text = await shows(pilot, f"Delete {two[0].id}")
        assert "overlaid" not in text
        await pilot.press("escape", "escape", "slash", *"batch_size>999", "enter")
        await shows(pilot, "0 of 2 runs")
        for key in "mTDR":
            await pilot.press(key)
            await pilot.pause(0.2)
            assert isinstance(app.screen, MonitorScreen)


async def test_a_dialog_that_is_left_changes_nothing(app, two):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "2 runs")
        for key in "mTDR":
            await pilot.press(key)
            await shows(pilot, "ancel" if key in "DR" else "esc closes")
            await pilot.press("escape")
            await hides(pilot, "ancel", "esc closes")
        assert len(list_runs(app._paths)) == 2
        assert not any(run.notes.exists() for run in two)


async def test_a_run_is_deleted_after_a_question_and_its_neighbour_is_chosen(app, record, paths):
    runs = record("s", ("pytorch", {}), ("pytorch", {"batch_size": 64}), ("pytorch", {"batch_size": 128}))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "3 runs", "batch 128")
        await pilot.press("k", "D")
        await shows(pilot, "Delete all that was recorded, models and all?", f"D  Delete {runs[1].id}")
        await pilot.press("d")
        await shows(pilot, "1 run deleted", "2 runs", "batch 128")
        assert [run.id for run in list_runs(paths)] == [runs[2].id, runs[0].id]
        await pilot.press("space", "k", "D")
        await shows(pilot, f"D  Delete {runs[0].id}", "O  Delete what is overlaid: 2 runs of PyTorch")
        await pilot.press("o")
        await shows(pilot, "2 runs deleted", "No runs yet")
        assert list_runs(paths) == []


async def test_what_is_alive_is_not_deleted(app, start):
    sweep = start("hangs", rows=[0])
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "running")
        await pilot.press("D")
        text = await shows(pilot, "what is alive cannot be deleted")
        assert "Delete all" not in text
    sweep.runs[0].stop.touch()
    finish(sweep)


async def test_runs_are_run_again_and_followed(app, recorded, paths):
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("space", "j", "R")
        await shows(pilot, "R  Run 2026", "O  Run what is overlaid: 2 runs of ")
        await pilot.press("o")
        await shows(pilot, "2 runs under way", "4 runs")
        again = latest_sweep(paths)
        assert [read_config(run) for run in again.runs] == [read_config(run) for run in recorded.runs]
        finish(again)


async def test_a_plan_that_was_stopped_goes_on(app, start, paths):
    sweep = start("hangs", "completes")
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    sweep.directory.stop.touch()
    finish(sweep)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("R")
        await shows(pilot, "Go on with its plan: 2 runs are left")
        await pilot.press("g")
        await shows(pilot, "2 runs under way")
        resumed = latest_sweep(paths)
        assert resumed.id == sweep.id
        resumed.directory.stop.touch()
        finish(resumed)
