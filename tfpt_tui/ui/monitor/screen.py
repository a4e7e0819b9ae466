"""Monitor: the runs on the left, the chosen one on the right, live or recorded."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import var
from textual.timer import Timer
from textual.widgets import OptionList, Static

from tfpt_tui.config.look import keep_look
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.environments.interpreters import missing_frameworks
from tfpt_tui.errors import TfptError, printable
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.record.directory import RunDirectory, SweepDirectory
from tfpt_tui.runs.record.notes import parse_note, parse_tags, read_notes, write_note, write_tags
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.state import delete_run, machine_of, request_stop
from tfpt_tui.runs.record.sweep import check_over
from tfpt_tui.runs.supervision.queue import describe_start, waits_for
from tfpt_tui.runs.tasks import background
from tfpt_tui.runs.tasks.background import DEMO, Background
from tfpt_tui.ui.dialogs.ask import Ask
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.keys import MONITOR, bindings
from tfpt_tui.ui.monitor import messages, text
from tfpt_tui.ui.monitor.choose import Entry
from tfpt_tui.ui.monitor.curves import Axes, Shown
from tfpt_tui.ui.monitor.details import Details
from tfpt_tui.ui.monitor.log_view import LogView
from tfpt_tui.ui.monitor.run_list import RunList
from tfpt_tui.ui.monitor.run_pane import LOG, TRAINING, VIEWS, Picture, RunPane
from tfpt_tui.ui.monitor.runs_pane import RunsPane
from tfpt_tui.ui.monitor.watch import RunPoller, RunSelection, Snapshot
from tfpt_tui.ui.notification import desktop_notification, run_command
from tfpt_tui.ui.polling import keep_polling
from tfpt_tui.ui.theme import CURVE_LETTERS, MAX_CURVES, colours_of
from tfpt_tui.ui.widgets.chart import Chart
from tfpt_tui.ui.widgets.key_line import KeyLine
from tfpt_tui.ui.widgets.main_screen import MainScreen
from tfpt_tui.ui.widgets.title_bar import TitleBar

EMPTY = (
    "No runs yet.\n\nPress t to try it: both frameworks on synthetic pictures, two minutes,"
    "\nor 1 to make a dataset of your own images, then 2 to choose what runs."
)
HEARD_S = 1.0
KEPT_TAGS = "\nTags that only some of them have stay."
READING = "reading the runs"
NEED_A_RUN = (
    *("details", "log", "view", "copy", "filter", "beside", "baseline"),
    *("note", "tag", "delete", "again"),
)
# Who has waited for minutes may look elsewhere for some.
ENDED_S = 60.0
# How often it is looked for runs that have begun while another screen is shown.
AWAY_S = 10.0
ALIVE_IS_KEPT = "what is alive cannot be deleted: K stops it first"


class MonitorScreen(MainScreen):
    """A thread polls the files and posts a snapshot when it differs; one handler shows it."""

    CSS_PATH = "screen.tcss"
    BINDINGS = bindings(MONITOR)
    AUTO_FOCUS = "#runs"

    snapshot: var[Snapshot | None] = var(None, init=False)
    # What is to be read: the run that the user chose, None for the live one, and those drawn beside it.
    wanted: var[RunSelection] = var(RunSelection(), init=False)
    baseline: var[str | None] = var(None, init=False)
    axes: var[Axes] = var(Axes(), init=False)
    view: var[str] = var(TRAINING, init=False)

    def __init__(self, paths: Paths, settings: UserSettings, order: str = "") -> None:
        """``order`` is the one that the runs were listed in the last time."""
        super().__init__()
        self._order = order
        self._paths = paths
        self._settings = settings
        self._poll_now = threading.Event()
        self._away = True  # until it is seen, and while another screen is
        self._look_again = 0.0
        self._opening: str | None = None
        self._missing: list[str] = []
        self._demo: Background | None = None
        self._listening: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar(MONITOR)
        with Horizontal(id="body"):
            yield RunsPane(self._order, id="left")
            yield RunPane(id="run")
            yield Static(READING, id="empty")
        yield KeyLine()

    def on_mount(self) -> None:
        self.add_class("-empty")
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())
        self._poll()

    def _recolour(self) -> None:
        if self.snapshot and self.snapshot.runs:
            self._show_list()
            self._show_run()

    def on_unmount(self) -> None:
        self._poll_now.set()  # to see that it is over

    def on_screen_resume(self) -> None:
        if self._away:
            self._away = False
            self.watch_snapshot(None, self.snapshot)
        self._poll_now.set()

    def on_screen_suspend(self) -> None:
        self._away = self not in self.app.screen_stack  # a dialog only covers it

    @work(thread=True)
    def _poll(self) -> None:
        """Poll the files as often as the screen is to be painted, and post what has changed."""
        poller = RunPoller(self._paths, list(self._settings.machines))
        keep_polling(
            lambda _: poller.poll(self.wanted),
            lambda snapshot: self.post_message(messages.Polled(snapshot)),
            lambda problem: self.post_message(messages.Unreadable(problem)),
            self._is_idle,
            self._poll_now,
            1 / self._settings.refresh_hz,
        )

    def _is_idle(self) -> bool:
        """Whether nobody looks, and nothing is alive whose end the user will hear of on any screen.

        Even then it polls every few seconds: runs may have begun.
        """
        now = time.monotonic()
        if not self._away or (self.snapshot and self.snapshot.live) or now > self._look_again:
            self._look_again = now + AWAY_S
            return False
        return True

    @on(messages.Polled)
    def _show_snapshot(self, message: messages.Polled) -> None:
        self.snapshot = message.snapshot

    @on(messages.Unreadable)
    def _tell_unreadable(self, message: messages.Unreadable) -> None:
        self.notify(printable(message.reason), title="Cannot read the runs", severity="error", markup=False)

    def watch_wanted(self) -> None:
        self._poll_now.set()

    def watch_snapshot(self, before: Snapshot | None, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        if before and (ended := text.all_ended(before.runs, snapshot.runs)):
            self.post_message(messages.Ended(ended))
        if self._away:
            return  # charts that nobody sees are not drawn beside a measurement
        self.set_class(not snapshot.runs, "-empty")
        if _keys_of(before) != _keys_of(snapshot):
            self.refresh_bindings()
        if not snapshot.runs:
            self._show_empty()
            return
        if self.focused is None and self.is_current:  # a list that was hidden has lost it
            self.query_one(RunList).focus()
        self._show_list()
        self._show_run()
        self._open_what_is_read()

    @on(messages.Ended)
    def _tell_ended(self, message: messages.Ended) -> None:
        self.app.bell()
        if self.app.current_mode == "compare":
            self.notify(message.how, markup=False)  # the answer comes by itself
        else:
            self.notify(f"{message.how}; press 4 for the answer", timeout=ENDED_S, markup=False)
        if self.app._driver and not self.app.is_headless:  # as Textual's own bell
            self.app._driver.write(desktop_notification(message.how, os.environ))
        if self._settings.notify:
            self._run_notify(message.how)

    @work(thread=True, group="notify")
    def _run_notify(self, how: str) -> None:
        try:
            run_command(self._settings.notify, how)
        except TfptError as error:
            self.post_message(messages.Refused(str(error)))

    def watch_axes(self) -> None:
        self._show_run()

    def watch_view(self) -> None:
        if self.maximized:
            self.minimize()
        if self.focused and self.query_one(RunPane) in self.focused.ancestors:
            self.query_one(RunList).focus()  # what had it is not shown any more
        self._show_run()

    def watch_baseline(self) -> None:
        self._show_list()
        self._show_run()

    @on(OptionList.OptionHighlighted, "#runs")
    def _choose(self, event: OptionList.OptionHighlighted) -> None:
        self.wanted = replace(self.wanted, chosen=event.option_id)
        if event.option_id != self._opening:
            self._opening = None

    @on(OptionList.OptionSelected, "#runs")
    def _open(self, event: OptionList.OptionSelected) -> None:
        self._opening = event.option_id
        self._open_what_is_read()

    def _open_what_is_read(self) -> None:
        """A run that was chosen a moment ago is not read yet."""
        chosen, view = (self.snapshot.chosen, self.snapshot.view) if self.snapshot else (None, None)
        if chosen and view and chosen.id == self._opening and self.is_active:
            self._opening = None
            self.app.push_screen(Details(RunDirectory(view.path), view.record))

    def _show_list(self) -> None:
        if self.snapshot:
            marks = {shown.view.id: shown.label for shown in self._shown()}
            self.query_one(RunsPane).show(self.snapshot, marks, self.wanted.chosen)

    def _shown(self) -> tuple[Shown, ...]:
        """The runs that are drawn, the chosen one last; letters and colours stay with a run while it is drawn."""
        snapshot = self.snapshot
        if not snapshot or not snapshot.view:
            return ()
        views = (*snapshot.beside, snapshot.view)
        arms = snapshot.chosen.arms if snapshot.chosen else ()
        drawn = {view.id for view in views}
        known = [run for run in (*arms, *self.wanted.beside, *drawn) if run in drawn]
        places = {run: place for place, run in enumerate(dict.fromkeys(known))}
        colours = colours_of([(run, run.split("-")[2]) for run in places], self.app.current_theme.dark)
        alone = known == [snapshot.view.id]
        return tuple(
            Shown(view, colours[view.id], "" if alone else CURVE_LETTERS[places[view.id]]) for view in views
        )

    def _show_run(self) -> None:
        runs = self._shown()
        if runs:
            self.query_one(RunPane).show(Picture(runs, self.axes, self.view, self.baseline))

    def _show_empty(self) -> None:
        self._show_first()
        self._check_frameworks()
        if self._listening is None:
            self._listening = self.set_interval(HEARD_S, self._hear_demo)
        self._hear_demo()

    def _show_first(self) -> None:
        """What a newcomer sees: the ways to begin, how the demo goes, and which frameworks are missing."""
        demo = self._demo
        lines = [EMPTY]
        if demo and demo.running:
            lines = ["The demo is under way; its runs will be here in less than a minute.", printable(demo.line)]
        elif demo and demo.line:
            lines += ["", f"the demo ended: {printable(demo.line)}"]
        self.query_one("#empty", Static).update(Content("\n".join([*lines, "", *self._missing])))

    @work(thread=True, exclusive=True, group="demo")
    def _hear_demo(self) -> None:
        self.post_message(messages.DemoHeard(background.latest(DEMO, self._paths)))

    @on(messages.DemoHeard)
    def _show_demo(self, message: messages.DemoHeard) -> None:
        """Until the first runs are there, which say the rest."""
        if self.snapshot and self.snapshot.runs and self._listening:
            self._listening.stop()
            self._listening = None
        if message.demo != self._demo:
            self._demo = message.demo
            self._show_first()
            self.refresh_bindings()

    def action_demo(self) -> None:
        self._do(partial(_start_demo, self._paths))

    @work(thread=True, exclusive=True, group="frameworks")
    def _check_frameworks(self) -> None:
        # Other interpreters take their time.
        self.post_message(messages.Missing(missing_frameworks(self._settings)))

    @on(messages.Missing)
    def _tell_missing(self, message: messages.Missing) -> None:
        self._missing = message.lines
        self._show_first()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        view = self.snapshot.view if self.snapshot else None
        if action == "stop":
            return bool(self.snapshot and self.snapshot.chosen and self.snapshot.chosen.status in ALIVE)
        if action == "demo":
            is_empty = self.snapshot is not None and not self.snapshot.runs
            return is_empty and not (self._demo and self._demo.running)
        if action == "match":
            return self.view == LOG
        if action in NEED_A_RUN:
            return view is not None
        return True

    def action_cursor_down(self) -> None:
        self.query_one(RunList).action_cursor_down()

    def action_cursor_up(self) -> None:
        self.query_one(RunList).action_cursor_up()

    def action_last(self) -> None:
        self.query_one(RunList).action_last()

    def action_follow(self) -> None:
        self.wanted = replace(self.wanted, chosen=None)

    def action_view(self) -> None:
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]

    def action_log(self) -> None:
        self.view = TRAINING if self.view == LOG else LOG

    def action_filter(self) -> None:
        if self.maximized:
            self.minimize()
        if self.view == LOG:
            self.query_one(LogView).search()
        else:
            self.query_one(RunsPane).search()

    def action_match(self, steps: int) -> None:
        self.query_one(LogView).go_to(steps)

    def action_close(self) -> None:
        """The enlarged chart first, then the search, the filter, and the runs that are drawn beside."""
        if self.maximized:
            self.minimize()
        elif self.view == LOG and self.query_one(LogView).end_search():
            return
        elif not self.query_one(RunsPane).end_search():
            self.baseline, self.wanted = None, replace(self.wanted, beside=())

    def action_order(self) -> None:
        self._remember_order(self.query_one(RunsPane).next_order())

    @work(thread=True)
    def _remember_order(self, order: str) -> None:
        keep_look(self._paths.look, order=order)

    def action_beside(self) -> None:
        """Keep the chosen run drawn when another one is chosen, or no more."""
        chosen = self._chosen()
        if not chosen:
            return
        own = chosen.run.run
        beside = [run for run in self.wanted.beside if run != own]
        if own not in self.wanted.beside:
            if len(beside) + 1 == MAX_CURVES:
                self.notify(f"at most {MAX_CURVES} runs can be drawn together; space removes one")
                return
            beside.append(own)
        elif own == self.baseline:
            self.baseline = None
        self.wanted = replace(self.wanted, chosen=own, beside=tuple(beside))
        self._show_list()
        self._show_run()

    def action_baseline(self) -> None:
        """Measure the runs that are drawn against the chosen one, or no more."""
        chosen = self._chosen()
        if not chosen:
            return
        own = chosen.run.run
        self.baseline = None if own == self.baseline else own
        if (own in self.wanted.beside) != (self.baseline == own):
            self.action_beside()

    def action_x_axis(self) -> None:
        self.axes = self.axes.next_x()

    def action_log_scale(self) -> None:
        self.axes = replace(self.axes, log=not self.axes.log)

    def action_smooth(self) -> None:
        self.axes = self.axes.toggle_smoothing()

    def action_smoother(self, more: int) -> None:
        self.axes = self.axes.smoother(more)

    def action_enlarge(self) -> None:
        focused = self.focused if isinstance(self.focused, Chart) and self.focused.size else None
        if self.maximized:
            self.minimize()
        elif chart := focused or self.query_one(RunPane).first_chart():
            chart.focus()
            self.maximize(chart)

    def action_details(self) -> None:
        if chosen := self._chosen():
            self._opening = chosen.id
            self._open_what_is_read()

    def action_copy(self) -> None:
        if chosen := self._chosen():
            path = str(self._paths.runs / chosen.run.run)
            self.copy(path)
            self.notify(
                f"{printable(path)}\n(copied, if the terminal supports OSC 52)",
                title="Run directory",
                markup=False,
            )

    # What can be done with recorded runs: the chosen one, and those that are drawn beside it.

    def _chosen(self) -> Entry | None:
        """The item under the cursor, which may be read only in a moment."""
        if not self.snapshot:
            return None
        under = self.query_one(RunList).chosen
        return next((entry for entry in self.snapshot.entries if entry.id == under), self.snapshot.chosen)

    def _chosen_runs(self) -> list[RunResult]:
        """All runs of the item under the cursor, none where the filter hides it."""
        chosen = self._chosen()
        return self._runs_of(lambda entry: entry is chosen)

    def _overlaid_runs(self) -> list[RunResult]:
        """Those of the item under the cursor and of the listed ones that are overlaid, in running order."""
        chosen = self._chosen()
        beside = self.wanted.beside
        return self._runs_of(lambda entry: entry is chosen or any(run.run in beside for run in entry.runs))

    def _runs_of(self, is_meant: Callable[[Entry], bool]) -> list[RunResult]:
        entries = self.snapshot.entries if self.snapshot else ()
        listed = self.query_one(RunList).listed
        items = [entry for entry in entries if entry.id in listed and is_meant(entry)]
        return [run for entry in reversed(items) for run in reversed(entry.runs)]

    async def _ask_which(
        self, question: str, verb: str, chosen: list[RunResult], more: Mapping[str, str]
    ) -> tuple[str, list[RunResult]]:
        """The letter of the answer, and the runs that it is about: the chosen ones, or those overlaid, too."""
        overlaid = self._overlaid_runs()
        answers = {verb[0].lower(): f"{verb} {text.named(chosen)}"} if chosen else {}
        if len(overlaid) > len(chosen):
            answers |= {"o": f"{verb} what is overlaid: {text.named(overlaid)}"}
        if not answers:
            return "c", []
        answer = await self.app.push_screen_wait(
            Confirm(question, {**answers, **more, "c": "Cancel"}), mode="monitor"
        )
        return answer, overlaid if answer == "o" else chosen

    @work(thread=True, group="verbs")
    def _do(self, what: Callable[[], str]) -> None:
        try:
            self.post_message(messages.Done(what()))
        except TfptError as error:
            self.post_message(messages.Refused(str(error)))

    @on(messages.Done)
    def _show_done(self, message: messages.Done) -> None:
        self.notify(printable(message.said), markup=False)
        self.wanted = replace(self.wanted, looks=self.wanted.looks + 1)

    @on(messages.Refused)
    def _show_refused(self, message: messages.Refused) -> None:
        self.notify(printable(message.reason), severity="error", timeout=15, markup=False)

    @work
    async def action_note(self) -> None:
        if meant := self._chosen_runs():
            hint = "One line, shown with the run, and found by /. Leave it empty to remove it."
            dialog = Ask(f"Note on {text.named(meant)}", printable(meant[-1].notes.note), hint, parse_note)
            note = await self.app.push_screen_wait(dialog)
            if note is not None:
                self._do(partial(_note, self._directories(meant), parse_note(note)))

    @work
    async def action_tag(self) -> None:
        if meant := self._overlaid_runs():
            shared = [tag for tag in meant[0].notes.tags if all(tag in run.notes.tags for run in meant)]
            own = any(len(run.notes.tags) > len(shared) for run in meant)
            hint = "Words with blanks between them; a filter finds them: tag=baseline." + KEPT_TAGS * own
            title = f"Tags of {text.named(meant)}"
            dialog = Ask(title, " ".join(shared), hint, lambda typed: parse_tags(typed.split()))
            tags = await self.app.push_screen_wait(dialog)
            if tags is not None:
                self._do(partial(_tag, self._directories(meant), shared, parse_tags(tags.split())))

    @work
    async def action_delete(self) -> None:
        question, chosen = "Delete all that was recorded, models and all?", self._chosen_runs()
        if any(map(self._is_alive, chosen)):
            self.notify(ALIVE_IS_KEPT, severity="warning")
            return
        answer, meant = await self._ask_which(question, "Delete", chosen, {})
        if answer == "c":
            return
        if any(map(self._is_alive, meant)):
            self.notify(ALIVE_IS_KEPT, severity="warning")
            return
        machines = self._settings.machines
        runs = self._directories(meant)
        nearest = self.query_one(RunList).nearest_beside({run.id for run in runs})
        self.baseline, self.wanted = None, replace(self.wanted, chosen=nearest, beside=())
        self._do(partial(_delete, runs, self._paths, machines))

    def _is_alive(self, run: RunResult) -> bool:
        """Whether it may still be written; of a machine that is described no more nobody can tell."""
        return run.status in ALIVE and (not run.machine or run.machine in self._settings.machines)

    @work(exclusive=True, group="again")
    async def action_again(self) -> None:
        chosen = self._chosen_runs()
        sweep = SweepDirectory(self._paths.sweeps / chosen[-1].sweep) if chosen and chosen[-1].sweep else None
        left = await asyncio.to_thread(_left_of, sweep, self._settings, self._paths) if sweep else 0
        go_on = {"g": f"Go on with its plan: {left} run{'s are' if left > 1 else ' is'} left"} if left else {}
        answer, meant = await self._ask_which("Run it once more, as it was?", "Run", chosen, go_on)
        if answer == "g" and sweep:
            self._do(partial(_go_on, sweep, self._paths, self._settings))
        elif answer != "c":
            self._do(partial(_run_again, self._directories(meant), self._settings, self._paths))
        if answer != "c":
            self.wanted = replace(self.wanted, chosen=None, beside=())  # follow what comes

    def _directories(self, runs: Sequence[RunResult]) -> list[RunDirectory]:
        return [RunDirectory(self._paths.runs / run.run) for run in runs]

    @work
    async def action_stop(self) -> None:
        chosen = self._chosen()
        if not chosen or chosen.status not in ALIVE:
            return
        name = f"the duel {chosen.id}" if chosen.arms else chosen.id
        if await self.app.push_screen_wait(Confirm(f"Stop {name}?", {"s": "Stop it", "c": "Cancel"})) == "s":
            now = {entry.id: entry.status for entry in self.snapshot.entries} if self.snapshot else {}
            if now.get(chosen.id) not in ALIVE:
                self.notify(f"{chosen.id} is over already", markup=False)
                return
            sweep, run = SweepDirectory(self._paths.sweeps / chosen.id), RunDirectory(self._paths.runs / chosen.id)
            self._request_stop(sweep if chosen.arms else run)

    def _request_stop(self, directory: RunDirectory | SweepDirectory) -> None:
        try:
            request_stop(directory)
        except TfptError as error:
            self.notify(printable(str(error)), severity="error", markup=False)
        else:
            self.notify(f"stopping {directory.id}", markup=False)


# What a thread does for a key; each returns what there is to say of it, and raises TfptError.


def _start_demo(paths: Paths) -> str:
    background.start(DEMO, ["--headless"], paths)
    return "the demo makes its pictures first, then proves that both frameworks compute the same"


def _note(runs: Sequence[RunDirectory], note: str) -> str:
    for run in runs:
        write_note(run, note)
    return "noted" if note else "the note is gone"


def _tag(runs: Sequence[RunDirectory], before: Sequence[str], tags: Sequence[str]) -> str:
    """Put ``tags`` in the place of those that all of them had ``before``; what only some have stays."""
    for run in runs:
        kept = [tag for tag in read_notes(run).tags if tag not in before and tag not in tags]
        write_tags(run, [*kept, *tags])
    return f"tagged: {' '.join(tags)}" if tags else "the tags are gone"


def _delete(runs: Sequence[RunDirectory], paths: Paths, machines: Collection[str]) -> str:
    check_over(runs, paths, machines)
    for run in runs:
        delete_run(run)
    return f"{text.counted(runs)} deleted"


def _run_again(runs: Sequence[RunDirectory], settings: UserSettings, paths: Paths) -> str:
    from tfpt_tui.machines.again import run_again

    return run_again(runs, settings, paths)


def _left_of(sweep: SweepDirectory, settings: UserSettings, paths: Paths) -> int:
    """How many runs of a plan are left that nobody runs."""
    from tfpt_tui.machines.again import left_of

    try:
        return len(left_of(sweep, settings, paths).pending)
    except TfptError:
        return 0  # nothing is left, it is being run, or the runs came from another machine


def _go_on(sweep: SweepDirectory, paths: Paths, settings: UserSettings) -> str:
    from tfpt_tui.machines.again import go_on

    machine = machine_of(sweep)
    waits = "" if machine else waits_for(paths)
    _, rest = go_on(sweep, settings, paths)
    started = describe_start(len(rest.pending), waits)
    return f"{started} on {machine}" if machine else started


def _keys_of(snapshot: Snapshot | None) -> tuple[bool, bool] | None:
    """What the keys depend on: whether there is a run, and whether it is alive; None before the first reading."""
    if snapshot is None:
        return None
    chosen = snapshot.chosen
    return chosen is not None, bool(chosen and chosen.status in ALIVE)
