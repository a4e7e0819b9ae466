"""The export dialog of the Compare screen."""

import pytest
from textual.widgets import Input, Static

from tests.recordings import QUICK
from tests.ui.driving import shows, until
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs
from tfpt_tui.results.table import FORMATS
from tfpt_tui.ui.compare.export import ExportDialog


async def refuses(pilot, *texts):
    """Wait until the dialog tells all of it as the reason; where its lines are broken depends on the path."""

    def told():
        state = pilot.app.screen.query("#state.-error")
        return str(state.first(Static).content) if state else ""

    await until(pilot, lambda _: all(text in told() for text in texts))


async def test_the_export_says_where_it_went_and_is_what_the_screen_shows(app, two, paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("e")
        await shows(pilot, "Format", f"compare-{QUICK}.csv")
        await pilot.press("j", "j")
        await shows(pilot, f"compare-{QUICK}.md")
        await pilot.press("enter", "enter")
        out = tmp_path / f"compare-{QUICK}.md"
        await shows(pilot, "Written")
        assert out.read_text() == FORMATS["markdown"](compare_runs(ComparisonRequest(two), paths).table)
        await pilot.press("e", "j", "j")
        await shows(pilot, f"compare-{QUICK}-2.md")


async def test_a_file_that_is_there_is_asked_about_and_kept(app, two, tmp_path):
    out = tmp_path / "mine.csv"
    out.write_text("mine")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
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
        await shows(pilot, "1.25x as fast")
        await pilot.press("e")
        await shows(pilot, "Format")
        app.screen.query_one(Input).value = str(tmp_path / "none" / "x.csv")
        await pilot.press("enter", "enter")
        await refuses(pilot, "cannot write the comparison")
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await refuses(pilot, "name a file in it")
        assert isinstance(app.screen, ExportDialog)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("~nobody-of-this-name/x.csv", "no such file or directory"), (f"{'x' * 300}.csv", "file name too long")],
)
async def test_a_file_that_cannot_be_is_told_in_the_dialog(app, two, name, reason):
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("e")
        await shows(pilot, "Format")
        app.screen.query_one(Input).value = name
        await pilot.press("enter", "enter")
        await refuses(pilot, "cannot write the comparison", reason)
        assert isinstance(app.screen, ExportDialog)


async def test_a_format_is_not_written_under_the_ending_of_another(app, two, tmp_path):
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("e", "j", "j")
        await shows(pilot, f"compare-{QUICK}.md")
        field = app.screen.query_one(Input)
        assert field.cursor_position == len(field.value)
        field.value = str(tmp_path / "x.csv")
        await pilot.press("enter", "enter")
        await refuses(pilot, "x.csv: that is how CSV ends; choose it, or another name")
        assert not (tmp_path / "x.csv").exists()
        field.value = str(tmp_path / "x.text")
        await pilot.press("enter")
        await shows(pilot, "Written")


async def test_runs_are_not_written_below_a_file(app, two, tmp_path):
    (tmp_path / "file").write_text("")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("e")
        await shows(pilot, "Format")
        await pilot.press("end")
        app.screen.query_one(Input).value = str(tmp_path / "file" / "runs.tar.gz")
        await pilot.press("enter", "enter")
        await refuses(pilot, "not a directory")
        assert isinstance(app.screen, ExportDialog)


async def test_an_export_from_a_deleted_directory_asks_for_a_path(app, two, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        monkeypatch.chdir(gone)
        gone.rmdir()
        await pilot.press("e")
        await shows(pilot, "is gone")
        app.screen.query_one(Input).value = "x.csv"
        await pilot.press("enter", "enter")
        await refuses(pilot, "cannot write the comparison")
        app.screen.query_one(Input).value = str(tmp_path / "x.csv")
        await pilot.press("enter")
        await shows(pilot, "Written")
        assert (tmp_path / "x.csv").exists()
