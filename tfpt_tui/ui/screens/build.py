"""Build: choose a preset and a dataset, see what would run, and start it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import find_preset, preset_files
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.environments.interpreters import missing_frameworks
from tfpt_tui.errors import TfptError
from tfpt_tui.results.datasets import known_datasets
from tfpt_tui.results.presets import preset_table
from tfpt_tui.results.table import as_text
from tfpt_tui.runs.plan import make_plan
from tfpt_tui.runs.sweep import submit
from tfpt_tui.ui.keys import BUILD, bindings
from tfpt_tui.ui.widgets.title_bar import TitleBar


class BuildScreen(Screen[None]):
    CSS_PATH = "build.tcss"
    BINDINGS = bindings(BUILD)

    @dataclass
    class DatasetsFound(Message):
        datasets: dict[Path, Manifest]

    @dataclass
    class Started(Message):
        runs: int

    @dataclass
    class Refused(Message):
        reason: str

    def __init__(self, paths: Paths, settings: UserSettings) -> None:
        super().__init__()
        self._paths = paths
        self._settings = settings
        self._preset = ""
        self._datasets: list[str] = []

    def compose(self) -> ComposeResult:
        yield TitleBar(BUILD)
        with Horizontal():
            with Vertical(id="choices"):
                yield Label("Preset")
                yield OptionList(
                    *(Option(name, id=name) for name in preset_files(self._paths)), id="presets", compact=True
                )
                yield Label("Dataset")
                yield OptionList(id="datasets", compact=True, markup=False)
            with Vertical(id="plan"):
                yield Label("Dataset directory")
                yield Input(placeholder="choose one on the left, or type a path", id="data", compact=True)
                with VerticalScroll():
                    yield Static(id="rows", markup=False)
                yield Static(id="missing", markup=False)
        yield Footer(compact=True)

    def on_screen_resume(self) -> None:
        self._find_datasets()
        self.query_one("#missing", Static).update("\n".join(missing_frameworks(self._settings)))

    @work(thread=True, exclusive=True, group="datasets")
    def _find_datasets(self) -> None:
        self.post_message(self.DatasetsFound(known_datasets(self._paths)))

    @on(DatasetsFound)
    def _show_datasets(self, message: DatasetsFound) -> None:
        datasets = self.query_one("#datasets", OptionList)
        datasets.clear_options()
        self._datasets = [str(path) for path in message.datasets]
        for path, manifest in message.datasets.items():
            datasets.add_option(
                f"{path.name}  {len(manifest.classes)} classes, {manifest.total('train'):,} images"
            )
        data = self.query_one("#data", Input)
        if not data.value and self._datasets:
            data.value = self._datasets[0]

    @on(OptionList.OptionHighlighted, "#presets")
    def _choose_preset(self, event: OptionList.OptionHighlighted) -> None:
        self._preset = event.option_id or ""
        try:
            preset = find_preset(self._preset, self._paths)
            text = f"{preset.title}\n\n{as_text(preset_table(preset))}\n{len(preset.rows)} runs; s starts them"
        except TfptError as error:
            text = str(error)
        self.query_one("#rows", Static).update(text)

    @on(OptionList.OptionSelected, "#datasets")
    def _choose_dataset(self, event: OptionList.OptionSelected) -> None:
        self.query_one("#data", Input).value = self._datasets[event.option_index]

    @on(OptionList.OptionSelected, "#presets")
    def _start_selected(self) -> None:
        self.action_start()

    @on(Input.Submitted)
    def _start_submitted(self) -> None:
        self.action_start()

    def action_start(self) -> None:
        data = self.query_one("#data", Input).value.strip()
        if not data:
            self.notify("no dataset: make one as 1 Prepare shows, or type its directory", severity="error")
            return
        self._start(self._preset, data)

    @work(thread=True, exclusive=True, group="start")
    def _start(self, name: str, data: str) -> None:
        """Checking the plan looks at datasets, interpreters and GPUs: not on the event loop."""
        try:
            plan = make_plan(find_preset(name, self._paths), self._settings, data=str(Path(data).expanduser()))
            submit(plan, self._paths)
        except TfptError as error:
            self.post_message(self.Refused(str(error)))
        else:
            self.post_message(self.Started(len(plan.runs)))

    @on(Started)
    def _show_started(self, message: Started) -> None:
        self.notify(f"{message.runs} runs are under way")
        self.app.switch_mode("monitor")

    @on(Refused)
    def _show_refused(self, message: Refused) -> None:
        self.notify(message.reason, title="Not started", severity="error", timeout=15, markup=False)

    def action_cursor_down(self) -> None:
        self._list().action_cursor_down()

    def action_cursor_up(self) -> None:
        self._list().action_cursor_up()

    def _list(self) -> OptionList:
        datasets = self.query_one("#datasets", OptionList)
        return datasets if datasets.has_focus else self.query_one("#presets", OptionList)
