"""The export dialog of the Compare screen."""

from textual.widgets import Input

from tests.recordings import QUICK
from tests.ui.driving import shows
from tfpt_tui.results.request import Request, answer
from tfpt_tui.results.table import FORMATS
from tfpt_tui.ui.screens.export import ExportDialog


async def test_the_export_says_where_it_went_and_is_what_the_screen_shows(app, two, paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "took 1.25x")
        await pilot.press("e")
        await shows(pilot, "Format", f"compare-{QUICK}.csv")
        await pilot.press("j", "j")
        await shows(pilot, f"compare-{QUICK}.md")
        await pilot.press("enter", "enter")
        out = tmp_path / f"compare-{QUICK}.md"
        await shows(pilot, "Written")
        assert out.read_text() == FORMATS["markdown"](answer(Request(two), paths).table)
        await pilot.press("e", "j", "j")
        await shows(pilot, f"compare-{QUICK}-2.md")


async def test_a_file_that_is_there_is_asked_about_and_kept(app, two, tmp_path):
    out = tmp_path / "mine.csv"
    out.write_text("mine")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "took 1.25x")
        await pilot.press("e")
        await shows(pilot, "Format")
        app.screen.query_one(Input).value = str(out)
        await pilot.press("enter", "enter")
        await shows(pilot, "is there already")
        await pilot.press("c")
        await shows(pilot, "Format")
        assert out.read_text() == "mine"
        await pilot.press("enter")
        await shows(pilot, "is there already")
        await pilot.press("r")
        await shows(pilot, "Written")
        assert out.read_text().startswith("framework,")


async def test_an_export_that_fails_leaves_the_dialog_with_the_reason(app, two, tmp_path):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "took 1.25x")
        await pilot.press("e")
        await shows(pilot, "Format")
        app.screen.query_one(Input).value = str(tmp_path / "none" / "x.csv")
        await pilot.press("enter", "enter")
        await shows(pilot, "cannot write the comparison")
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await shows(pilot, "name a file in it")
        assert isinstance(app.screen, ExportDialog)
