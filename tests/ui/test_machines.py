"""Other machines in the app: what they do, whose run it is, where plans are started, what the doctor finds."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.ui.driving import hides, shows, until
from tfpt_tui.config.machines import Machine
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.runs.record.contact import Contact, write_contact
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.state import State, write_state
from tfpt_tui.ui.app import TfptApp

MACHINES = {name: Machine(name, "ssh", name) for name in ("box1", "box2")}


@pytest.fixture
def app(paths):
    paths.machines.mkdir(parents=True, exist_ok=True)
    return TfptApp(paths, UserSettings(refresh_hz=5.0, machines=MACHINES))


def copied(paths, runs, machine):
    for run in runs:
        write_state(RunDirectory(paths.runs / run.id).state, State(status="completed", machine=machine, sweep="s"))


async def test_the_monitor_says_what_each_machine_does_and_which_is_not_heard(app, paths, record):
    record("20261120-100000-quick-aa01", ("pytorch", {}))
    write_contact("box1", Contact(time.time() + 60, 1, 4, gpus_percent=(93.4,)), paths)
    write_contact("box2", Contact(time.time() - 600, problem="box2: nothing answers there for ssh"), paths)
    async with app.run_test(size=(200, 60)) as pilot:
        await shows(pilot, "● box1 1 of 4 runs done, GPU 93 %", "! box2 not heard for 10 min: nothing")
        write_contact("box1", Contact(time.time() + 60, cpu_percent=3.2), paths)
        await shows(pilot, "○ box1 idle, CPU 3 %")


async def test_a_plan_elsewhere_says_how_long_it_takes_once_one_of_its_runs_has_completed(app, paths, record):
    sweep = "20261120-100000-quick-aa01"
    runs = record(sweep, *[("pytorch", {"rate": 10.0, "seed": seed}) for seed in (25, 26, 27)])
    copied(paths, runs, "box1")
    for run, status in zip(runs[1:], ("running", "queued"), strict=True):
        run.result.unlink()
        write_state(run.state, State(status=status, machine="box1", sweep=sweep))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "on box1 1/3, ", " min left")


async def test_without_other_machines_the_monitor_has_no_line_for_them(paths, record):
    record("20261120-100000-quick-aa01", ("pytorch", {}))
    async with TfptApp(paths, UserSettings()).run_test(size=(120, 36)) as pilot:
        await shows(pilot, "1 run,")
        assert pilot.app.screen.query_one("#machines").size.height == 0


async def test_a_copy_says_whose_it_is_and_is_found_by_it(app, paths, record):
    record("20261120-100000-quick-aa01", ("pytorch", {}), ("tensorflow", {}))
    theirs = record("20261120-110000-quick-aa02", ("pytorch", {}))
    copied(paths, theirs, "box1")
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "3 runs", "on box1")
        await pilot.press("slash", *"machine=box1")
        await until(pilot, lambda text: "1 of 3 runs" in text and "TensorFlow completed" not in text)


async def test_a_copy_is_run_again_on_its_machine(app, paths, record, monkeypatch):
    begun = []
    monkeypatch.setattr(
        "tfpt_tui.machines.again.begin",
        lambda plan, machines, *_: begun.append((len(plan.runs), [one.name for one in machines])),
    )
    copied(paths, record("20261120-100000-quick-aa01", ("pytorch", {})), "box1")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shows(pilot, "1 run,")
        await pilot.press("R")
        await shows(pilot, "Run it once more")
        await pilot.press("enter")
        await shows(pilot, "1 run under way on box1")
    assert begun == [(1, ["box1"])]


async def test_build_starts_a_plan_on_other_machines(app, paths, dataset, monkeypatch):
    begun = []

    def begin(plan, machines, provide, settings, paths, tell):
        tell("box1: sending tiny")
        begun.append((len(plan.runs), [one.name for one in machines], provide))

    monkeypatch.setattr("tfpt_tui.machines.submission.begin", begin)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.press("2")
        await shows(pilot, "most used")
        form = app.screen.query_one("DraftForm")
        for key, typed in (("data", str(dataset)), ("on", "here, box1"), ("provide", "send")):
            form.go_to(key)
            app.screen.query_one(f"#field-{key}").value = typed
        await shows(pilot, "f9 starts 2 runs each (time not known) on here, box1", "--on here,box1 --provide send")
        await pilot.press("f9")
        await shows(pilot, "box1: sending tiny", "4 runs under way on here, box1")
    assert begun == [(2, ["here", "box1"], "send")]


async def test_build_has_no_field_for_machines_where_there_are_none(paths, dataset):
    async with TfptApp(paths, UserSettings()).run_test(size=(120, 60)) as pilot:
        await pilot.press("2")
        text = await shows(pilot, "most used")
        assert not any(line.split("│")[-1].strip().startswith(("on ", "provide")) for line in text.splitlines())


async def test_the_doctor_goes_on_to_other_machines(app, monkeypatch):
    here = [Finding("ok", "memory", "23.0 GiB available")]
    monkeypatch.setattr("tfpt_tui.ui.dialogs.doctor.examine", lambda paths, cancelled: iter([here]))
    there = Finding("error", "connection", "box1: it refuses your key", "ssh-copy-id box1")
    monkeypatch.setattr("tfpt_tui.machines.check.check_machine", lambda machine: iter([there]))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("d")
        await shows(pilot, "23.0 GiB available", "m another machine")
        await pilot.press("m")
        await shows(pilot, "Doctor: box1", "1 error", "it refuses your key", "→ ssh-copy-id box1")
        await hides(pilot, "23.0 GiB available")
        await pilot.press("m", "m")
        await shows(pilot, "23.0 GiB available")


async def test_compare_goes_on_to_a_comparison_of_machines(paths, record):
    for place, machine in enumerate(MACHINES):
        sweep = f"2026112{place}-100000-quick-aa01"
        copied(paths, record(sweep, *(("pytorch", {"seed": seed}) for seed in range(3))), machine)
    prices = {name: replace(one, price_per_hour=2.0) for name, one in MACHINES.items()}
    app = TfptApp(paths, UserSettings(machines=prices))
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press("4")
        await shows(pilot, "all runs")
        await pilot.press("G")
        await shows(pilot, "box1")
        await pilot.press("b", "b")
        await shows(pilot, "PyTorch on box2", "PyTorch on box1", "images for its price")
