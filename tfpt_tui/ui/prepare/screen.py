"""Prepare: the datasets that are there on the left, the chosen one on the right; and how a new one is made."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.worker import get_current_worker

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import TfptError, printable
from tfpt_tui.results.store.datasets import Dataset, Usage, measure, show_bytes
from tfpt_tui.runs.record.lock import holder
from tfpt_tui.runs.tasks.preparation import Preparation, RecordedRequest, forget, start, stop
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.keys import PREPARE, bindings
from tfpt_tui.ui.polling import keep_polling
from tfpt_tui.ui.prepare import messages
from tfpt_tui.ui.prepare.contact_sheet import ContactSheet
from tfpt_tui.ui.prepare.dataset_list import DatasetList
from tfpt_tui.ui.prepare.datasets_snapshot import NEW, DatasetsPoller, DatasetsSnapshot, follow
from tfpt_tui.ui.prepare.form import PrepareForm
from tfpt_tui.ui.prepare.pages import DatasetPage, NewPage, PreparationPage
from tfpt_tui.ui.prepare.preview import Form, PreparePreview, read_preview
from tfpt_tui.ui.prepare.thumbnails import Grid, draw_sheet
from tfpt_tui.ui.widgets.key_line import KeyLine
from tfpt_tui.ui.widgets.main_screen import MainScreen
from tfpt_tui.ui.widgets.title_bar import TitleBar

POLL_S = 0.5
TYPING_S = 0.3  # somebody who types is not told of every letter
CHECKING = "checking ..."
TYPED_ON = "the fields have changed meanwhile; start it again"


class PrepareScreen(MainScreen):
    """A thread looks at the disk and posts the snapshot when it differs; other threads read what is chosen."""

    CSS_PATH = "screen.tcss"
    BINDINGS = bindings(PREPARE)
    AUTO_FOCUS = "#datasets"

    def __init__(self, paths: Paths, settings: UserSettings) -> None:
        super().__init__()
        self._paths = paths
        self._settings = settings
        self._away = True  # until it is seen, and while another screen is
        self._poll_now = threading.Event()
        self._snapshot = DatasetsSnapshot()
        self._chosen = ""
        self._awaited: Path | None = None  # where a preparation goes that was started and not seen yet
        self._shown: Dataset | Preparation | None = None
        self._prospect: PreparePreview | None = None
        self._checked: Form | None = None  # what is looked at to start it
        self._typing: Timer | None = None
        # By path and digest: what is read once is kept.
        self._usages: dict[tuple[object, ...], Usage] = {}
        self._sheets: dict[tuple[object, ...], tuple[Strip, ...]] = {}
        self._wanted_sheet: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield TitleBar(PREPARE)
        with Horizontal(id="body"):
            yield DatasetList(id="datasets")
            yield NewPage(id="new", classes="page")
            yield PreparationPage(id="preparation", classes="page")
            yield DatasetPage(id="dataset", classes="page")
        yield KeyLine()

    def on_mount(self) -> None:
        self._watch()

    def on_unmount(self) -> None:
        self._poll_now.set()  # to see that it is over

    def on_screen_resume(self) -> None:
        if self._away:
            self._away = False
            self._poll_now.set()
            self._preview(self.query_one(NewPage).form)

    def on_screen_suspend(self) -> None:
        self._away = self not in self.app.screen_stack  # a dialog only covers it

    @work(thread=True)
    def _watch(self) -> None:
        keep_polling(
            DatasetsPoller(self._paths).poll,
            lambda snapshot: self.post_message(messages.Polled(snapshot)),
            lambda problem: self.post_message(messages.Refused("Cannot read the datasets", problem)),
            lambda: self._away,
            self._poll_now,
            POLL_S,
        )

    @on(messages.Polled)
    def _show_snapshot(self, message: messages.Polled) -> None:
        followed = follow(self._chosen, self._snapshot, message.snapshot, self._awaited)
        if self._snapshot.entries and list(message.snapshot.entries) != list(self._snapshot.entries):
            self._preview(self.query_one(NewPage).form)  # what is there now decides over what can be made
        self._snapshot, self._chosen = message.snapshot, followed.entry
        if self._chosen in message.snapshot.entries:
            self._awaited = None
        if followed.note:
            self.notify(
                printable(followed.note), severity="warning" if followed.lost else "information", markup=False
            )
        with self.prevent(OptionList.OptionHighlighted):
            self.query_one(DatasetList).show(message.snapshot, self._chosen)
        self._show_chosen()

    @on(OptionList.OptionHighlighted, "#datasets")
    def _choose(self, event: OptionList.OptionHighlighted) -> None:
        self._chosen = event.option_id or NEW
        self._awaited = None
        self._show_chosen()

    @on(OptionList.OptionSelected, "#datasets")
    def _open(self) -> None:
        """The first field of the form, or the page, to scroll in it."""
        page = "#source" if self._chosen == NEW else f"#{self._chosen.partition(' ')[0]}"
        self.query_one(page).focus()

    def _show_chosen(self) -> None:
        found = self._snapshot.entries.get(self._chosen)
        if found is None and self._chosen != NEW:
            return  # a preparation that has just been started
        before, self._shown = self._shown, found
        kind = self._chosen.partition(" ")[0]
        for name in ("new", "dataset", "preparation"):
            self.set_class(name == kind, f"-of-{name}")
        if kind != "dataset":
            self.remove_class("-sheet")
        if found != before or kind == NEW:
            self.call_after_refresh(self._show_page)
        if _keys_of(before) != _keys_of(found) or kind == NEW:
            self.refresh_bindings()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_page)

    def _show_page(self) -> None:
        if isinstance(self._shown, Dataset):
            self._show_dataset(self._shown)
        elif self._shown:
            self.query_one(PreparationPage).show(self._shown, self._columns())
        else:
            self._show_new()

    def _show_new(self) -> None:
        if self._checked:
            self.query_one("#previewed", Static).update(CHECKING)
        elif self._prospect:
            self.query_one(NewPage).show(self._prospect, self._columns())

    def _columns(self) -> int:
        """The width of what is shown on the right, a scrollbar left out."""
        return self.size.width - self.query_one(DatasetList).outer_size.width - 3

    def _show_dataset(self, dataset: Dataset) -> None:
        usage = self._usages.get(dataset.key)
        self.query_one(DatasetPage).show(dataset, usage, self._columns())
        if dataset.manifest:
            if usage is None:
                self._measure(dataset)
            self._show_pictures(dataset)

    def _show_pictures(self, dataset: Dataset) -> None:
        grid = self.query_one(DatasetPage).room_for_pictures()
        if grid:
            key = self._wanted_sheet = (*dataset.key, grid)
            self.query_one(ContactSheet).show(self._sheets.get(key, ()))
            if key not in self._sheets:
                self._draw(dataset, grid, key)

    @on(ContactSheet.Resized)
    def _fit_pictures(self) -> None:
        if isinstance(self._shown, Dataset) and self._shown.manifest:
            self._show_pictures(self._shown)

    @work(thread=True, exclusive=True, group="usage")
    def _measure(self, dataset: Dataset) -> None:
        worker = get_current_worker()
        try:
            usage = measure(dataset.path, lambda: worker.is_cancelled)
        except OSError as error:
            self.post_message(messages.Refused("Cannot read the dataset", str(error)))
            return
        if not worker.is_cancelled:
            self.post_message(messages.Measured(dataset.path, usage))

    @on(messages.Measured)
    def _show_usage(self, message: messages.Measured) -> None:
        if isinstance(self._shown, Dataset) and self._shown.path == message.path:
            self._usages[self._shown.key] = message.usage
            self.query_one(DatasetPage).show_facts(self._shown, message.usage, self._columns())

    @work(thread=True, exclusive=True, group="sheet")
    def _draw(self, dataset: Dataset, grid: Grid, key: tuple[object, ...]) -> None:
        if dataset.manifest:
            self.post_message(messages.Drawn(key, draw_sheet(dataset.path, dataset.manifest, grid)))

    @on(messages.Drawn)
    def _show_drawn(self, message: messages.Drawn) -> None:
        self._sheets[message.key] = message.strips
        if isinstance(self._shown, Dataset) and message.key == self._wanted_sheet:
            self.query_one(ContactSheet).show(message.strips)

    def _preparation(self, *, over: bool) -> Preparation | None:
        """The one that is shown, if it is over, or if it is not."""
        shown = self._shown
        return shown if isinstance(shown, Preparation) and (shown.status != "running") == over else None

    @work
    async def action_stop(self) -> None:
        one = self._preparation(over=False)
        if one is None:
            return
        question = f"Stop preparing {printable(one.request.out.name)}? What is made stays, and it can be resumed."
        if await self.app.push_screen_wait(Confirm(question, {"s": "Stop it", "c": "Cancel"})) == "s":
            stop(one)
            self._poll_now.set()

    def action_forget(self) -> None:
        if one := self._preparation(over=True):
            forget(one)
            self._chosen = NEW
            self._poll_now.set()

    @on(PrepareForm.Changed)
    def _change(self, message: PrepareForm.Changed) -> None:
        if self._typing:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, lambda: self._preview(message.form))
        self.query_one(PrepareForm).show_default(str(self._paths.datasets / message.form.name()))

    def _preview(self, form: Form, start: bool = False) -> None:
        """A start has a group of its own: no look at what is typed takes its place."""
        group = "start" if start else "previewed"
        self.run_worker(partial(self._look_ahead, form, start), thread=True, exclusive=True, group=group)

    def _look_ahead(self, form: Form, start: bool) -> None:
        worker = get_current_worker()
        previewed = read_preview(form, self._settings, self._paths, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self.post_message(messages.Previewed(form, previewed, start))

    @on(messages.Previewed)
    def _show_prospect(self, message: messages.Previewed) -> None:
        typed_on = message.form != self.query_one(NewPage).form
        if not typed_on and message.previewed != self._prospect:
            self._prospect = message.previewed
            self._show_new()
            self.refresh_bindings()
        if message.start and message.form == self._checked:
            self._checked = None
            self._show_new()
            self._begin_or_refuse(message.previewed, typed_on)

    def _begin_or_refuse(self, previewed: PreparePreview, typed_on: bool) -> None:
        if previewed.startable and not typed_on:
            self._begin(previewed.request, previewed.preview.training, previewed.preview.to_fetch)
            return
        reason = previewed.preview.problem or previewed.missing or "it is there already: choose it on the left"
        self._tell_refused(messages.Refused("Not started", TYPED_ON if typed_on else reason))

    @on(Input.Submitted)
    def action_start(self) -> None:
        if self._chosen == NEW:
            self._check(self.query_one(NewPage).form)
        elif one := self._preparation(over=True):
            self._begin(one.request, holder())

    def _check(self, form: Form) -> None:
        """Look whether it can start, and start it."""
        if form == self._checked:
            return
        if self._typing:
            self._typing.stop()  # it would look at the same
        self._checked = form
        self._show_new()
        self._preview(form, start=True)

    @work
    async def _begin(self, request: RecordedRequest, training: str, to_fetch: int = 0) -> None:
        """Start it, once it is wanted where it costs something: enter in a field is soon pressed."""
        reasons = [f"{training} trains on this machine now. Preparing would disturb what it measures."] * bool(
            training
        )
        reasons += [f"{show_bytes(to_fetch)} are fetched from the network first."] * bool(to_fetch)
        if reasons:
            answers = {"s": "Start anyway" if training else "Start", "c": "Cancel"}
            if await self.app.push_screen_wait(Confirm(" ".join(reasons), answers), mode="prepare") != "s":
                return
        self._launch(request)

    @work(thread=True, exclusive=True, group="launch")
    def _launch(self, request: RecordedRequest) -> None:
        try:
            path = start(request, self._paths)
        except TfptError as error:
            self.post_message(messages.Refused("Not started", str(error)))
        else:
            self.post_message(messages.Started(path.name, request.out))

    @on(messages.Started)
    def _show_started(self, message: messages.Started) -> None:
        self._chosen = f"preparation {message.id}"
        self._awaited = message.out
        self.query_one(PrepareForm).begin_anew()
        self.query_one(DatasetList).focus()
        self._poll_now.set()

    @on(messages.Refused)
    def _tell_refused(self, message: messages.Refused) -> None:
        self.notify(printable(message.reason), title=message.title, severity="error", timeout=15, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        over = self._preparation(over=True) is not None
        allowed = {
            "start": over or self._chosen == NEW,
            "forget": over,
            "stop": self._preparation(over=False) is not None,
            "sheet": isinstance(self._shown, Dataset) and self._shown.manifest is not None,
            "field": not isinstance(self.focused, DatasetList) or self.has_class("-sheet"),
        }
        return allowed.get(action, True)

    def action_rescan(self) -> None:
        self._usages.clear()
        self._sheets.clear()
        self._shown = None
        self._poll_now.set()

    def action_new(self) -> None:
        self.query_one(DatasetList).highlighted = 0
        self.query_one("#source").focus()

    def action_sheet(self) -> None:
        self.toggle_class("-sheet")
        self.refresh_bindings()

    def action_copy(self) -> None:
        shown = self._shown
        if shown:
            text = str(shown.request.out if isinstance(shown, Preparation) else shown.path)
        else:
            text = self._prospect.command if self._prospect else ""
        self.copy(text)
        self.notify(f"{printable(text)}\n(copied, if the terminal supports OSC 52)", title="Copied", markup=False)

    def action_field(self) -> None:
        """From a field, a page or large pictures, back to the list."""
        self.remove_class("-sheet")
        self.query_one(DatasetList).focus()

    def action_cursor_down(self) -> None:
        self._move("scroll_down", "cursor_down")

    def action_cursor_up(self) -> None:
        self._move("scroll_up", "cursor_up")

    def action_first(self) -> None:
        self._move("scroll_home", "first")

    def action_last(self) -> None:
        self._move("scroll_end", "last")

    def _move(self, page: str, entries: str) -> None:
        """In the page that has the focus, else in the list."""
        if isinstance(self.focused, VerticalScroll):
            getattr(self.focused, f"action_{page}")()
        else:
            getattr(self.query_one(DatasetList), f"action_{entries}")()


def _keys_of(shown: Dataset | Preparation | None) -> object:
    """What the keys depend on."""
    return shown.status if isinstance(shown, Preparation) else shown and bool(shown.manifest)
