"""The Compare screen, driven by keys on recorded runs."""

import asyncio
import shutil
import threading

import pytest
from rich.cells import cell_len
from textual.widgets import Input, Static

from tests.recordings import QUICK
from tests.ui.driving import counted, finish, hides, look_into_help, screen_text, shows, until
from tests.waiting import wait_until
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.settings import load_settings
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs
from tfpt_tui.results.table import FORMATS, Table
from tfpt_tui.runs.record.sweep import latest_sweep, read_config
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.compare import choices_pane, comparison_pane, comparison_view
from tfpt_tui.ui.compare import messages as compare_messages
from tfpt_tui.ui.compare import screen as compare
from tfpt_tui.ui.compare.comparison_pane import VIEWS, ComparisonPane
from tfpt_tui.ui.compare.result_table import ResultTable
from tfpt_tui.ui.compare.text import answer
from tfpt_tui.ui.widgets.chart import Chart

SIZES = [(80, 24), (120, 36), (200, 60)]
SWEEP = "20261122-100000-batch-sweep-bb02"


@pytest.fixture
def batches(record):
    """Single runs of two batch sizes and both frameworks, newer than those of ``two``."""
    specs = [
        (framework, {"batch_size": b, "rate": 10.0 * b + len(framework)})
        for b in (16, 32)
        for framework in ("pytorch", "tensorflow")
    ]
    return record(SWEEP, *specs, preset="batch-sweep")


def pane(app):
    return app.screen.query_one(ComparisonPane)


def table_of(app):
    return pane(app).table


@pytest.mark.parametrize("size", SIZES)
async def test_the_newest_sweep_is_compared_and_the_answer_is_seen_at_every_size(app, two, size):
    async with app.run_test(size=size) as pilot:
        await pilot.press("4")
        text = await shows(pilot, "1.25x as fast", "images/s", "█")
        assert "quick 11-21 10:00" in text
        assert "2 runs both frameworks" in text
        await pilot.press("enter")
        await shows(pilot, "1.25x as fast", "time ratio", "verdict", "single run")


async def test_a_size_that_changed_meanwhile_is_the_screens_too(app, two):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        assert len(pane(app).shown) == 1
        for height, has_table in ((50, True), (30, False)):
            await pilot.press("3")
            await shows(pilot, "newest first")
            await pilot.resize_terminal(120, height)
            await pilot.press("4")
            await until(pilot, lambda text, wanted=has_table: ("verdict" in text) == wanted and "1.25x" in text)


async def test_a_letter_of_the_filter_narrows_the_choices_once(app, two, monkeypatch):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        calls = counted(monkeypatch, choices_pane, "narrow")
        await pilot.press("slash", "q", "u")
        await shows(pilot, "2 of 2")
        assert len(calls) == 2


async def test_the_runs_are_read_when_one_comes_to_it_but_not_when_a_dialog_closes(app, two, monkeypatch):
    calls = counted(monkeypatch, compare, "read_summaries")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await look_into_help(pilot)
        assert len(calls) == 1
        await pilot.press("3", "4")
        await asyncio.to_thread(wait_until, lambda: len(calls) == 2)


async def test_whoever_comes_back_sees_what_was_run_meanwhile_but_else_what_he_had_chosen(
    app, two, batches, record
):
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "batch_size 16: PyTorch")
        await until(pilot, lambda _: app.focused and app.focused.id == "choices")
        await pilot.press("j")
        await shows(pilot, "1.25x as fast")
        await pilot.press("3", "4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("k", "3")
        record("20261123-100000-quick-cc03", ("pytorch", {"rate": 300.0}), ("tensorflow", {"rate": 200.0}))
        await pilot.press("4")
        await shows(pilot, "1.50x as fast")


async def test_without_runs_it_says_how_to_make_some(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "Nothing to compare yet", "Press 2")
        for key in ("v", "p", "s", "t", "b", "A", "e", "y", "Y", "space", "x", "f", "j", "G", "enter"):
            await pilot.press(key)
        await shows(pilot, "Nothing to compare yet")


async def test_views_follow_one_another_on_a_short_terminal(app, two):
    marks = {
        "speed": "relative to the baseline",
        "phases": "TTTT",
        "curves": "train accuracy by epoch",
        "published": "quick has no published numbers",
        "environment": "Computed on",
        "table": "time ratio",
    }
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        for view in (*VIEWS[1:], VIEWS[0]):
            await pilot.press("v")
            await shows(pilot, marks[view])
            assert pane(app).shown == (view,)
        await pilot.press("V")
        await shows(pilot, marks["environment"])


async def test_a_tall_terminal_shows_the_table_below_the_speed_and_above_another_view(app, two):
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        text = await shows(pilot, "1.25x as fast", "PyTorch ahead ->", "verdict")
        assert text.index("PyTorch ahead ->") < text.index("verdict")
        await pilot.press("v")
        text = await shows(pilot, "1.25x as fast", "TTTT")
        assert text.index("verdict") < text.index("TTTT")
        await pilot.press("f")
        text = await shows(pilot, "TTTT")
        assert "verdict" not in text
        await pilot.press("escape")
        await shows(pilot, "1.25x as fast", "2 runs both frameworks")


async def test_a_terminal_of_sixty_rows_shows_the_curves_below_all_else(app, two):
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("4")
        await shows(pilot, "PyTorch ahead ->", "verdict", "train loss by epoch")
        for view in (*VIEWS[2:], VIEWS[0]):
            await pilot.press("v")
            assert view in pane(app).shown
            assert len(pane(app).shown) == (3 if view in ("speed", "phases") else 2)


async def test_a_tall_terminal_has_room_for_all_notes_of_few_rows(app, two):
    async with app.run_test(size=(90, 34)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast", "PyTorch ahead ->", "versions: ", "machine: ")


async def test_many_rows_leave_room_for_the_view_below(app, record):
    record(QUICK, *(("pytorch", {"batch_size": size}) for size in range(1, 14)))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "13 runs", "time ratio", "images/s  train s")


async def test_a_row_becomes_the_baseline_and_settings_keep_apart(app, batches):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "4 runs, within each batch_size", "batch_size 16: ", "batch_size 32: ")
        await pilot.press("enter", "down", "p")
        await shows(pilot, "as fast as TensorFlow (batch_size 16)")
        await pilot.press("b", "b")
        await shows(pilot, "within each batch_size", "batch_size 32: ")
        await pilot.press("b")
        text = await shows(pilot, "as fast as TensorFlow (batch_size 16)")
        assert "within each" not in text


async def test_the_table_is_sorted_by_the_column_under_the_cursor_then_reversed_then_as_it_came(app, batches):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "4 runs", "images/s")
        await pilot.press("enter", "right", "right", "right")
        rates = []
        for _ in range(3):
            await pilot.press("s")
            await pilot.pause()
            rates.append([row["images_per_s"] for row in table_of(app).table.rows])
        assert rates == [[167, 170, 327, 330], [330, 327, 170, 167], [167, 170, 327, 330]]


async def test_a_turned_table_has_the_settings_as_rows_and_the_cursor_on_its_cell(app, batches):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "4 runs", "images/s")
        await pilot.press("enter", "down", "right")
        assert table_of(app).text_here == "16"
        await pilot.press("t")
        await shows(pilot, "row 3", "batch_size")
        assert (table_of(app).text_here, table_of(app).row_here["framework"]) == ("16", "TensorFlow")
        await pilot.press("t")
        await pilot.pause()
        assert table_of(app).text_here == "16"


async def test_a_cell_and_the_table_are_copied(app, two, paths):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("enter", "down", "y")
        await pilot.pause()
        assert app.clipboard == "TensorFlow"
        await pilot.press("Y")
        await pilot.pause()
        assert app.clipboard == FORMATS["markdown"](compare_runs(ComparisonRequest(two), paths).table)


async def test_words_and_conditions_narrow_the_list_and_a_wrong_one_changes_nothing(app, two, batches):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "3 to compare", "4 runs")
        await pilot.press("slash")
        field = app.screen.query_one("#filter", Input)
        field.value = "batch_size>16 framework=pytorch"
        await shows(pilot, "3 of 3 to compare", "1 run PyTorch")
        field.value = "quick"
        await shows(pilot, "2 of 3 to compare", "1.25x as fast")
        field.value = "batch_sise=3"
        text = await shows(pilot, "did you mean")
        assert "1.25x as fast" in text
        field.value = "zzz"
        text = await shows(pilot, "nothing matches zzz")
        assert "1.25x as fast" in text
        await pilot.press("escape")
        await shows(pilot, "3 to compare")


async def test_back_is_offered_while_there_is_something_to_leave(app, two):
    def is_offered():
        return "close" in [one.binding.id for one in app.screen.active_bindings.values()]

    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        for opening in ("slash", "f"):
            assert not is_offered()
            await pilot.press(opening)
            await shows(pilot, "esc Back")
            await pilot.press("escape")
            await hides(pilot, "esc Back")


async def test_letters_go_into_the_filter_while_it_is_open(app, two):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("slash", "q", "u", "i", "c", "k")
        assert app.screen.query_one("#filter", Input).value == "quick"
        assert pane(app).view == "speed"


async def test_marked_entries_are_compared_together(app, record):
    record(QUICK, ("pytorch", {"rate": 100.0}))
    record(SWEEP, ("tensorflow", {"rate": 50.0}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1 run TensorFlow")
        await pilot.press("space", "j", "space")
        await shows(pilot, "2 entries together", "2.00x as fast")
        await pilot.press("space")
        text = await shows(pilot, "1 run")
        assert "together" not in text


async def test_marks_outlive_a_filter_that_hides_them_and_are_counted(app, record):
    record(QUICK, ("pytorch", {"rate": 100.0}), preset="demo")
    record(SWEEP, ("tensorflow", {"rate": 50.0}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1 run TensorFlow")
        await pilot.press("slash")
        app.screen.query_one("#filter", Input).value = "demo"
        await shows(pilot, "2 of 3 to compare")
        await pilot.press("enter", "space")
        await shows(pilot, "2 of 3, 1 marked")
        await pilot.press("slash")
        app.screen.query_one("#filter", Input).value = "framework=tensorflow"
        await shows(pilot, "2 of 3, 1 marked")
        await pilot.press("enter", "space")
        await shows(pilot, "2 marked", "2 entries together", "2.00x as fast")


async def test_runs_of_two_machines_are_refused_with_the_key_that_compares_them(app, record):
    record(QUICK, ("pytorch", {"host": "mars"}), ("tensorflow", {"host": "venus"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "host mars and venus", "Press A")
        await pilot.press("V")
        await shows(pilot, "Differs", "venus")
        await pilot.press("v", "A")
        await shows(pilot, "across machines", "1.00x as fast", "comparing different machines")
        await pilot.press("A")
        await shows(pilot, "Press A")


async def test_theirs_and_yours_stand_beside_each_other(app, record, paths):
    row = find_preset("cpu-plain", paths).rows[0].resolved()
    told = {key: value for key, value in row.items() if key not in ("framework", "data")}
    record(QUICK, (row["framework"], told), preset="cpu-plain")
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "Theirs and yours", "cpu-plain")
        await pilot.press("G")
        await shows(pilot, "all runs of cpu-plain", "theirs: training s", "without a completed run")
        await pilot.press("g")
        await shows(pilot, "cpu-plain 11-21", "images/s")


async def test_curves_change_from_epochs_to_seconds(app, two):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("v", "v", "v")
        await shows(pilot, "train loss by epoch", "A PyTorch", "B TensorFlow")
        await pilot.press("x")
        await shows(pilot, "train loss by seconds")


async def test_another_theme_changes_the_colours_of_the_table_and_of_the_curves(app, two):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        colours = []
        # The second change is made on another screen.
        for theme, key in (("tfpt-light", "4"), ("tfpt-dark", "3")):
            await pilot.press(key)
            await pilot.pause()
            app.theme = theme
            await pilot.pause()
            await pilot.press("4")
            await pilot.pause()
            name, *_, verdict = [str(cell.style) for cell in table_of(app).get_row_at(1) if cell.style]
            legend = app.screen.query_one("#legend", Static).visual.spans[2].style
            drawn = app.screen.query_one("#loss", Chart)._series[1].colour
            assert name == legend == drawn
            colours.append((name, verdict))
        assert colours == [("#005faf", "#626262"), ("#5fafff", "#848484")]


async def test_figures_that_are_no_numbers_and_failed_runs_are_shown(app, record):
    record(
        QUICK,
        ("pytorch", {"rate": float("nan"), "accuracy": float("nan"), "losses": (2.0, float("nan"))}),
        ("tensorflow", {"rate": float("inf"), "losses": (1.0, float("inf"))}),
        ("pytorch", {"batch_size": 64, "status": "failed"}),
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "no timing", "failed")
        await pilot.press("v")
        await shows(pilot, "nan images/s is an")
        await pilot.press("v", "v")
        await shows(pilot, "NaN from 2")


async def test_a_sweep_without_a_completed_run_tells_what_went_wrong(app, record):
    record(QUICK, ("pytorch", {"status": "failed"}))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "a bad value", "failed")
        for mark in ("failed", "No run has completed", "no curves"):
            await pilot.press("v")
            await shows(pilot, mark)


async def test_runs_that_were_deleted_meanwhile_are_told(app, two, paths):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        for run in two:
            shutil.rmtree(run.path)
        await pilot.press("r")
        await shows(pilot, "Nothing to compare yet")


async def test_a_result_of_a_newer_version_is_told_among_the_others(app, two):
    write_toml(two[0].result, {**read_toml(two[0].result), "schema": 9})
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "all runs")
        await pilot.press("G")
        await shows(pilot, "needs a newer tfpt-tui")


async def test_a_directory_that_cannot_be_read_is_told(app, two, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/runs")

    monkeypatch.setattr(compare, "read_summaries", refuse)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "The runs cannot be read", "Press r")


async def test_two_hundred_rows_are_shown_and_scrolled_to_the_last(app, record):
    record(QUICK, *(("pytorch", {"batch_size": size, "data": "/" + "d" * 300}) for size in range(1, 201)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "200 runs", "images/s")
        await pilot.press("enter", "G", "right")
        assert table_of(app).text_here == "200"
        assert table_of(app).row_count == 200


async def test_very_many_rows_are_cut_in_every_view_and_only_what_is_shown_is_drawn(app, record, monkeypatch):
    monkeypatch.setattr(comparison_pane, "MAX_ROWS", 3)
    record(QUICK, *(("pytorch", {"batch_size": size}) for size in range(1, 6)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "5 runs", "2 more rows are not shown")
        for view, before in (("speed", ()), ("phases", ("v", "v"))):
            assert bool(app.screen.query_one(f"#{view}", Static).visual.plain) == (view == pane(app).view)
            await pilot.press(*before)
            await shows(pilot, "2 more rows are not shown", "batch_size 3")
            drawn = app.screen.query_one(f"#{view}", Static).visual.plain.partition("\n\n")[0]
            assert "batch_size 4" not in drawn


async def test_a_comparison_that_takes_its_time_says_so_and_what_comes_late_of_it_is_not_told(
    app, two, batches, monkeypatch
):
    held, real = threading.Event(), comparison_view.read_comparison

    def slow(wanted, paths, prices):
        if wanted.choices[0].name == SWEEP:
            held.wait(20)
            raise PermissionError(13, "Permission denied", "/runs")
        return real(wanted, paths)

    class Told(compare_messages.Unreadable):
        def __init__(self, reason):
            super().__init__(reason)
            told.set()

    told = threading.Event()
    monkeypatch.setattr(compare, "read_comparison", slow)
    monkeypatch.setattr(compare_messages, "Unreadable", Told)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "comparing ...")
        await pilot.press("j")
        await shows(pilot, "1.25x as fast")
        held.set()
        await asyncio.to_thread(told.wait, 20)
        await pilot.pause(0.1)
        assert "1.25x as fast" in screen_text(app)


async def test_findings_that_are_wanted_no_more_are_not_shown(app, two, batches):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "4 runs", "images/s")
        stale = pane(app).comparison_view
        await pilot.press("j")
        await shows(pilot, "1.25x as fast")
        app.screen.post_message(compare_messages.Found(stale))
        await pilot.pause()
        assert pane(app).comparison_view is not stale
        assert "1.25x as fast" in screen_text(app)


async def test_the_baseline_outlasts_another_screen(app, two):
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("enter", "down", "p")
        await shows(pilot, "0.800")
        await pilot.press("3", "4")
        await pilot.pause(0.5)
        await shows(pilot, "0.800")
        assert isinstance(app.screen.focused, ResultTable)


async def test_a_key_right_after_the_screen_is_opened_goes_to_its_list(app, two, batches):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "j")
        await shows(pilot, "1.25x as fast")
        assert app.screen.query_one("#filter", Input).value == ""


async def test_a_click_beside_a_question_is_its_last_answer(app, two):
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "1.25x as fast")
        await pilot.press("e")
        await shows(pilot, "Format")
        await pilot.click(offset=(2, 2))
        await hides(pilot, "Format")


async def test_runs_that_come_while_others_are_compared_are_listed(app, two, record):
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "2 to compare", "1.25x as fast")
        record("20261121-110000-quick-bb01", ("pytorch", {"rate": 200.0}))
        await shows(pilot, "3 to compare", "1.25x as fast")


async def test_names_are_shown_harmlessly_on_every_screen(app, record):
    names = ("[bold]not bold[/]", "💥 boom", "\x1b[2Jgone\x07", "n" * 300, "a\nb")
    for hour, name in enumerate(names, start=10):
        host = {"host": name, "environment": "default"}
        record(f"20261121-{hour}0000-quick-aa01", ("pytorch", host), ("tensorflow", host), preset=name)
    newest_first = ("machine: a\\nb", "n" * 40, "\\x1b[2Jgone\\x07:", "💥 boom: AMD", "[bold]not bold[/]:")
    walk = [("4", "as fast"), *zip("vjjjj", newest_first, strict=True)]
    async with app.run_test(size=(80, 24)) as pilot:
        for key, shown in (("3", "completed"), *walk, ("2", "recorded"), ("1", "new dataset")):
            await pilot.press(key)
            text = await shows(pilot, shown)
            assert "\x1b" not in text
            assert "\x07" not in text
            assert {cell_len(line) for line in text.split("\n")} == {80}


async def test_runs_that_take_long_to_read_are_not_read_twice_meanwhile(app, two, monkeypatch):
    let_go, reads, felt = threading.Event(), [], counted(monkeypatch, compare, "change_token")
    real = compare.read_summaries

    def slow(*arguments):
        reads.append(arguments)
        let_go.wait(20)
        return real(*arguments)

    monkeypatch.setattr(compare, "NEWS_S", 0.05)
    monkeypatch.setattr(compare, "read_summaries", slow)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda _: len(felt) > 3)
        assert len(reads) == 1
        let_go.set()
        await shows(pilot, "1.25x as fast")


async def test_one_part_alone_has_the_focus_and_gives_it_back(app, two):
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "as fast as")
        await pilot.press("f")
        await until(pilot, lambda _: app.focused and app.focused.id == "speed-view")
        await pilot.press("escape")
        await until(pilot, lambda _: app.focused and app.focused.id == "choices")


async def test_nothing_is_looked_for_while_another_screen_is_shown(app, two, monkeypatch):
    felt = counted(monkeypatch, compare.CompareScreen, "_check_changes")
    monkeypatch.setattr(compare, "NEWS_S", 0.05)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda _: len(felt) > 1)
        await pilot.press("3")
        await shows(pilot, "newest first")  # Compare says of runs, too, that they completed
        before = len(felt)
        await pilot.pause(0.3)
        assert len(felt) == before
        await pilot.press("4")
        await until(pilot, lambda _: len(felt) > before)


async def test_disturbed_runs_are_repeated_after_a_question(paths, record, dataset, fake_python):
    first, *_ = record(QUICK, ("pytorch", {"data": str(dataset)}), ("tensorflow", {"data": str(dataset)}))
    warning = {"message": "other processes used 30% of the cores", "code": "busy", "advice": "", "taints": "time"}
    write_toml(first.result, {**read_toml(first.result), "warnings": [warning]})
    app = TfptApp(paths, load_settings(paths.settings))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        await shows(pilot, "! 1 of 2 runs disturbed", "repeats, z leaves out")
        await pilot.press("R")
        await shows(pilot, "Run 1 disturbed run once more?")
        await pilot.press("escape", "R", "r")
        await shows(pilot, "1 run under way; 3 follows them")
    again = latest_sweep(paths)
    finish(again)
    assert [read_config(run) for run in again.runs] == [read_config(first)]


async def test_a_long_answer_is_cut_where_there_is_no_room_and_whole_once_there_is(app, record):
    specs = [(name, {"batch_size": size}) for size in (16, 32, 64, 128) for name in ("pytorch", "tensorflow")]
    warning = {"message": "other processes used 30% of the cores", "code": "busy", "advice": "", "taints": "time"}
    for run in record(SWEEP, *specs, preset="batch-sweep"):
        write_toml(run.result, {**read_toml(run.result), "warnings": [warning]})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await shows(pilot, "batch_size 128: ", "and 2 more lines; an export has them all")
        await pilot.resize_terminal(120, 36)
        text = await shows(pilot, "same learning in 4 of 4: ", "8 of 8 runs disturbed")
        assert "an export has them all" not in text


def test_who_is_faster_is_said_however_long_the_names_are():
    table = Table(
        (), (), answer=("the fastest is X " * 10, "X is 1.49x as fast as Y " * 15, "accuracy was not measured")
    )
    shown = answer(table, 9, 50).plain
    assert shown.count("1.49x") == 15
    assert shown.endswith("\nand 1 more line; an export has them all")


async def test_disturbed_runs_can_be_left_out_and_taken_in_again(app, record):
    first, *_ = record(QUICK, ("pytorch", {"seed": 25}), ("pytorch", {"seed": 26}), ("tensorflow", {"seed": 25}))
    warning = {"message": "other processes used 30% of the cores", "code": "busy", "advice": "", "taints": "time"}
    write_toml(first.result, {**read_toml(first.result), "warnings": [warning]})
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4")
        await shows(pilot, "! 1 of 3 runs disturbed (30 % other load)", "z Disturbed")
        await pilot.press("z")
        await shows(pilot, "without 1 of 3 disturbed runs")
        await pilot.press("z")
        await shows(pilot, "! 1 of 3 runs disturbed (30 % other load)")
