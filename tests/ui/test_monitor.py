"""The Monitor's views, lists and charts, driven by keys on recorded and scripted runs."""

import os
import re
import shutil
from dataclasses import replace

import pytest
from textual.widgets import Input

from tests.recordings import QUICK
from tests.ui.driving import SIZES, counted, finish, hides, screen_text, shows, until
from tests.waiting import wait_until
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import MissingError
from tfpt_tui.events import Slice, Stamped, encode
from tfpt_tui.hardware.sample import GpuSample, Sample, columns, to_row
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.state import read_state, state_of, status_of, write_state
from tfpt_tui.runs.tasks import background
from tfpt_tui.runs.tasks.background import Background
from tfpt_tui.ui.monitor import run_pane, watch
from tfpt_tui.ui.monitor import screen as monitor_screen
from tfpt_tui.ui.monitor.curves import Axes, Shown
from tfpt_tui.ui.monitor.log_view import plain
from tfpt_tui.ui.monitor.reader import RunReader
from tfpt_tui.ui.monitor.run_list import RunList
from tfpt_tui.ui.monitor.run_pane import RunPane
from tfpt_tui.ui.monitor.runs_pane import RunsPane
from tfpt_tui.ui.monitor.screen import MonitorScreen
from tfpt_tui.ui.monitor.text import progress
from tfpt_tui.ui.widgets.chart import Chart


def record_hardware(run, gpus=0, seconds=30):
    reading = GpuSample(80.0, 4e9, 16e9, 250.0, 300.0, 61.0, 1500.0, "thermal", None, 1.0)
    header = columns(range(2), gpus)
    lines = [",".join(header)]
    for second in range(seconds):
        sample = Sample(
            second, float(second), 50.0, 1.0, 4e9, 16e9, cores_percent=(20.0, 90.0), gpus=(reading,) * gpus
        )
        lines.append(",".join(to_row(sample, header)))
    run.hardware.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("size", SIZES)
async def test_the_phases_stand_in_a_bar_with_their_names(app, recorded, size):
    async with app.run_test(size=size) as pilot:
        await shows(pilot, " import 1 s ", " training 2 s ", "test")


async def test_the_views_are_training_hardware_and_log(app, recorded):
    record_hardware(recorded.runs[1])
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "train loss by epoch", "cores ▂█")
        await pilot.press("v")
        text = await shows(pilot, "CPU % by seconds", "cores % by seconds", "machine memory GB", "no NVIDIA GPU")
        assert "train loss" not in text
        assert "GPU % by" not in text
        await pilot.press("v")
        await shows(pilot, "the log is empty")
        await pilot.press("v")
        await shows(pilot, "train loss by epoch")


async def test_a_small_screen_shows_the_course_of_every_reading_in_a_line(app, recorded):
    record_hardware(recorded.runs[1], gpus=2)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("v")
        text = await shows(pilot, "max", "core 1", "GPU0 %", "GPU1 power W")
        (line,) = (line for line in text.split("\n") if "core 1 " in line)
        assert "█" * 10 in line
        assert "90.0 max    90.0" in line
        assert "by seconds" not in text


@pytest.mark.parametrize("size", [(120, 36), (200, 60)])
async def test_charts_of_the_hardware_are_as_high_as_they_can_be_without_scrolling(app, recorded, size):
    record_hardware(recorded.runs[1])
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "train loss by epoch")
        await pilot.press("v")
        await shows(pilot, "CPU % by seconds", "machine memory GB")
        machine = app.screen.query_one("#machine")
        await until(pilot, lambda _: machine.max_scroll_y == 0)
        lowest = max(chart.region.bottom for chart in machine.query(Chart))
        assert machine.region.bottom - lowest < 4  # what is left is no row for each


async def test_every_reading_of_a_gpu_has_a_chart(app, recorded):
    record_hardware(recorded.runs[1], gpus=2)
    async with app.run_test(size=(200, 60)) as pilot:
        await shows(pilot, "GPU0", "GPU1", "250/300 W", "61 C", "1500 MHz", "thermal")
        await pilot.press("v")
        await shows(
            pilot,
            *(f"GPU {name} by seconds" for name in ("%", "memory GB", "power W", "temperature C")),
            *(f"GPU {name} by seconds" for name in ("clock MHz", "throttled")),
        )


async def test_the_log_shows_all_warnings_and_is_searched(app, recorded):
    run = recorded.runs[1]
    run.log.write_text(
        "".join(f"line {number} of the log\n" for number in range(100)) + "\x1b[31mred\x1b[0m and \x07\n"
    )
    swapped = {"message": "it swapped", "code": "swap", "advice": "", "taints": "time"}
    write_toml(run.result, {**read_toml(run.result), "warnings": [swapped]})
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("l")
        await shows(pilot, "! it swapped", "red and")
        await pilot.press("slash", *"nowhere")
        await shows(pilot, "not found")
        await pilot.press("escape", "slash", *"line 4", "enter")
        await shows(pilot, "1 of 11, n and N")
        await shows(pilot, "line 4 of the log", "line 5 of the log")
        await pilot.press("n", "n")
        await shows(pilot, "line 41 of the log")
        await pilot.press("N", "N", "N")
        await shows(pilot, "line 49 of the log")
        await pilot.press("escape")
        assert not app.screen.query_one("#searching").display
        await pilot.press("l")
        await shows(pilot, "train loss by epoch")


def test_a_line_of_a_log_loses_what_was_meant_for_a_terminal():
    assert plain("10%\r50%\r100%\n".rstrip("\n")) == "100%"
    assert plain("\x1b[1mbold\x1b[0m\tand [brackets]") == "bold    and [brackets]"
    assert plain("windows\r") == "windows"


async def test_the_list_is_filtered_as_one_types_and_whole_again_after_escape(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "2 runs, newest first", "PyTorch completed")
        await pilot.press("slash", *"tensor")
        text = await shows(pilot, "1 of 2")
        assert "PyTorch completed" not in text
        await pilot.press("enter", "slash", *" batch_size>32")
        await shows(pilot, "0 of 2")
        await pilot.press("escape")
        await shows(pilot, "2 runs", "PyTorch completed")
        assert isinstance(app.focused, RunList)


async def test_a_condition_that_is_half_typed_changes_nothing_and_is_told(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("slash", *"btach=3")
        await shows(pilot, "unknown key 'btach'", "PyTorch completed", "TensorFlow completed")


async def test_keys_are_letters_while_one_types(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "2 runs")
        await pilot.press("slash", *"vqd3")
        assert app.screen.query_one("#filter", Input).value == "vqd3"
        assert isinstance(app.screen, MonitorScreen)


async def test_the_order_goes_from_newest_to_fastest_to_most_accurate(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "newest first")
        await pilot.press("o")
        await shows(pilot, "fastest first")
        await pilot.press("o")
        await shows(pilot, "by accuracy")


async def test_runs_are_drawn_beside_each_other_with_letters_and_a_baseline(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("p", "j")
        text = await shows(pilot, "━ A TensorFlow", ": baseline", "━ B PyTorch", "1.00x its time per image")
        assert "TensorFlow completed A" in text
        assert "PyTorch completed B" in text
        await pilot.press("escape")
        await hides(pilot, "━ A")


async def test_space_puts_a_run_beside_and_takes_it_away(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("space", "j")
        await shows(pilot, "━ A TensorFlow", "━ B PyTorch")
        await pilot.press("k", "space", "j")
        await hides(pilot, "━ A")


async def test_a_cursor_reads_the_values_of_all_curves(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("space", "j")
        await shows(pilot, "━ B PyTorch")
        app.screen.query_one("#chart-train-loss", Chart).focus()
        await pilot.press("right")
        await shows(pilot, "train loss by epoch at 2: A 1, B 1")
        await pilot.press("left", "left", "left")
        await shows(pilot, "at 1: A 2, B 2")


async def test_axes_and_smoothing_are_changed_by_keys(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "train loss by epoch")
        await pilot.press("x")
        await shows(pilot, "train loss by step")
        await pilot.press("x", "L")
        await shows(pilot, "train loss by seconds, log", "train accuracy by seconds")
        await pilot.press("s", "greater_than_sign")
        await shows(pilot, "by seconds, smoothed 0.9, log")


async def test_a_chart_is_enlarged_and_made_small_again(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "train loss by epoch")
        await pilot.press("f")
        await hides(pilot, "TensorFlow completed")
        assert app.screen.query_one("#chart-train-loss", Chart).size.width > 70
        await pilot.press("escape")
        await shows(pilot, "TensorFlow completed")


async def test_a_chart_is_zoomed_around_its_end_and_shown_whole_again(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "train loss by epoch")
        chart = app.screen.query_one("#chart-train-loss", Chart)
        chart.focus()
        await pilot.press("plus")
        assert chart._window() == (1.5, 2.5)
        await pilot.press("plus", "minus", "minus", "minus")
        assert chart._window() == (1.0, 3.0)


async def test_only_lines_of_a_chart_that_changed_are_painted(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "train loss by epoch")
        chart = app.screen.query_one("#chart-train-loss", Chart)
        painted = []
        chart.refresh = lambda *regions, **_: painted.extend(regions)
        chart.show(chart._series, chart._x_range)
        assert painted == []
        chart.show(chart._series, chart._x_range, title="another title")
        assert [(region.y, region.height) for region in painted] == [(0, 1)]


async def test_a_run_that_is_deleted_while_it_is_shown_leaves_the_list(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9", "2 runs")
        await pilot.press("space")
        shutil.rmtree(recorded.runs[1].path)
        text = await shows(pilot, "1 run,", "PyTorch 9.9")
        assert "TensorFlow completed" not in text


async def test_a_result_of_a_newer_version_is_shown_as_far_as_it_is_known(app, recorded):
    run = recorded.runs[1]
    write_toml(
        run.result,
        {"schema": 99, "run": run.id, "status": "completed", "config": {}, "phases": {}, "new": {"a": 1}},
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9", "completed")


async def test_a_terminal_may_shrink_to_nothing_and_grow_again(app, recorded):
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        for size in ((1, 1), (20, 5), (200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await shows(pilot, "TensorFlow 9.9", "train loss by epoch")


async def test_a_clock_that_jumps_back_and_a_run_without_end_are_drawn(app, start):
    finish(start("jumps_back", rows=[0]))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "PyTorch 9.9", "train loss by epoch")
        await pilot.press("x", "x")
        await shows(pilot, "by seconds")
        assert "Traceback" not in screen_text(app)


async def test_the_hosts_gpu_stands_in_the_title(app, recorded, monkeypatch):
    monkeypatch.setattr("tfpt_tui.ui.widgets.title_bar.gpu_names", lambda: ("NVIDIA H100", "NVIDIA H100"))
    async with app.run_test(size=(120, 36)) as pilot:
        assert "2 x NVIDIA H100" in (await shows(pilot, "2 x NVIDIA H100")).splitlines()[0]


async def test_a_search_survives_another_log(app, recorded):
    first, second = recorded.runs
    second.log.write_text("epoch one\n" * 5)
    first.log.write_text("one epoch\n")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("l", "slash", *"epoch", "enter", "n", "n", "n", "j")
        await shows(pilot, "PyTorch 9.9", "one epoch")


async def test_a_chart_without_points_is_zoomed_without_harm(app, start):
    finish(start("fails", rows=[0]))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "a bad value")
        app.screen.query_one("#chart-train-loss", Chart).focus()
        await pilot.press("plus", "right", "minus")
        await shows(pilot, "nothing measured yet")


async def test_what_a_copied_result_says_does_not_reach_the_terminal(app, recorded):
    run = recorded.runs[1]
    error = {"type": "E", "message": "\x1b]0;owned\x07 \x1b[31mred", "traceback": "a\x1b[2J\nb"}
    write_toml(run.result, {**read_toml(run.result), "status": "failed", "error": error})
    async with app.run_test(size=(120, 50)) as pilot:
        text = await shows(pilot, "\\x1b[31mred")
        await pilot.press("i")
        text += await shows(pilot, "a\\x1b[2J")
        assert "\x1b" not in text


async def test_a_run_that_cannot_be_asked_to_stop_keeps_the_app_open(app, start, monkeypatch):
    sweep = start("hangs", rows=[0])
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "running")
        await pilot.press("q")
        await shows(pilot, "Stop the run")
        monkeypatch.setattr("tfpt_tui.ui.app.request_stop", refuse)
        await pilot.press("s")
        await shows(pilot, "be written")
        assert app.is_running
    sweep.runs[0].stop.touch()
    finish(sweep)


def refuse(run):
    raise MissingError(f"{run.id}: may not be written")


@pytest.mark.parametrize(
    ("hidden", "needle", "told"),
    [
        (0, "", "2 runs, newest first"),
        (0, "tensorflow", "1 of 2 runs, newest first"),
        (1998, "", "2 of 2,000 runs, newest first"),
        (1998, "tensorflow", "1 of the newest 2, newest first"),
    ],
)
async def test_the_list_says_how_many_runs_it_leaves_out(app, recorded, monkeypatch, hidden, needle, told):
    real = watch.RunPoller.poll
    monkeypatch.setattr(watch.RunPoller, "poll", lambda *given: replace(real(*given), hidden=hidden))
    async with app.run_test(size=(200, 60)) as pilot:
        await shows(pilot, "PyTorch completed")
        app.screen.query_one(RunsPane).needle = needle
        await shows(pilot, told)


async def test_a_filter_that_is_left_chooses_a_run_that_it_lists(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("slash", *"pytorch")
        await shows(pilot, "1 of 2 runs")
        await pilot.press("enter")
        await shows(pilot, "PyTorch 9.9")


@pytest.mark.parametrize(
    ("size", "figures"), list(zip(SIZES, ("98", "0.98 0.500 98", "0.98 0.500 98"), strict=True))
)
async def test_runs_stand_by_their_plans_with_what_differs_and_their_figures(app, record, size, figures):
    losses = {"losses": (2.0, 0.98), "rate": 98.4}
    record("20261120-090000-older-aa00", ("pytorch", {}), ("tensorflow", {}), preset="older")
    record(QUICK, *(("pytorch", {"batch_size": size, "seed": 25, **losses}) for size in (16, 32)))
    async with app.run_test(size=size) as pilot:
        text = await until(pilot, lambda text: f"b16 {figures}" in " ".join(text.split()))
        lines = [line.partition("│")[0].split() for line in text.split("\n")]
        listed = [line for line in lines if line and line[0] in ("quick", "older", "b16", "b32")]
        assert listed[0] == ["quick", "11-20", "10:10", "e20"]
        assert [line[0] for line in listed] == ["quick", "b16", "b32", "older"]
        assert " ".join(listed[1][1:]) == figures
        assert "older 11-20 10:10 b32 e20" in text


async def test_a_plan_under_way_says_how_far_it_is_and_how_long_it_takes(app, start):
    finish(start("completes"))
    sweep = start("completes", "completes", "hangs")  # the third worker
    wait_until(lambda: status_of(sweep.runs[0]) == "running")
    async with app.run_test(size=(120, 36)) as pilot:
        text = await shows(pilot, " 0/2, ", "s left", "PyTorch running 50%", "TensorFlow queued")
        assert text.index("PyTorch running") < text.index("TensorFlow queued")
        sweep.directory.stop.touch()
        await shows(pilot, "stopping on request")
    finish(sweep)


async def test_the_first_start_offers_the_demo_and_says_how_it_goes(app, paths, monkeypatch, record):
    started, heard = [], [None]
    monkeypatch.setattr(background, "start", lambda *asked: started.append(asked))
    monkeypatch.setattr(background, "latest", lambda command, paths: heard[0])
    monkeypatch.setattr(monitor_screen, "HEARD_S", 0.1)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await shows(pilot, "Press t to try it", "t Try it")
        await pilot.press("t")
        await shows(pilot, "the demo makes its pictures first")
        assert started == [("demo", ["--headless"], paths)]
        heard[0] = Background("made 4,000 pictures", running=True)
        await shows(pilot, "The demo is under way", "made 4,000 pictures")
        await hides(pilot, "t Try it")
        heard[0] = Background("tfpt-tui: no room", running=False)
        await shows(pilot, "the demo ended: tfpt-tui: no room", "t Try it")
        record(QUICK, ("pytorch", {}))
        await shows(pilot, "PyTorch completed")
        await hides(pilot, "t Try it")


async def test_a_click_chooses_a_run_and_a_second_one_opens_it(app, recorded):
    async with app.run_test(size=(200, 60)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.click(RunList, offset=(5, 2))
        await shows(pilot, "PyTorch 9.9")
        assert isinstance(app.screen, MonitorScreen)
        await pilot.click(RunList, offset=(5, 0), times=2)  # the line above the plan's runs
        await pilot.click(RunList, offset=(5, 3), times=2)
        await shows(pilot, "esc closes", f"run {recorded.runs[1].id}")
        await pilot.click(offset=(1, 58))
        await hides(pilot, "esc closes")
        assert isinstance(app.screen, MonitorScreen)


async def test_enter_opens_the_run_that_was_chosen_a_moment_before(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("j", "enter")
        await shows(pilot, f"run {recorded.runs[0].id}", "esc closes")


async def test_the_last_entry_and_the_live_run_are_one_key_away(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        for key in ("G", "g"):
            await pilot.press("up")
            await shows(pilot, "PyTorch 9.9")
            await pilot.press(key)
            await shows(pilot, "TensorFlow 9.9")


async def test_a_click_on_a_chart_reads_the_values_there(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9", "train loss by epoch")
        chart = app.screen.query_one("#chart-train-loss", Chart)
        await pilot.click(chart, offset=(chart.size.width - 2, 3))
        await shows(pilot, "train loss by epoch at 2: 1")
        await pilot.click(chart, offset=(8, 3))
        await shows(pilot, "train loss by epoch at 1: 2")


async def test_accuracy_is_drawn_to_its_own_scale_and_from_0_to_1_by_a_key(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9", "train accuracy by epoch")
        chart = app.screen.query_one("#chart-train-accuracy", Chart)
        assert not any(strip.text.startswith("1.0") for strip in chart._lines)  # all of them are 0.5
        chart.focus()
        await pilot.press("a")
        assert any(strip.text.startswith("1.0") for strip in chart._lines)


def record_duel(recorded, rounds=12):
    """Let the two runs of a sweep have taken turns."""
    for place, run in enumerate(recorded.runs):
        environment = read_toml(run.environment)
        duel = {"arms": [one.id for one in recorded.runs], "spread_sd": 0.01, "spread_freedom": 0.5}
        write_toml(run.environment, {**environment, "duel": duel})
        turns = (Slice(number, 1 + place, 16, 512, 1.0 + 0.1 * place, 1.9) for number in range(1, rounds + 1))
        with run.events.open("a") as file:
            file.writelines(encode(Stamped(100 + number, 1.0, 1.0, turn)) for number, turn in enumerate(turns))


@pytest.mark.parametrize("size", SIZES)
async def test_both_arms_of_a_duel_are_drawn_round_by_round(app, recorded, size):
    record_duel(recorded)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "images/s by round")
        chart = app.screen.query_one("#chart-images-s-by-seconds", Chart)
        first, second = chart._series
        assert (first.label, second.label) == ("PyTorch", "TensorFlow")
        assert first.xs == second.xs == tuple(map(float, range(1, 13)))
        assert set(first.ys) == {512.0}


async def test_a_duel_is_one_item_and_both_arms_are_drawn(app, recorded):
    record_duel(recorded)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(
            pilot, "PyTorch TensorFlow completed", "duel x1", "PyTorch, TensorFlow by turns on cpu", "━ A", "━ B"
        )
        await shows(pilot, "A PyTorch 512, B TensorFlow 465 ", "  test 0.600, 0.600")
        assert app.screen.query_one(RunList).option_count == 1
        assert app.screen.snapshot.chosen.id == recorded.id
        loss = app.screen.query_one("#chart-train-loss", Chart)
        assert {series.label for series in loss._series} == {"A", "B"}


async def test_the_item_of_a_duel_has_the_rates_of_its_arms_where_there_is_room(app, recorded):
    record_duel(recorded)
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda text: re.search(r"duel x1 b32 e3 +200 200 *│", text))


async def test_a_race_of_more_arms_than_there_are_letters_is_shown(app, record):
    runs = record("20261120-100000-race-0001", *(("pytorch", {"batch_size": size}) for size in range(8, 20)))
    for run in runs:
        environment = read_toml(run.environment) if run.environment.exists() else {}
        duel = {"arms": [one.id for one in runs], "spread_sd": 0.01, "spread_freedom": 0.5}
        write_toml(run.environment, {"schema": 1, **environment, "duel": duel})
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "PyTorch by turns", "━ H")


async def test_keys_are_for_the_run_under_the_cursor_also_before_it_is_read(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        runs = app.screen.query_one(RunList)
        before = app.screen._chosen().id
        runs.action_cursor_up()
        assert app.screen._chosen().id == runs.chosen != before


async def test_how_a_duel_stands_is_whole_when_it_grows_longer(app, recorded, paths):
    record_duel(recorded)
    following, short = RunReader(recorded.runs[0], paths), "duel: restart 1 of 3"
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "by turns")
        pane = app.screen.query_one(RunPane)
        for standing in (short, f"{short}, round 12 of 20, TensorFlow's turn; PyTorch leads"):
            view = replace(following.read(), status="running", waiting=standing, error=None)
            pane.show(replace(pane._picture, runs=(Shown(view, "#ff8700", "A"),)))
            await shows(pilot, *standing.split())


async def test_charts_of_a_run_that_grows_are_drawn_now_and_then_and_at_once_for_a_key_and_at_its_end(
    app, recorded, paths, monkeypatch
):
    monkeypatch.setattr(run_pane, "DRAW_S", 1000.0)
    view = replace(RunReader(recorded.runs[0], paths).read(), status="running")
    longer = replace(view.record, epochs=(*view.record.epochs, replace(view.record.epochs[-1], epoch=3)))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9", "train loss by epoch")
        pane, chart = app.screen.query_one(RunPane), app.screen.query_one("#chart-train-loss", Chart)

        def epochs_drawn(view, **asked):
            pane.show(replace(pane._picture, runs=(Shown(view, "#ff8700", "A"),), **asked))
            return len(chart._series[0].xs)

        assert epochs_drawn(view) == 2
        assert epochs_drawn(replace(view, record=longer)) == 2
        assert epochs_drawn(replace(view, record=longer), axes=Axes(log=True)) == 3
        assert epochs_drawn(view) == 3
        assert epochs_drawn(replace(view, status="completed")) == 2


async def test_the_focus_is_never_in_what_is_hidden(app, recorded):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("f", "v")
        await shows(pilot, "newest first")
        assert app.focused is app.screen.query_one(RunList)


async def test_what_nobody_sees_is_not_drawn(app, recorded, monkeypatch):
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "TensorFlow 9.9")
        await pilot.press("1")
        await shows(pilot, "tfpt-tui prepare")
        drawn = counted(monkeypatch, RunPane, "show")
        monitor = app._screen_stacks["monitor"][0]
        monitor.snapshot = replace(monitor.snapshot, hidden=7)
        await pilot.pause(0.2)
        assert not drawn
        await pilot.press("3")
        await until(pilot, lambda _: drawn)


async def test_a_duel_is_stopped_as_a_whole(app, recorded):
    record_duel(recorded)
    recorded.runs[1].result.unlink()
    us = identify(os.getpid())
    write_state(recorded.runs[1].state, replace(state_of(us, us), sweep=recorded.id))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "PyTorch TensorFlow running")
        await pilot.press("K")
        await shows(pilot, f"Stop the duel {recorded.id}?")
        await pilot.press("s")
        await hides(pilot, "Stop the duel")
        wait_until(recorded.directory.stop.exists)


def test_what_is_known_of_the_machine_is_parsed_again_when_it_has_changed_and_not_at_every_look(recorded, paths):
    run = recorded.runs[0]
    run.result.unlink()
    us = identify(os.getpid())
    write_state(run.state, replace(state_of(us, us), sweep=recorded.id))
    view = RunReader(run, paths)
    view.read()
    known = view._environment
    view.read()
    assert view._environment is known
    warning = {"message": "hot", "code": "throttled"}
    write_toml(run.environment, {"schema": 1, "warnings": [warning]})
    assert [one.message for one in view.read().warnings] == ["hot"]


def test_a_run_that_goes_on_after_all_is_followed_again(recorded, paths):
    """One that never began keeps its ID when its plan goes on; a copy may be seen before its configuration is."""
    run, config = recorded.runs[0], recorded.runs[0].config.read_text()
    poller, view, chosen = watch.RunPoller(paths), RunReader(run, paths), watch.RunSelection(recorded.runs[0].id)
    assert (view.read().status, poller.poll(chosen).view.status) == ("completed", "completed")
    write_toml(run.result, {**read_toml(run.result), "status": "stopped"})
    stopped, poller = RunReader(run, paths), watch.RunPoller(paths)
    assert (stopped.read().status, poller.poll(chosen).view.status) == ("stopped", "stopped")
    run.result.unlink()
    run.config.unlink()
    us = identify(os.getpid())
    write_state(run.state, replace(state_of(us, us), sweep=recorded.id))
    assert stopped.read().status == "running"
    run.config.write_text(config)
    snapshot = poller.poll(chosen)
    assert (snapshot.view.status, snapshot.chosen.status) == ("running", "running")
    assert stopped.read().config is not None


async def test_a_run_that_ends_while_one_is_asked_is_not_stopped(app, start):
    sweep = start("hangs", rows=[0])
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "running")
        await pilot.press("K")
        await shows(pilot, "Stop it")
        sweep.directory.stop.touch()
        finish(sweep)
        await until(pilot, lambda _: app.get_screen_stack("monitor")[0].snapshot.chosen.status == "stopped")
        await pilot.press("s")
        await shows(pilot, "is over already")
    assert not sweep.runs[0].stop.exists()


def test_a_recording_whose_duel_has_no_runs_is_a_run_like_any_other(recorded, paths):
    write_toml(recorded.runs[0].environment, {"schema": 1, "duel": {"arms": ["x"]}})
    assert watch.RunPoller(paths).poll(watch.RunSelection()).view.turns == ()


async def test_how_a_live_duel_stands_is_told_instead_of_an_epoch(app, recorded, paths):
    record_duel(recorded)
    view = RunReader(recorded.runs[0], paths)
    standing = "duel: restart 1, round 12 of 20; TensorFlow takes 1.10x [1.08, 1.12] the time of PyTorch"
    write_state(recorded.directory.state, replace(read_state(recorded.directory.state), message=standing))
    shown = replace(view.read(), status="running", waiting=view._waiting("running"), error=None)
    assert progress(shown, 80).plain == standing
