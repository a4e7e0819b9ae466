"""The Build screen, driven by keys."""

import asyncio
import shutil
import sys
from dataclasses import replace

import pytest
from textual.widgets import Input, Static
from textual.widgets._toast import Toast

from tests.ui.driving import counted, look_into_help, shows, until
from tests.waiting import wait_until
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.environments.registry import register
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.record.directory import list_runs
from tfpt_tui.runs.record.state import owner_of, status_of
from tfpt_tui.runs.record.sweep import latest_sweep, read_config
from tfpt_tui.runs.tasks import background
from tfpt_tui.runs.tasks.background import Background
from tfpt_tui.ui.app import TfptApp
from tfpt_tui.ui.build import screen as build_module
from tfpt_tui.ui.build.messages import Read
from tfpt_tui.ui.build.pick import Pick
from tfpt_tui.ui.build.screen import BuildScreen
from tfpt_tui.ui.build.source_list import SourceList
from tfpt_tui.ui.build.summary import Summary
from tfpt_tui.ui.monitor.screen import MonitorScreen


class BuildApp(TfptApp):
    """Opens on Build: the Monitor before it is tested elsewhere, and takes its time."""

    DEFAULT_MODE = "build"


SIZES = [(80, 24), (120, 36), (200, 60)]


@pytest.fixture
def known(paths, dataset):
    """One dataset that the app knows of."""
    shutil.copytree(dataset, paths.datasets / "tiny")
    return paths.datasets / "tiny"


@pytest.fixture
def build(paths):
    """Open Build in an app of that size."""

    class Opened:
        def __init__(self, size=(120, 36), settings=None, where=paths):
            self.app = BuildApp(where, settings or UserSettings())
            self._test = self.app.run_test(size=size, notifications=True)

        async def __aenter__(self):
            self.pilot = await self._test.__aenter__()
            await shows(self.pilot, "demo", "recorded" if list_runs(paths) else "workers-sweep", "batch_size")
            return self

        async def __aexit__(self, *error):
            return await self._test.__aexit__(*error)

        async def shows(self, *texts):
            return await shows(self.pilot, *texts)

        async def press(self, *keys):
            await self.pilot.press(*keys)

        async def type(self, key, text):
            entry = self.app.screen.query_one(f"#field-{key}", Input)
            entry.focus()
            entry.value = text
            await self.pilot.pause()

        async def choose(self, name):
            sources = self.app.screen.query_one(SourceList)
            sources.highlighted = [source.name for source in sources.sources].index(name) + self._headings(name)
            sources.focus()
            await until(self.pilot, lambda _: self._heading.startswith(f"{name}  "))

        @property
        def _heading(self):
            return str(self.app.screen.query_one("#heading", Static).content)

        def _headings(self, name):
            sources = self.app.screen.query_one(SourceList).sources
            found = next(source for source in sources if source.name == name)
            return list(dict.fromkeys(source.group for source in sources)).index(found.group) + 1

        @property
        def outcome(self):
            return self.app.screen.query_one(Summary).outcome

    return Opened


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the first test that needs recorded runs leaves them for the others."""
    return tmp_path_factory.mktemp("kept") / "recorded"


@pytest.fixture
def over(start, paths, kept):
    """A sweep of the demo that is over."""
    if kept.exists():
        shutil.copytree(kept, paths.runs.parent, dirs_exist_ok=True)
    else:
        sweep = start("completes")
        wait_until(lambda: owner_of(sweep.directory.state) is None, 60)
        shutil.copytree(paths.runs.parent, kept)
    return latest_sweep(paths)


@pytest.mark.parametrize("size", SIZES)
async def test_presets_rows_settings_and_summary_are_seen_at_every_size(build, known, over, size):
    async with build(size) as opened:
        text = await opened.shows("f9 starts 2 runs (about", "■ 2 TensorFlow", "batch_size", "recorded runs")
        assert "tab, arrows" in text
        if size == (80, 24):
            assert "[preset]" not in text
            await opened.press("f")
        await opened.shows("[preset]", 'name = "demo-2"')


async def test_without_datasets_it_says_what_to_press(build):
    async with build((80, 24)) as opened:
        await opened.shows("no datasets yet: press esc, then 1")
        await opened.press("f9")
        assert isinstance(opened.app.screen, BuildScreen)


async def test_the_printed_numbers_stand_beside_the_rows(build, known):
    async with build((80, 24)) as opened:
        await opened.choose("gpu-augmented")
        text = await opened.shows("Tesla T4", "train", "printed seconds")
        assert "■  1 PyTorch       16       0 yes     320    8" in text


async def test_rows_are_chosen_with_space_and_all_with_a_letter(build, known):
    async with build() as opened:
        await opened.choose("cpu-plain")
        await opened.press("tab", "space")
        await opened.shows("□ 1 PyTorch", "3 runs")
        await opened.press("a")
        await opened.shows("■ 1 PyTorch", "4 runs")
        await opened.press("a")
        await opened.shows("□ 4 TensorFlow", "no row is chosen")


async def test_a_list_makes_a_sweep_that_the_preview_shows(build, known):
    async with build() as opened:
        await opened.type("batch_size", "16, 32,64")
        await opened.shows("3 values", "6 runs", 'title = "demo with batch_size 16, 32, 64"')


async def test_every_letter_is_kept_however_fast_one_types(build, known):
    async with build() as opened:
        await opened.type("batch_size", "")
        await opened.press(*"101,102,103,104,105")
        assert opened.app.screen.query_one("#field-batch_size", Input).value == "101,102,103,104,105"
        await opened.shows("10 runs")


async def test_a_text_that_is_refused_says_so_at_once_and_starts_nothing(build, known, paths):
    async with build() as opened:
        await opened.type("epochs", "many")
        await opened.shows("✗ must be a whole number from 1 to 10000", "✗ epochs must be", "no preset yet")
        assert opened.app.screen.check_action("start", ()) is None
        await opened.press("f9", "escape", "s", "w")
        assert isinstance(opened.app.screen, BuildScreen)
        assert not opened.app.screen.query_one(Summary).starting


async def test_letters_are_letters_while_one_types(build, known):
    async with build() as opened:
        await opened.type("device", "")
        await opened.press(*"sw afu/ygG")
        await opened.shows("✗ device must be auto, cpu, gpu or gpu:N, not 'sw afu/ygG'")
        assert isinstance(opened.app.screen, BuildScreen)
        assert not opened.app.screen.has_class("-preview")


async def test_a_setting_that_does_not_apply_has_no_field(build, known):
    async with build() as opened:
        await opened.type("track", "default")
        assert opened.app.screen.query_one("#field-num_workers").parent.display
        await opened.type("framework", "tensorflow")
        await opened.shows("starts 1 run")
        assert not opened.app.screen.query_one("#field-num_workers").parent.display


async def test_the_field_in_focus_is_explained(build, known):
    async with build((80, 24)) as opened:
        await opened.type("learning_rate", "")
        await opened.shows("step size of Adam", "a number greater than 0, several by commas")
        await opened.press("escape")
        await opened.shows("tab, arrows")


async def test_arrows_and_enter_go_from_field_to_field(build, known):
    async with build() as opened:
        await opened.type("epochs", "")
        await opened.press("down")
        assert opened.app.focused.id == "field-batch_size"
        await opened.press("enter")
        assert opened.app.focused.id == "field-repeats"
        await opened.press("up", "up", "up")
        assert opened.app.focused.id == "field-framework"


async def test_known_values_are_offered_and_several_may_be_taken(build, known):
    async with build() as opened:
        await opened.type("cache", "")
        await opened.press("enter")
        await opened.shows("space marks several", "□ true")
        await opened.press("space", "j", "space", "enter")
        await opened.shows("2 values", "4 runs")
        await opened.type("data", "")
        await opened.press("enter")
        await opened.shows("2 classes, 32 training images")
        await opened.press("enter")
        assert opened.app.screen.query_one("#field-data", Input).value == str(known)
        await opened.shows("4 runs")


async def test_a_setting_is_found_by_its_name_or_by_what_it_is_about(build, known):
    async with build() as opened:
        await opened.shows("demo  Synthetic")
        for words, field in (("learnrate", "field-learning_rate"), ("load images", "field-num_workers")):
            await opened.press("ctrl+p", *words)
            await opened.shows(f"{field.removeprefix('field-')}: go to its field")
            await opened.press("enter")
            await until(opened.pilot, lambda _, field=field: opened.app.focused and opened.app.focused.id == field)
            await opened.press("escape")


async def test_the_path_of_a_dataset_completes_while_it_is_typed(build, known):
    async with build() as opened:
        await opened.type("data", str(known)[:-2])
        await until(opened.pilot, lambda text: opened.app.focused._suggestion == str(known))
        await opened.press("right")
        assert opened.app.focused.value == str(known)


async def test_settings_that_contradict_each_other_in_a_duel_are_told(build, known):
    async with build() as opened:
        await opened.choose("parity")
        await opened.type("track", "best")
        await opened.shows("the track best keeps its images decoded anyway")


async def test_an_absurd_sweep_says_how_many_runs_it_is(build, known):
    async with build() as opened:
        entry = opened.app.screen.query_one("#field-batch_size", Input)
        entry.value = ",".join(map(str, range(1, 10_001)))
        await opened.shows("20,000 combinations: more than 1,000", "10,000 …")


async def test_what_is_typed_is_not_put_back_when_the_lists_are_read_meanwhile(build, known, monkeypatch):
    async with build() as opened:
        await opened.shows(str(known)[-10:])
        await opened.type("data", "")
        read = counted(monkeypatch, SourceList, "show")
        await opened.press("f5")
        await until(opened.pilot, lambda _: read)
        await opened.pilot.pause(0.3)
        assert opened.app.screen.query_one("#field-data", Input).value == ""
        await opened.type("epochs", "3")
        await opened.press("f5")
        await until(opened.pilot, lambda _: opened.app.screen.query_one("#field-data", Input).value == str(known))


async def test_a_dataset_that_is_not_there_is_told_while_one_types(build, known):
    async with build() as opened:
        await opened.type("data", "/nowhere")
        await opened.shows("2 runs  ✗ /nowhere: no such dataset directory")


async def test_an_environment_that_is_not_there_is_told_while_one_types(build, known):
    async with build() as opened:
        await opened.type("environment", "torch9")
        await opened.shows("environment=torch9: no environment of that name")


async def test_an_environment_that_comes_while_the_app_is_open_is_known_after_a_look(build, known, paths):
    async with build() as opened:
        await opened.type("environment", "default, torch9")
        await opened.shows("environment=torch9: no environment of that name")
        register("torch9", sys.executable, paths.environments)
        await opened.press("f5")
        await opened.shows("4 runs")


async def test_what_was_typed_is_there_again_and_can_be_undone(build, known):
    async with build() as opened:
        await opened.type("epochs", "7")
        await opened.type("repeats", "3")
        await opened.press("escape")
        await opened.choose("quick")
        assert opened.app.screen.query_one("#field-epochs", Input).value == ""
        assert opened.app.screen.query_one("#field-repeats", Input).value == "3"
        await opened.choose("demo")
        assert opened.app.screen.query_one("#field-epochs", Input).value == "7"
        await opened.press("u")
        await opened.shows("2 runs")
        assert opened.app.screen.query_one("#field-epochs", Input).value == ""


async def test_a_saved_preset_is_listed_chosen_and_the_same(build, known, paths):
    async with build() as opened:
        await opened.type("batch_size", "16, 32")
        await opened.press("escape")
        wanted = opened.outcome.rows
        await opened.press("w")
        await opened.shows("Save as preset", "demo-2")
        await opened.press(*"mine", "enter")
        await opened.shows("your presets", "mine  demo with batch_size 16, 32")
        assert opened.app.screen.query_one(SourceList).chosen == str(paths.user_presets / "mine.toml")
    saved = load_preset(paths.user_presets / "mine.toml")
    assert [row.resolved() for row in saved.rows] == [row.resolved() for row in wanted]


async def test_a_name_that_is_taken_or_is_none_is_not_saved_at_once(build, known, paths):
    paths.user_presets.mkdir(parents=True)
    own = paths.user_presets / "mine.toml"
    own.write_text('[[rows]]\nframework = "pytorch"\n')
    async with build() as opened:
        await opened.choose("mine")
        await opened.type("epochs", "5")
        await opened.press("escape", "w")
        await opened.shows("Save as preset")
        await opened.press(*"a/b", "enter")
        await opened.shows("not a name for a preset")
        await opened.press(*["backspace"] * 3, *"mine", "enter")
        await opened.shows("mine is one of your presets: enter overwrites it")
        assert "epochs" not in own.read_text()
        await opened.press("enter")
        await opened.shows("Saved")
    assert "epochs = 5" in own.read_text()


async def test_a_file_that_came_meanwhile_is_not_overwritten(build, known, paths):
    async with build() as opened:
        await opened.press("w")
        await opened.shows("Save as preset")
        paths.user_presets.mkdir(parents=True)
        (paths.user_presets / "demo-2.toml").write_text("# somebody else's\n")
        await opened.press("enter")
        await opened.shows("Not saved")
        # Where its line breaks depends on the length of the path in it.
        assert "there is a preset of that name" in str(opened.app.screen.query_one(Toast).render())
    assert (paths.user_presets / "demo-2.toml").read_text() == "# somebody else's\n"


async def test_paths_that_it_tells_of_cannot_command_the_terminal(build, known, paths, monkeypatch):
    monkeypatch.setattr("tfpt_tui.ui.build.screen.missing_frameworks", lambda _: ["install it with: /\x1b[2J"])
    odd = replace(paths, user_presets=paths.user_presets / "a\x1b[2Jb")
    async with build(where=odd) as opened:
        await opened.shows("install it with: /\\x1b[2J")
        await opened.press("w")
        await opened.shows("Save as preset")
        await opened.press("enter")
        await opened.shows("Saved")
        assert "a\\x1b[2Jb" in str(opened.app.screen.query_one(Toast).render())


async def test_a_recorded_run_is_a_start_too(build, over):
    async with build() as opened:
        await opened.press("G")
        await opened.shows(f"{over.runs[0].id}  a run of demo", "starts 1 run")
        await opened.type("epochs", "1, 2")
        await opened.shows("starts 2 runs")
        assert {row.resolved()["framework"] for row in opened.outcome.rows} == {"pytorch"}


async def test_a_run_whose_configuration_is_broken_is_told(build, over):
    over.runs[0].config.write_text("[[rows")
    async with build() as opened:
        await opened.press("G")
        await opened.shows("config.toml", "Fix the file")


async def test_broken_presets_are_named_and_read_again_when_mended(build, known, paths):
    paths.user_presets.mkdir(parents=True)
    broken = paths.user_presets / "broken.toml"
    broken.write_text('[[rows]]\nframework = "jax"\n')
    async with build() as opened:
        await opened.shows("! broken")
        sources = opened.app.screen.query_one(SourceList)
        sources.highlighted = sources.get_option_index(str(broken))
        await opened.shows("must be one of pytorch, tensorflow", "press F5 to reload")
        assert opened.app.screen.check_action("start", ()) is None
        broken.write_text('[[rows]]\nframework = "pytorch"\n')
        await opened.press("f5")
        await opened.shows("broken  1 row", "starts 1 run")


async def test_names_and_titles_from_anywhere_are_shown_harmlessly(build, known, paths):
    paths.user_presets.mkdir(parents=True)
    title = '[preset]\ntitle = "\\u001b[31m [bold]red"\n[[rows]]\nframework = "pytorch"\n'
    for name in ("a[b]\x1b[2J😀", "n" * 240):
        (paths.user_presets / f"{name}.toml").write_text(title)
    async with build() as opened:
        await opened.shows("a[b]\\x1b[2J😀", "nnnnnnnnnnnn")
        sources = opened.app.screen.query_one(SourceList)
        sources.highlighted = sources.get_option_index(str(paths.user_presets / "a[b]\x1b[2J😀.toml"))
        text = await opened.shows("\\x1b[31m [bold]red", "# tfpt-tui run 'a[b]\\x1b[2J😀'", 'name = "a[b]')
        assert "\x1b" not in text


async def test_the_filter_leaves_what_has_its_words(build, known):
    async with build() as opened:
        await opened.press("slash", *"swee")
        text = await opened.shows("batch-sweep", "workers-sweep")
        assert "demo  2 rows" not in text
        await opened.press("enter", "j")
        await opened.shows("Loading images with 0 workers")
        await opened.shows("Back")
        await opened.press("escape")
        await opened.shows("demo  2 rows", "Loading images with 0 workers")
        await until(opened.pilot, lambda text: "Back" not in text.splitlines()[-1])
        await opened.press("slash", *"zz")
        await opened.shows("nothing has these words")
        await opened.press("escape")
        await opened.shows("demo  2 rows")


async def test_all_is_read_once_and_again_when_one_comes_back_but_not_from_a_dialog(build, known, monkeypatch):
    names = ("read_summaries", "known_datasets", "paces_here")
    calls = [counted(monkeypatch, build_module, name) for name in names]
    async with build() as opened:
        await opened.shows("time not known")
        await look_into_help(opened.pilot)
        assert [len(one) for one in calls] == [1, 1, 1]
        await opened.press("3")
        await opened.shows("No runs yet")
        await opened.press("2")
        await opened.shows("demo  Synthetic")
        await asyncio.to_thread(wait_until, lambda: [len(one) for one in calls] == [2, 2, 2])


async def test_a_plan_is_started_once_and_followed(build, known, paths, fake_python):
    async with build(settings=load_settings(paths.settings)) as opened:
        await opened.type("epochs", "2")
        await opened.press("f9", "f9", "f9")
        await opened.shows("2 runs under way")
        assert isinstance(opened.app.screen, MonitorScreen)
        assert len(list_runs(paths)) == 2
        assert {read_config(run).epochs for run in list_runs(paths)} == {2}
        wait_until(lambda: all(status_of(run) not in ALIVE for run in list_runs(paths)), 60)


async def test_no_key_starts_what_was_chosen_before(build, known, monkeypatch):
    async with build() as opened:
        screen = opened.app.screen
        monkeypatch.setattr(screen, "_load", lambda source: None)
        await opened.press("j", "s", "w", "a")
        assert not screen.query_one(Summary).starting
        assert opened.app.screen is screen
        await opened.shows("demo  Synthetic", "■ 1 PyTorch")


async def test_a_plan_waits_behind_one_that_trains_and_says_so(build, known, paths, start):
    sweep = start("hangs", "completes")
    async with build(settings=load_settings(paths.settings)) as opened:
        await opened.shows(f"after 2 runs of sweep {sweep.id}")
        await opened.press("s")
        await opened.shows("2 runs wait for 2 runs of sweep")
        assert latest_sweep(paths).id != sweep.id
        sweep.runs[0].stop.touch()
        wait_until(lambda: all(status_of(run) not in ALIVE for run in list_runs(paths)), 60)


async def test_what_was_started_is_what_the_monitor_shows(build, known, paths, start):
    over = start("completes", "completes")
    wait_until(lambda: all(status_of(run) not in ALIVE for run in over.runs), 60)
    async with build(settings=load_settings(paths.settings)) as opened:
        await opened.press("3", "j", "k")
        monitor = opened.app.screen
        assert monitor.wanted.chosen == over.runs[-1].id
        await opened.press("2", "s")
        await opened.shows("2 runs under way")
        assert opened.app.screen is monitor
        assert monitor.wanted.chosen is None  # the live one
        wait_until(lambda: all(status_of(run) not in ALIVE for run in list_runs(paths)), 60)


async def test_a_plan_that_is_refused_says_why_and_starts_nothing(build, known, paths, fake_python):
    async with build(settings=load_settings(paths.settings)) as opened:
        await opened.type("device", "gpu:99")
        await opened.shows("starts 2 runs")
        await opened.press("f9")
        await opened.shows("Not started", "device=gpu:99")
        assert list_runs(paths) == []
        assert not opened.app.screen.query_one(Summary).starting


async def test_a_missing_framework_is_named_with_the_line_that_installs_it(build, known, monkeypatch):
    from tfpt_tui.environments import interpreters

    monkeypatch.setattr(interpreters, "_missing_here", list)
    async with build((80, 24)) as opened:
        await opened.shows("TensorFlow is not installed", "PyTorch is not installed")


async def test_runs_that_cannot_be_read_are_told(build, known, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/runs")

    async with build() as opened:
        monkeypatch.setattr("tfpt_tui.ui.build.screen.list_sources", refuse)
        await opened.press("f5")
        await opened.shows("Cannot read the runs", "Permission denied")


async def test_the_list_moves_by_letters_and_the_text_is_copied(build, known):
    async with build() as opened:
        await opened.press("j")
        await opened.shows("quick  One short epoch")
        await opened.press("G")
        await opened.shows("workers-sweep  Loading")
        await opened.press("g")
        await opened.shows("demo  Synthetic", 'name = "demo-2"')
        await opened.press("y")
        await opened.shows("copied")
        assert 'name = "demo-2"' in opened.app.clipboard


async def test_nothing_is_painted_while_nobody_types(build, known):
    async with build() as opened:
        await opened.shows("f9 starts", "(time not known)")
        await opened.app.workers.wait_for_complete()
        await opened.pilot.pause()
        painted = []
        opened.app.screen.query_one(Summary).render = lambda: painted.append(1) or ""
        opened.app.screen._ask_queue()
        await opened.app.workers.wait_for_complete()
        await opened.pilot.pause()
        assert painted == []


async def test_a_look_that_was_overtaken_changes_nothing(build, known):
    async with build() as opened:
        await opened.press("j")
        await opened.shows("quick  One short epoch")
        opened.app.screen.post_message(Read(0, [], {}, {}, ["old news"]))
        await opened.pilot.pause()
        text = await opened.shows("quick  One short epoch", "demo  2 rows")
        assert "old news" not in text


async def test_two_clicks_into_a_field_of_known_values_list_them(app):
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await shows(pilot, "track")
        await pilot.click("#field-track", times=2)
        await shows(pilot, "published", "parity", "esc")
        assert isinstance(app.screen, Pick)


async def test_the_fastest_settings_are_searched_for_where_a_dataset_is_named(build, known, monkeypatch):
    asked, found = [], [None]
    monkeypatch.setattr(background, "start", lambda command, arguments, paths: asked.append(arguments))
    monkeypatch.setattr(background, "latest", lambda command, paths: found[0])
    async with build((80, 24)) as opened:
        await opened.press("A")
        await opened.shows("The fastest settings of PyTorch and TensorFlow here", "for at most")
        await opened.press("x", "enter")
        await opened.shows("the time must be a time such as 90s, 10m or 1h")
        await opened.press("backspace", *"4m", "tab", "space")
        await opened.shows("▐x▌ try other batch sizes", "▐ ▌ try other precisions")
        found[0] = Background("PyTorch: race 1, 9 arms", running=True)
        await opened.press("enter")
        await opened.shows("advise: PyTorch: race 1, 9 arms")
        found[0] = Background("best-tiny.toml is kept", running=False)
        opened.app.screen._ask_queue()
        await opened.shows("best-tiny.toml is kept")
        assert not opened.app.screen.query_one(Summary).search
    assert asked == [[f"--data={known}", "--budget=4m", *asked[0][2:-1], "--vary=batch_size"]]


async def test_without_a_dataset_there_is_nothing_to_advise_on(build):
    async with build() as opened:
        await opened.press("A")
        await opened.shows("name a dataset first")
