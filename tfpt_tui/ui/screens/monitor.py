"""Monitor: the runs on the left, the chosen one on the right, live or recorded."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.worker import get_current_worker

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.interpreters import missing_frameworks
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.directory import RunDirectory
from tfpt_tui.ui.keys import MONITOR, bindings
from tfpt_tui.ui.plot import Series, time_axis
from tfpt_tui.ui.screens.confirm import Confirm
from tfpt_tui.ui.screens.details import Details
from tfpt_tui.ui.theme import FRAMEWORK_COLOURS
from tfpt_tui.ui.watch import RunView, Snapshot, Watcher
from tfpt_tui.ui.widgets import describe
from tfpt_tui.ui.widgets.chart import Chart
from tfpt_tui.ui.widgets.live import Live
from tfpt_tui.ui.widgets.run_list import RunList
from tfpt_tui.ui.widgets.title_bar import TitleBar

EMPTY = "No runs yet.\n\nPress 2 to choose what to run, or leave and try: tfpt-tui demo"


class MonitorScreen(Screen[None]):
    """A thread looks at the files and posts a snapshot when it differs; one handler shows it."""

    CSS_PATH = "monitor.tcss"
    BINDINGS = bindings(MONITOR)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 - as Textual declares it
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]

    snapshot: var[Snapshot | None] = var(None, init=False)
    # The run that the user chose; None follows the live one.
    chosen: var[str | None] = var(None, init=False)

    @dataclass
    class Seen(Message):
        """The files have changed."""

        snapshot: Snapshot

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MonitorScreen.Seen)

    @dataclass
    class Unreadable(Message):
        """The file system refused to show the files."""

        reason: str

    def __init__(self, paths: Paths, settings: UserSettings) -> None:
        super().__init__()
        self._paths = paths
        self._settings = settings
        self._look_now = threading.Event()
        self._wanted: str | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar(MONITOR)
        with Horizontal(id="body"):
            yield RunList(id="runs")
            with Vertical(id="run"):
                yield Live(id="headline")
                yield Live(id="progress")
                yield Live(id="outcome")
                with Horizontal(id="charts", classes="charts"):
                    yield Chart("train loss", id="loss")
                    yield Chart("train accuracy", (0.0, 1.0), id="accuracy")
                with Horizontal(id="courses", classes="charts"):
                    yield Chart("images/s by seconds", id="rates")
                    yield Chart("CPU % by seconds", (0.0, 100.0), id="loads")
                yield Live(id="hardware")
                yield Live(id="log")
            yield Static(EMPTY, id="empty")
        yield Footer(compact=True)

    def on_screen_resume(self) -> None:
        self._watch()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "watch")
        self._look_now.set()

    @work(thread=True, exclusive=True, group="watch")
    def _watch(self) -> None:
        """Look at the files as often as the screen is to be painted, and tell what has changed."""
        worker = get_current_worker()
        watcher = Watcher(self._paths)
        shown: Snapshot | None = None
        problem = ""
        while not worker.is_cancelled:
            try:
                snapshot, problem = watcher.look(self._wanted), ""
            except OSError as error:
                # A file system that hiccups must not end the viewer: say it once and look again.
                if problem != str(error):
                    problem = str(error)
                    self.post_message(self.Unreadable(problem))
            else:
                if snapshot != shown:
                    shown = snapshot
                    self.post_message(self.Seen(snapshot))
            self._look_now.wait(1 / self._settings.refresh_hz)
            self._look_now.clear()

    @on(Seen)
    def _show_snapshot(self, message: Seen) -> None:
        self.snapshot = message.snapshot

    @on(Unreadable)
    def _tell_unreadable(self, message: Unreadable) -> None:
        self.notify(message.reason, title="Cannot read the runs", severity="error", markup=False)

    def watch_chosen(self, chosen: str | None) -> None:
        self._wanted = chosen
        self._look_now.set()

    def watch_snapshot(self, before: Snapshot | None, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        self.set_class(not snapshot.runs, "-empty")
        if not snapshot.runs:
            self._show_empty()
            return
        view = snapshot.view
        with self.prevent(OptionList.OptionHighlighted):
            self.query_one(RunList).show(snapshot.runs, view.id if view else None)
        if view:
            self._show_run(view)
        if _keys_of(before) != _keys_of(snapshot):
            self.refresh_bindings()  # it makes the footer anew: only when a key comes or goes

    @on(OptionList.OptionHighlighted, "#runs")
    def _choose(self, event: OptionList.OptionHighlighted) -> None:
        self.chosen = event.option_id

    @on(OptionList.OptionSelected, "#runs")
    def _open(self) -> None:
        self.action_details()

    def on_resize(self) -> None:
        if self.snapshot and self.snapshot.view:
            self.call_after_refresh(self._show_run, self.snapshot.view)

    def _show_run(self, view: RunView) -> None:
        columns = self.query_one("#run").content_size.width
        self.query_one("#headline", Live).show(describe.headline(view))
        self.query_one("#progress", Live).show(describe.progress(view, columns))
        self.query_one("#outcome", Live).show(describe.outcome(view))
        self._show_hardware(view)
        self.set_class(view.error is not None, "-error")
        log = self.query_one("#log", Live)
        log.show(Content("\n".join(view.log[-max(1, log.content_size.height) :]) or "the log is empty"))
        self._show_charts(view)

    def _show_hardware(self, view: RunView) -> None:
        hardware = self.query_one("#hardware", Live)
        lines = describe.HARDWARE_LINES + max(1, len(view.sample.gpus) if view.sample else 0)
        if hardware.size.height != lines:
            hardware.styles.height = lines
        hardware.show(describe.hardware(view.sample, view.gpu_problem))

    def _show_charts(self, view: RunView) -> None:
        epochs = [epoch for epoch in view.record.epochs if epoch.loss is not None]
        xs = tuple(float(epoch.epoch) for epoch in epochs)
        colour = FRAMEWORK_COLOURS.get(view.config.framework if view.config else "", "#d0d0d0")
        x_range = (1.0, float(max(2, view.config.epochs_trained if view.config else len(epochs))))
        losses = Series(xs, tuple(epoch.loss or 0.0 for epoch in epochs), colour)
        accuracies = Series(xs, tuple(epoch.accuracy or 0.0 for epoch in epochs), colour)
        self.query_one("#loss", Chart).show((losses,), x_range)
        self.query_one("#accuracy", Chart).show((accuracies,), x_range)
        seconds = (0.0, time_axis(view.record.elapsed))
        for name, points in (("#rates", view.rates), ("#loads", view.loads)):
            course = Series(tuple(x for x, _ in points), tuple(y for _, y in points), colour)
            self.query_one(name, Chart).show((course,), seconds)

    def _show_empty(self) -> None:
        missing = missing_frameworks(self._settings)
        self.query_one("#empty", Static).update(Content("\n".join([EMPTY, "", *missing])))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        view = self.snapshot.view if self.snapshot else None
        if action == "stop":
            return bool(view and view.status in ALIVE)
        if action in ("details", "log", "copy"):
            return view is not None
        return True

    def action_cursor_down(self) -> None:
        self.query_one(RunList).action_cursor_down()

    def action_cursor_up(self) -> None:
        self.query_one(RunList).action_cursor_up()

    def action_follow(self) -> None:
        self.chosen = None

    def action_log(self) -> None:
        self.toggle_class("-log")
        if self.snapshot and self.snapshot.view:
            self.call_after_refresh(self._show_run, self.snapshot.view)

    def action_details(self) -> None:
        if self.snapshot and self.snapshot.view:
            self.app.push_screen(Details(RunDirectory(self.snapshot.view.path), self.snapshot.view.record))

    def action_copy(self) -> None:
        if self.snapshot and self.snapshot.view:
            path = str(self.snapshot.view.path)
            self.app.copy_to_clipboard(path)
            self.notify(f"{path}\n(copied, if the terminal supports OSC 52)", title="Run directory", markup=False)

    @work
    async def action_stop(self) -> None:
        view = self.snapshot.view if self.snapshot else None
        if not view or view.status not in ALIVE:
            return
        if await self.app.push_screen_wait(Confirm(f"Stop {view.id}?", {"s": "Stop it", "c": "Cancel"})) == "s":
            self._request_stop(RunDirectory(view.path))

    def _request_stop(self, run: RunDirectory) -> None:
        try:
            run.stop.touch()
        except OSError as error:
            self.notify(f"cannot ask it to stop: {error.strerror}", severity="error", markup=False)
        else:
            self.notify(f"{run.id} is asked to stop", markup=False)


def _keys_of(snapshot: Snapshot | None) -> tuple[bool, bool]:
    """What the keys depend on: whether there is a run, and whether it is alive."""
    view = snapshot.view if snapshot else None
    return view is not None, bool(view and view.status in ALIVE)
