"""Prepare, driven by keys: what is there, what is made, and what goes wrong."""

import asyncio
import fcntl
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from textual.containers import VerticalScroll
from textual.widgets import Checkbox, Input, Select

from tests.ui.driving import SIZES, counted, look_into_help, screen_text, until
from tests.waiting import wait_until
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import dump_toml, read_toml, write_toml
from tfpt_tui.data.manifest import NAME, read_manifest
from tfpt_tui.data.progress_log import ProgressLog
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.tasks.preparation import RecordedRequest, list_preparations, start, stop
from tfpt_tui.runs.tasks.prepare_request import PrepareRequest
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.keys import KEYS, PREPARE
from tfpt_tui.ui.prepare import messages
from tfpt_tui.ui.prepare import screen as screen_module
from tfpt_tui.ui.prepare.contact_sheet import WITHOUT_COLOUR, ContactSheet
from tfpt_tui.ui.prepare.dataset_list import DatasetList
from tfpt_tui.ui.prepare.form import PrepareForm
from tfpt_tui.ui.prepare.preview import read_preview


@pytest.fixture
def app(paths, monkeypatch):
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")
    return TfptApp(paths, UserSettings())


@pytest.fixture
def tiny(paths, dataset):
    """Two classes of sixteen pictures in our own directory."""
    return Path(shutil.copytree(dataset, paths.datasets / "tiny"))


@pytest.fixture
def record(paths):
    """Write a preparation as its process would have left it; our own process plays it."""

    def write(out, alive=True):
        path = paths.preparations / "20261122-000000-synthetic-0000"
        path.mkdir(parents=True)
        arguments = ["synthetic", "--out", str(out), "--size", "8", "--limit", "1", "--classes", "2"]
        write_toml(
            path / "request.toml", {"kind": "synthetic", "out": str(out), "size": 8, "arguments": arguments}
        )
        process = identify(os.getpid() if alive else 2**22 + 1)
        owner = {"pid": process.pid, "start_time": process.start_time}
        write_toml(path / "state.toml", {"boot_id": process.boot_id, "preparation": owner})
        return ProgressLog(path / "progress.jsonl")

    return write


@pytest.fixture(autouse=True)
def ended(paths):
    """Whatever a test left running is stopped."""
    yield
    for one in list_preparations(paths):
        if one.path.joinpath("prepare.log").exists():
            stop(one)


async def shows(pilot, *texts, seconds=15):
    """Wait until the screen shows all the texts, however the page on the right has wrapped them."""

    def holds(text):
        page = " ".join(line.rpartition("│")[2].strip() for line in text.splitlines())
        return all(wanted in text or wanted in page for wanted in texts)

    return await until(pilot, holds, seconds)


async def open_prepare(pilot, *texts):
    await pilot.press("1")
    return await shows(pilot, *texts)


async def fill(pilot, source="synthetic", **fields):
    form = pilot.app.screen.query_one(PrepareForm)
    form.query_one("#source", Select).value = source
    for name, value in fields.items():
        form.query_one(f"#{name}", Input).value = str(value)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_a_dataset_is_shown_with_its_pictures_at_every_size(app, tiny, size):
    async with app.run_test(size=size) as pilot:
        text = await open_prepare(
            pilot, "64 of 64x64", "2 classes of 16+16", "▀▀▀▀▀▀▀▀", "hue0-coarse-rows", "on disk  "
        )
        assert "tfpt-tui prepare synthetic --limit 16" in text
        assert "tiny" in text
        assert "train" in text


@pytest.mark.parametrize("size", [SIZES[0], SIZES[-1]])
async def test_without_datasets_the_form_is_there_with_what_it_would_take(app, size):
    async with app.run_test(size=size) as pilot:
        await open_prepare(
            pilot, "new dataset", "CIFAR-100", "60,000 in 100 classes", "are free there", "169 MB", "s starts it"
        )


async def test_what_is_fetched_is_asked_for_first(app, paths):
    async with app.run_test(size=(120, 36)) as pilot:
        await open_prepare(pilot, "169 MB", "s starts it")
        await pilot.press("s")
        await shows(pilot, "169 MB are fetched from the network first", "Start", "Cancel")
        await pilot.press("c")
        assert list_preparations(paths) == []


async def test_the_pictures_can_have_the_whole_screen(app, tiny):
    async with app.run_test(size=(80, 24)) as pilot:
        few = (await open_prepare(pilot, "▀▀▀▀", "on disk  ")).count("▀")
        await pilot.press("f")
        await shows(pilot, "▀" * 16 + " " + "▀" * 16 + " " + "▀" * 16 + " " + "▀" * 16)
        assert screen_text(app).count("▀") > 2 * few
        assert "on disk" not in screen_text(app)
        await pilot.press("f")
        await shows(pilot, "on disk  ")


async def test_without_colour_it_says_why_there_are_no_pictures(paths, tiny, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = TfptApp(paths, UserSettings())
    async with app.run_test(size=(120, 36)) as pilot:
        text = await open_prepare(pilot, WITHOUT_COLOUR, "hue0-coarse-rows")
        assert "▀" not in text


async def test_what_is_typed_into_the_form_shows_at_once_what_it_amounts_to(app):
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await pilot.press("n", "enter", "down", "down", "down", "enter", "down", "down", "down")
        await pilot.press("2", "0", "down", "1", "0")
        await shows(pilot, "400 in 10 classes", "--limit 20 --classes 10", "synthetic-20each")
        await pilot.press("1")
        await shows(pilot, "✗ ", "--classes 101: synthetic images have at most 100 classes")


async def test_letters_in_a_field_are_letters(app, tiny):
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "64 of 64x64")
        await pilot.press("n", "down", "down", *"/KDsyfngGq4r")
        assert app.screen.query_one("#out", Input).value == "/KDsyfngGq4r"
        await pilot.press("down", *"KDsyfngGq")
        assert app.screen.query_one("#size", Input).value == ""
        assert isinstance(app.screen, screen_module.PrepareScreen)
        await pilot.press("escape", "j")
        await shows(pilot, "64 of 64x64")


async def test_a_dataset_is_made_from_the_form_and_is_chosen_when_it_is_ready(app, paths):
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await fill(pilot, size=8, limit=2, classes=2)
        await shows(pilot, "8 in 2 classes")
        app.screen.query_one("#limit", Input).focus()
        await pilot.press("enter")
        await shows(pilot, "8 of 8x8", "2 classes of 2+2", "▀▀▀▀", "is ready", seconds=60)
        assert read_manifest(paths.datasets / "synthetic-8px-2each-2classes").total("train") == 4
        assert app.screen._chosen == f"dataset {paths.datasets / 'synthetic-8px-2each-2classes'}"
        # The next one is not cut short by what was typed for this one.
        form = app.screen.query_one(PrepareForm).form
        assert (form.size, form.limit, form.classes, form.out) == ("8", "", "", "")


async def test_a_preparation_under_way_is_found_and_shown_as_it_goes(app, paths, record):
    journal = record(paths.datasets / "mine")
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "mine  ● running", "starting")
        journal.tell("fetching", 80_000_000, 161_000_000)
        await shows(pilot, "50% fetching 80/161 MB", "fetching 50%")
        journal.tell("writing", 150, 600)
        await shows(pilot, "25% writing 150/600 images")
        assert "K Stop" in screen_text(app)


async def test_leaving_the_screen_and_the_app_does_not_stop_it(app, paths, tmp_path):
    out = tmp_path / "out"
    start(
        RecordedRequest("synthetic", out, 8, ("synthetic", "--out", str(out), "--size", "8", "--jobs", "1")), paths
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "out  ● running", "writing")
        await pilot.press("3", "1", "q")
        await pilot.pause()
    assert list_preparations(paths)[0].status == "running"


async def test_it_is_stopped_only_after_a_question_and_goes_on_by_a_key(app, paths, tmp_path):
    out = tmp_path / "out"
    start(
        RecordedRequest("synthetic", out, 8, ("synthetic", "--out", str(out), "--size", "8", "--jobs", "1")), paths
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "out  ● running", "writing")
        await pilot.press("K")
        await shows(pilot, "Stop preparing out?")
        await pilot.press("escape")
        assert list_preparations(paths)[0].status == "running"
        await pilot.press("K")
        await shows(pilot, "Stop preparing out?")
        await pilot.press("s")
        await shows(pilot, "out  ■ stopped", "s resumes where it stopped", seconds=60)
        first = list_preparations(paths)[0].id
        await pilot.press("s")
        await shows(pilot, "out  ● running", "writing", seconds=60)
        assert [one.id for one in list_preparations(paths)] != [first]


async def test_a_failure_shows_the_commands_line_and_can_be_forgotten(app, paths, tmp_path, record):
    record(tmp_path / "mine").end(3, f"{tmp_path}/mine: cannot write: no space left on device; free some room")
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "mine")
        await pilot.press("j")
        await shows(pilot, "mine  ✗ failed", "no space left on device")
        await pilot.press("D")
        await shows(pilot, "60,000 in 100 classes")
        wait_until(lambda: list_preparations(paths) == [])


async def test_one_that_was_killed_says_that_it_can_go_on(app, tmp_path, record):
    record(tmp_path / "mine", alive=False).tell("writing", 5, 10)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "mine")
        await pilot.press("j")
        await shows(pilot, "mine  ✗ crashed", "it exited unexpectedly")


async def test_what_cannot_start_says_why_and_starts_nothing(app, paths, tmp_path):
    (tmp_path / "file").write_text("")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await fill(pilot, out=tmp_path / "file")
        await shows(pilot, "✗ ", "cannot make the dataset: not a directory")
        await pilot.press("s")
        await shows(pilot, "Not started")
        await fill(pilot, source="folder", folder=tmp_path / "nowhere")
        await shows(pilot, "no such directory of images")
    assert list_preparations(paths) == []


async def test_while_a_run_trains_it_asks_before_it_disturbs_it(app, paths):
    lock = Path(os.environ["TFPT_TUI_LOCK"])
    lock.write_text("sweep 20261122-000000-demo-0000, process 7")
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        async with app.run_test(size=(120, 36)) as pilot:
            await open_prepare(pilot, "trains on this machine now")
            await fill(pilot, size=8, limit=1, classes=2)
            await pilot.press("s")
            await shows(pilot, "would disturb what it measures", "Start anyway")
            assert isinstance(app.screen, Confirm)
            await pilot.press("escape")
            assert list_preparations(paths) == []


async def test_a_broken_and_an_unfinished_dataset_are_listed_with_their_reason(app, paths, tiny):
    (tiny / NAME).write_text("classes = [")
    (paths.datasets / "half").mkdir()
    (paths.datasets / "half" / ".preparing.toml").write_text("")
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "! half", "not usable", "was interrupted")
        await pilot.press("j")
        text = await shows(pilot, "! tiny", "manifest.toml", "end of the")
        assert "▀" not in text


async def test_a_dataset_that_is_deleted_while_it_is_shown_goes_from_the_list(app, tiny):
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await open_prepare(pilot, "64 of 64x64", "▀▀▀▀")
        shutil.rmtree(tiny)
        text = await shows(pilot, "tiny is gone", "60,000 in 100 classes")
        assert "64 of 64x64" not in text


async def test_a_dataset_that_appears_is_listed(app, tiny, dataset):
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "64 of 64x64")
        later = tiny.parent / "later"
        shutil.copytree(dataset, later, ignore=shutil.ignore_patterns(NAME))
        await pilot.pause(1.5)  # it is seen without its manifest, which comes last
        shutil.copyfile(dataset / NAME, later / NAME)
        await shows(pilot, "later")


async def test_odd_names_are_shown_harmlessly(app, tiny):
    document = read_toml(tiny / NAME)
    names = ["[red]a[/red]\x1b[2J", "🐈" * 150]
    document["classes"] = names
    document["counts"] = {split: dict(zip(names, (16, 16), strict=True)) for split in ("train", "test")}
    document["skipped"] = ["/pictures/[b]bad\n.jpg"]
    (tiny / NAME).write_text(dump_toml(document))
    tiny.rename(tiny.with_name("[bold]x"))
    async with app.run_test(size=(120, 36)) as pilot:
        text = await open_prepare(
            pilot, "[bold]x", "[red]a[/red]\\x1b[2J", "🐈🐈", "[b]bad\\n.jpg", "1 file skipped"
        )
        assert "\x1b" not in text


async def test_a_thousand_classes_can_be_scrolled_through(app, tiny):
    document = read_toml(tiny / NAME)
    names = [f"class{number}" for number in range(1000)]
    document["classes"] = names
    document["counts"] = {split: dict.fromkeys(names, 16) for split in ("train", "test")}
    (tiny / NAME).write_text(dump_toml(document))
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "1,000 classes", "64 images in place of")
        await pilot.press("enter", "end")
        await shows(pilot, "class999")
        await pilot.press("g")
        await shows(pilot, "32,000 of 64x64")


async def test_a_disk_that_refuses_for_a_while_does_not_end_the_app(app, tiny, monkeypatch):
    real, refusing = screen_module.DatasetsPoller.poll, threading.Event()

    def look(watcher, again):
        if refusing.is_set():
            raise OSError(5, "Input/output error", "/datasets")
        return real(watcher, again)

    monkeypatch.setattr(screen_module.DatasetsPoller, "poll", look)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await open_prepare(pilot, "64 of 64x64")
        refusing.set()
        await shows(pilot, "Cannot read the datasets", "Input/output error")
        refusing.clear()
        await pilot.press("k")
        await shows(pilot, "60,000 in 100 classes")


async def test_nothing_is_painted_while_nothing_changes(app, tiny):
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "64 of 64x64", "▀▀▀▀", "on disk  ")
        posted = []
        app.screen._show_chosen = lambda: posted.append(1)
        app.screen._show_prospect = lambda message: posted.append(2)
        await pilot.pause(1.2)
        assert posted == []


async def test_a_slow_folder_does_not_hold_up_the_keys(app, monkeypatch, tmp_path):
    asked, let_go = threading.Event(), threading.Event()

    def slow(form, settings, paths, is_cancelled):
        asked.set()
        let_go.wait(20)
        return read_preview(form, settings, paths, is_cancelled)

    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        monkeypatch.setattr(screen_module, "read_preview", slow)
        await fill(pilot, source="folder", folder=tmp_path)
        await asyncio.to_thread(asked.wait, 20)
        await pilot.press("question_mark")
        await shows(pilot, "Keys")
        let_go.set()


def test_a_request_has_a_record_where_the_working_directory_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    request = PrepareRequest("pictures", "out", archive="cifar.tar.gz")
    assert request.recorded.arguments[:3] == ("pictures", "--out", "out")


async def test_pictures_of_another_size_are_kept_and_not_shown(app, tiny):
    async with app.run_test(size=(120, 36)) as pilot:
        await open_prepare(pilot, "64 of 64x64")
        await asyncio.to_thread(wait_until, lambda: bool(app.screen._sheets))
        sheet = app.screen.query_one(ContactSheet)
        before, other = app.screen._wanted_sheet, (*app.screen._wanted_sheet[:-1], "another grid")
        shown = []
        sheet.show = shown.append
        app.screen.post_message(messages.Drawn(other, ()))
        app.screen.post_message(messages.Drawn(before, app.screen._sheets[before]))
        await asyncio.to_thread(wait_until, lambda: other in app.screen._sheets and bool(shown))
        assert shown == [app.screen._sheets[before]]


async def test_a_dialog_that_closes_has_nothing_read_again(app, tiny, monkeypatch):
    calls = [counted(monkeypatch, screen_module, name) for name in ("read_preview", "DatasetsPoller")]
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "64 of 64x64")
        # Once as it is opened, and once for the fields as they are filled.
        await asyncio.to_thread(wait_until, lambda: [len(one) for one in calls] == [2, 1])
        await look_into_help(pilot)
        shutil.rmtree(tiny)
        await shows(pilot, "60,000 in 100 classes")  # and it is still watched
        await asyncio.to_thread(wait_until, lambda: [len(one) for one in calls] == [3, 1])
        await pilot.press("3", "1")
        await asyncio.to_thread(wait_until, lambda: [len(one) for one in calls] == [4, 1])


@pytest.fixture
def slow(monkeypatch):
    """The look at what shall start takes until it is let go."""
    asked, let_go = threading.Event(), threading.Event()

    def wait(form, settings, paths, is_cancelled):
        if form.limit == "1":
            asked.set()
            let_go.wait(20)
        return read_preview(form, settings, paths, is_cancelled)

    monkeypatch.setattr(screen_module, "read_preview", wait)
    yield asked, let_go
    let_go.set()


async def press_start(pilot, asked):
    """Start two tiny pictures, and wait until the check of it is under way."""
    await fill(pilot, size=8, limit=1, classes=2)
    await pilot.press("s")
    await shows(pilot, "checking ...")
    await asyncio.to_thread(asked.wait, 20)


async def test_a_dialog_does_not_lose_a_start(app, paths, slow):
    asked, let_go = slow
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await press_start(pilot, asked)
        await pilot.press("question_mark")
        await shows(pilot, "Keys")
        await pilot.press("escape")
        await shows(pilot, "checking ...")
        let_go.set()
        await shows(pilot, "4 of 8x8", seconds=60)
    assert len(list_preparations(paths)) == 1


async def test_impatience_starts_it_once(app, paths, slow):
    asked, let_go = slow
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await press_start(pilot, asked)
        await pilot.press("s", "s")
        let_go.set()
        await shows(pilot, "4 of 8x8", seconds=60)
    assert len(list_preparations(paths)) == 1


async def test_fields_that_change_while_it_is_checked_start_nothing_and_say_so(app, paths, slow):
    asked, let_go = slow
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await press_start(pilot, asked)
        await fill(pilot, limit=2)
        await asyncio.to_thread(
            wait_until, lambda: app.screen._prospect.preview.images == 8
        )  # that was looked at meanwhile
        let_go.set()
        text = await shows(pilot, "Not started", "the fields have changed meanwhile", "8 in 2 classes")
        assert "checking" not in text
    assert list_preparations(paths) == []


@pytest.fixture
def endless(monkeypatch):
    """Folders are listed until that is cancelled; True for each listing that was, once it has ended."""
    begun, ended = threading.Event(), []

    def foresee_for_ever(form, settings, paths, is_cancelled):
        if form.source != "folder":
            return read_preview(form, settings, paths, is_cancelled)
        begun.set()
        deadline = time.monotonic() + 20
        while not is_cancelled() and time.monotonic() < deadline:
            time.sleep(0.01)
        ended.append(is_cancelled())
        return read_preview(form, settings, paths, is_cancelled)

    monkeypatch.setattr(screen_module, "read_preview", foresee_for_ever)
    return begun, ended


async def test_typing_on_and_leaving_end_the_look_at_a_folder(app, endless, tmp_path):
    begun, ended = endless
    async with app.run_test(size=(80, 24)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await fill(pilot, source="folder", folder=tmp_path)
        await asyncio.to_thread(begun.wait, 20)
        begun.clear()
        await fill(pilot, source="synthetic", limit=2)
        await shows(pilot, "400 in 100 classes")
        wait_until(lambda: ended == [True])
        await fill(pilot, source="folder")
        await asyncio.to_thread(begun.wait, 20)
        await pilot.press("escape", "q")
    wait_until(lambda: ended == [True, True])


async def test_the_path_is_copied(app, tiny):
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await open_prepare(pilot, "64 of 64x64")
        await pilot.press("y")
        await shows(pilot, "Copied")
        assert app.clipboard == str(tiny)


def test_every_key_of_the_screen_has_an_action():
    for key in KEYS:
        if key.where == PREPARE:
            assert hasattr(screen_module.PrepareScreen, f"action_{key.action}"), key.id


async def test_escape_leads_back_to_the_list_from_a_page_too(app, tiny):
    async with app.run_test(size=(120, 36)) as pilot:
        await open_prepare(pilot, "2 classes of 16+16")
        await pilot.press("tab")
        assert isinstance(app.screen.focused, VerticalScroll)
        await pilot.press("escape")
        assert isinstance(app.screen.focused, DatasetList)


async def test_enter_on_the_tick_starts_as_in_a_field(app, paths, pictures):
    async with app.run_test(size=(120, 36)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await fill(pilot, source="folder", folder=pictures, size=8, limit=1, classes=2)
        await shows(pilot, "4 in 2 classes")
        tick = app.screen.query_one("#skip-bad", Checkbox)
        tick.focus()
        await pilot.press("space", "enter")
        assert tick.value
        await until(pilot, lambda _: list_preparations(paths))


async def test_what_the_form_amounts_to_is_looked_up_again_when_a_dataset_comes(app, paths, dataset):
    async with app.run_test(size=(120, 36)) as pilot:
        await open_prepare(pilot, "60,000 in 100 classes")
        await fill(pilot, source="synthetic", out=paths.datasets / "tiny", limit=16, classes=2)
        await shows(pilot, "s starts it")
        shutil.copytree(dataset, paths.datasets / "tiny")
        await pilot.press("f5")
        await shows(pilot, "it is there already")
