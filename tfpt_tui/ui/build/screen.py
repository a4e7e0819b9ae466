"""Build: choose where a plan starts, change its settings, see what would run, and start it or keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import OptionList, Static

from tfpt_tui.config.machines import find_machines
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.writing import save_preset, suggest_name
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.environments.interpreters import missing_frameworks
from tfpt_tui.environments.registry import named_interpreters
from tfpt_tui.errors import TfptError, printable
from tfpt_tui.results.requests.duration import Pace, paces_here
from tfpt_tui.results.store.datasets import known_datasets
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.results.store.plan_sources import OWN, RECORDED, Source, list_sources
from tfpt_tui.runs.plan.draft import FIELDS, Draft, Outcome, look_at, plan_of, takes_many
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.supervision.queue import describe_start, waits_for
from tfpt_tui.runs.supervision.submit import submit
from tfpt_tui.runs.tasks import background
from tfpt_tui.runs.tasks.background import ADVISE, advise_arguments
from tfpt_tui.ui.build import messages, text
from tfpt_tui.ui.build.advise import Advise
from tfpt_tui.ui.build.draft_editor import DraftEditor
from tfpt_tui.ui.build.draft_form import DraftForm
from tfpt_tui.ui.build.drafts import Drafts
from tfpt_tui.ui.build.file_preview import Preview
from tfpt_tui.ui.build.find_setting import SettingFinder
from tfpt_tui.ui.build.pick import Pick
from tfpt_tui.ui.build.plan_preview import file_of, look_up
from tfpt_tui.ui.build.row_list import RowList
from tfpt_tui.ui.build.save_preset import SavePreset
from tfpt_tui.ui.build.source_list import SourceList, SourcePane
from tfpt_tui.ui.build.summary import Summary
from tfpt_tui.ui.keys import BUILD, bindings
from tfpt_tui.ui.widgets.key_line import KeyLine
from tfpt_tui.ui.widgets.main_screen import MainScreen
from tfpt_tui.ui.widgets.title_bar import TitleBar

# Nobody reads a preview between two letters.
TYPING_S = 0.2
QUEUE_S = 5.0
READING = "reading presets, runs and datasets"


class BuildScreen(MainScreen):
    """The draft is the state: every key and letter makes a new one, and what is shown follows from it."""

    COMMANDS: ClassVar = {SettingFinder}
    AUTO_FOCUS = "#sources"
    CSS_PATH = "screen.tcss"
    BINDINGS = bindings(BUILD)

    def __init__(self, paths: Paths, settings: UserSettings) -> None:
        super().__init__(classes="-closed")
        self._paths = paths
        self._away = True  # until it is seen, and while another screen is
        self._settings = settings
        self._source: Source | None = None
        self._draft: Draft | None = None
        self._shown: Path | None = None  # the file that the draft began with
        self._drafts = Drafts()
        self._outcome: Outcome | None = None
        self._paces: Sequence[Pace] | None = None
        self._datasets: Mapping[Path, Manifest] = {}
        self._reads = 0
        self._typing: Timer | None = None
        self._queue: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar(BUILD)
        with Horizontal():
            yield SourcePane(id="left")
            with Vertical(id="plan"):
                yield Static(READING, id="closed", markup=False)
                yield Static(id="missing", markup=False)
                yield Summary(id="summary", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        self._queue = self.set_interval(QUEUE_S, self._ask_queue, pause=True)

    def on_screen_resume(self) -> None:
        if self._away:
            self._away = False
            self.action_rescan()
            self._ask_queue()
            if self._queue:
                self._queue.resume()

    def on_screen_suspend(self) -> None:
        self._away = self not in self.app.screen_stack  # a dialog only covers it
        if self._away and self._queue:
            self._queue.pause()

    # What is read, each in a thread.

    def action_rescan(self) -> None:
        self._reads += 1
        self._read(self._reads)

    @work(thread=True, exclusive=True, group="read")
    def _read(self, number: int) -> None:
        """The list comes first; the paces take longer, as they ask the GPU's driver which machine this is."""
        missing = missing_frameworks(self._settings)
        try:
            summaries = read_summaries(self._paths)
            sources = list_sources(self._paths, summaries)
            environments = named_interpreters(self._paths.environments)
            self.post_message(messages.Read(number, sources, known_datasets(self._paths), environments, missing))
            self.post_message(messages.Paced(paces_here(summaries)))
        except (OSError, TfptError) as error:
            self.post_message(messages.Refused("Cannot read the runs", str(error)))
            self.post_message(messages.Paced(()))

    @work(thread=True, exclusive=True, group="load")
    def _load(self, source: Source) -> None:
        try:
            self.post_message(messages.Loaded(source, load_preset(source.path)))
        except TfptError as error:
            self.post_message(messages.Loaded(source, None, str(error)))

    @work(thread=True, exclusive=True, group="look")
    def _look(self, draft: Draft, outcome: Outcome, name: str, paces: Sequence[Pace]) -> None:
        self.post_message(messages.Looked(draft, look_up(draft, outcome, name, paces, self._settings)))

    @work(thread=True, exclusive=True, group="queue")
    def _ask_queue(self) -> None:
        with suppress(OSError, TfptError):  # the list says so
            self.post_message(messages.Waits(waits_for(self._paths), background.latest(ADVISE, self._paths)))

    @work(thread=True, exclusive=True, group="start")
    def _start(self, draft: Draft, outcome: Outcome) -> None:
        """Checking the plan looks at datasets, interpreters and GPUs."""
        try:
            plan = plan_of(draft, outcome)
            if outcome.elsewhere:
                started = self._begin_elsewhere(plan, outcome)
            else:
                waiting = waits_for(self._paths)
                submit(plan, self._settings, self._paths)
                started = describe_start(len(plan.runs), waiting)
        except TfptError as error:
            self.post_message(messages.NotStarted(str(error)))
        else:
            self.post_message(messages.Started(started))

    def _begin_elsewhere(self, plan: Plan, outcome: Outcome) -> str:
        """Begin the plan on other machines; returns what has become of it, in words."""
        from tfpt_tui.machines.submission import begin

        machines = find_machines(",".join(outcome.on), self._settings.machines)
        begin(plan, machines, outcome.provide, self._settings, self._paths, self._tell_from_a_thread)
        return f"{describe_start(len(plan.runs) * len(machines), '')} on {', '.join(outcome.on)}"

    def _tell_from_a_thread(self, line: str) -> None:
        self.post_message(messages.Told(line))

    @work(thread=True, exclusive=True, group="search")
    def _search(self, arguments: Sequence[str]) -> None:
        try:
            background.start(ADVISE, arguments, self._paths)
        except TfptError as error:
            self.post_message(messages.Refused("Not started", str(error)))
        else:
            self.post_message(messages.Searching())

    @work(thread=True, exclusive=True, group="save")
    def _save(self, name: str, document: str, overwrite: bool) -> None:
        try:
            self.post_message(messages.Saved(save_preset(name, document, self._paths, overwrite=overwrite)))
        except TfptError as error:
            self.post_message(messages.Refused("Not saved", str(error)))

    # What came of it.

    @on(messages.Read)
    def _show_read(self, message: messages.Read) -> None:
        if message.number != self._reads:
            return  # it was overtaken, and may not have what was saved since
        self._datasets = message.datasets
        self._settings = replace(self._settings, environments=message.environments)
        self._drafts.know(message.datasets)
        self.query_one(Summary).lacks_datasets = not message.datasets
        missing = self.query_one("#missing", Static)
        missing.update("\n".join(map(printable, message.missing)))
        missing.set_class(bool(message.missing), "-shown")
        sources = self.query_one(SourceList)
        with self.prevent(OptionList.OptionHighlighted):
            sources.show(message.sources, self._source.path if self._source else None)
        self._open(sources.find(sources.chosen))

    @on(messages.Paced)
    def _show_paces(self, message: messages.Paced) -> None:
        self._paces = message.paces
        self._look_soon()

    @on(OptionList.OptionHighlighted, "#sources")
    def _choose(self, event: OptionList.OptionHighlighted) -> None:
        self._open(self.query_one(SourceList).find(event.option_id))

    def _open(self, source: Source | None) -> None:
        if not source:
            return
        self._source = source
        self._load(source)

    @on(messages.Loaded)
    async def _show_loaded(self, message: messages.Loaded) -> None:
        """The form of a hundred widgets is made when there is something to fill in: the list is shown before."""
        if not self.query(DraftEditor):
            hidden = () if self._settings.machines else text.ELSEWHERE
            await self.query_one("#plan").mount_all([DraftEditor(hidden, id="editor")], before="#closed")
        if message.source != self._source or not self.query(DraftForm):  # or the app is being closed
            return
        preset = message.preset
        self.set_class(preset is None, "-closed")
        if preset is None:
            self._draft = self._outcome = self._shown = None
            self._show_state()
            problem = f"{printable(message.reason)}\n\nFix the file, then press F5 to reload."
            self.query_one("#closed", Static).update(problem)
            return
        draft, typing = self._drafts.open(message.source.path, preset), ""
        if self._draft and self._ready and self._draft.preset == preset:
            typing = self.query_one(DraftForm).focused_key
            typed = self._draft.texts.get(typing, "")
            draft = draft.type(typing, typed) if draft.texts.get(typing, "") != typed else draft
        if draft != self._draft or not self._ready:
            self._put(draft, typing)

    @property
    def _ready(self) -> bool:
        """Whether the draft is that of the chosen source: no key may start what was chosen before."""
        return self._source is not None and self._source.path == self._shown

    def _put(self, draft: Draft, typing: str = "") -> None:
        """Show a draft that comes from elsewhere than the form, where a field may be typed into just now."""
        self._shown = self._source.path if self._source else None
        self.query_one(DraftForm).fill(draft, but=typing)
        self._change(draft)

    def _change(self, draft: Draft) -> None:
        """Show what the draft amounts to."""
        if not self._source or not self._ready:
            return
        self._draft, self._outcome = draft, look_at(draft)
        self._drafts.keep(self._source.path, draft)
        self.query_one(DraftEditor).show(self._source, draft, self._outcome)
        self._show_state()
        self._look_soon()

    def _show_state(self) -> None:
        """Whether it can be started, and when; the footer is made anew only when a key comes or goes."""
        summary = self.query_one(Summary)
        before, summary.outcome, summary.preview = summary.outcome, self._outcome, None
        if _keys_of(before) != _keys_of(self._outcome):
            self.refresh_bindings()

    def _look_soon(self) -> None:
        if self._typing:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._look_now)

    def _look_now(self) -> None:
        if self._draft and self._outcome and self._paces is not None:
            self._look(self._draft, self._outcome, self._kept_as(), self._paces)

    @on(messages.Looked)
    def _show_looked(self, message: messages.Looked) -> None:
        if message.draft is self._draft:
            self.query_one(Preview).show(message.preview.text)
            self.query_one(Summary).preview = message.preview

    @on(messages.Waits)
    def _show_waits(self, message: messages.Waits) -> None:
        summary, search = self.query_one(Summary), message.search
        summary.waiting = message.waiting
        if summary.search and search and not search.running:
            self.notify(printable(search.line), title="Advise", timeout=15, markup=False)
            self.action_rescan()
        summary.search = (search.line or text.SEARCH_BEGINS) if search and search.running else ""

    @on(messages.Searching)
    def _show_searching(self) -> None:
        self.notify(text.SEARCHES, title="Advise", markup=False)
        self._ask_queue()

    @on(messages.Started)
    async def _show_started(self, message: messages.Started) -> None:
        self.query_one(Summary).starting = False
        self.notify(printable(message.what), markup=False)
        if self.is_current:  # the user may have gone elsewhere meanwhile
            await self.app.switch_mode("monitor")
            await self.app.run_action("screen.follow")

    @on(messages.Told)
    def _show_told(self, message: messages.Told) -> None:
        self.notify(printable(message.line), markup=False)

    @on(messages.NotStarted)
    def _show_not_started(self, message: messages.NotStarted) -> None:
        self.query_one(Summary).starting = False
        self._show_refused(messages.Refused("Not started", message.reason))

    @on(messages.Saved)
    def _show_saved(self, message: messages.Saved) -> None:
        self.notify(printable(str(message.path)), title="Saved", markup=False)
        self._source = Source(OWN, message.path.stem, message.path)
        self.query_one(SourcePane).show_all()
        self.action_rescan()

    @on(messages.Refused)
    def _show_refused(self, message: messages.Refused) -> None:
        reason = printable(message.reason)
        self.notify(reason, title=message.title, severity="error", timeout=15, markup=False)

    # What the user does.

    @on(DraftForm.Typed)
    def _type(self, event: DraftForm.Typed) -> None:
        if self._draft and self._draft.texts.get(event.key, "") != event.text:
            self._change(self._draft.type(event.key, event.text))

    @on(DraftForm.Listed)
    @work
    async def _list_values(self, event: DraftForm.Listed) -> None:
        known = self._datasets, self._settings.environments, self._settings.machines
        values = text.known_values(event.key, *known)
        if not self._draft or not values:
            return
        many, typed, shown = takes_many(FIELDS[event.key]), self._draft.texts.get(event.key, ""), self._shown
        picked = await self.app.push_screen_wait(Pick(event.key, values, typed, many))
        if picked is not None and self._draft and self._shown == shown:  # it may be read anew meanwhile
            self._put(self._draft.type(event.key, picked))

    @on(OptionList.OptionSelected, "#sources")
    def _go_to_form(self) -> None:
        if self._draft:
            self.remove_class("-preview")
            self.query_one(DraftForm).enter()

    @on(OptionList.OptionSelected, "#rows")
    def action_select(self) -> None:
        rows = self.query_one(RowList)
        if self._draft and rows.highlighted is not None:
            self._change(self._draft.choose(self._draft.chosen ^ {rows.highlighted}))

    def action_select_all(self) -> None:
        if self._draft:
            every = range(len(self._draft.preset.rows))
            self._change(self._draft.choose(() if len(self._draft.chosen) == len(every) else every))

    def action_reset(self) -> None:
        if self._draft:
            self._put(self._drafts.fresh(self._draft.preset))

    def action_start(self) -> None:
        summary = self.query_one(Summary)
        draft, outcome = self._draft, self._outcome
        if self._ready and draft and outcome and not outcome.problem and not summary.starting:
            summary.starting = True
            self._start(draft, outcome)

    @work
    async def action_advise(self) -> None:
        flaw = self._outcome.flaw if self._outcome else ""
        rows = self._outcome.rows if self._ready and self._outcome and not flaw else ()
        if flaw:
            self._show_refused(messages.Refused("Advise", flaw))
            return
        if not rows or not rows[0].resolved()["data"]:
            self._show_refused(messages.Refused("Advise", text.NO_DATA_TO_ADVISE_ON))
            return
        frameworks = {str(row.settings["framework"]) for row in rows}
        request = await self.app.push_screen_wait(Advise(str(rows[0].resolved()["data"]), frameworks))
        if request is not None:
            self._search(advise_arguments(rows[0], frameworks, request.budget, request.extras))

    @work
    async def action_save(self) -> None:
        draft, outcome = self._draft, self._outcome
        if not draft or not outcome or outcome.flaw or not self._ready:
            return
        groups = self._groups()  # as the user is asked: what comes meanwhile is not overwritten
        name = await self.app.push_screen_wait(SavePreset(self._kept_as(), groups))
        if name is not None:
            self._save(name, file_of(draft, outcome, name), name in groups)

    def _kept_as(self) -> str:
        """Under which name: that of the own preset that the draft comes from, else a new one."""
        if self._source and self._source.group == OWN:
            return self._source.name
        return suggest_name(self._draft.preset.name if self._draft else "", self._groups())

    def _groups(self) -> dict[str, str]:
        """Of the presets that there are, by name."""
        sources = self.query_one(SourceList).sources
        return {source.name: source.group for source in sources if source.group != RECORDED}

    def action_preview(self) -> None:
        self.toggle_class("-preview")
        self.query_one("#preview" if self.has_class("-preview") else "#sources").focus()

    def action_copy(self) -> None:
        if self._draft and self._outcome and not self._outcome.flaw:
            self.copy(file_of(self._draft, self._outcome, self._kept_as()))
            self.notify("copied, if the terminal supports OSC 52", title="TOML")

    def action_filter(self) -> None:
        self.query_one(SourcePane).ask()

    def action_back(self) -> None:
        """To the list on the left; from there or from the filter, to all of it."""
        sources = self.query_one(SourceList)
        if sources.has_focus or (self.focused and self.focused.id == "filter"):
            self.query_one(SourcePane).show_all()
        self.remove_class("-preview")
        sources.focus()
        self.refresh_bindings()  # the filter may be gone, and with it the way back

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "start":
            return None if not self._outcome or self._outcome.problem else True
        if action == "save":
            return None if not self._outcome or self._outcome.flaw else True
        if action == "back":
            return not isinstance(self.focused, SourceList) or self.query_one(SourcePane).filtered
        if action == "select":
            return isinstance(self.focused, RowList)
        if action in ("select_all", "preview", "copy", "advise"):
            return self._draft is not None
        if action == "reset":
            return self._draft is not None and self._draft != self._drafts.fresh(self._draft.preset)
        return True

    def action_cursor_down(self) -> None:
        self._pane().action_cursor_down()

    def action_cursor_up(self) -> None:
        self._pane().action_cursor_up()

    def action_top(self) -> None:
        self._pane().action_first()

    def action_bottom(self) -> None:
        self._pane().action_last()

    def _pane(self) -> OptionList | Preview:
        """The list or text that keys move in."""
        focused = self.focused
        return focused if isinstance(focused, OptionList | Preview) else self.query_one(SourceList)


def _keys_of(outcome: Outcome | None) -> tuple[bool, bool, bool]:
    """What the keys in the footer depend on: whether there is a draft, and what it is fit for."""
    return outcome is None, bool(outcome and outcome.problem), bool(outcome and outcome.flaw)
