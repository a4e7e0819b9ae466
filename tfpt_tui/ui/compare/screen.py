"""Compare: what can be compared on the left, the chosen comparison on the right."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widgets import DataTable, OptionList
from textual.worker import get_current_worker

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.errors import TfptError, printable
from tfpt_tui.results.requests.comparables import PUBLISHED, Choice, change_token, list_choices
from tfpt_tui.results.requests.request import TOGETHER
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.results.table import as_markdown
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.ui.compare import comparison_pane, messages
from tfpt_tui.ui.compare.choice_list import ChoiceList
from tfpt_tui.ui.compare.choices_pane import ChoicesPane
from tfpt_tui.ui.compare.comparison_pane import ComparisonPane
from tfpt_tui.ui.compare.comparison_view import ComparisonSelection, read_comparison, title_of
from tfpt_tui.ui.compare.curves import Curves
from tfpt_tui.ui.compare.export import ExportDialog
from tfpt_tui.ui.compare.result_table import ResultTable
from tfpt_tui.ui.dialogs.confirm import Confirm
from tfpt_tui.ui.keys import COMPARE, bindings
from tfpt_tui.ui.widgets.key_line import KeyLine
from tfpt_tui.ui.widgets.main_screen import MainScreen
from tfpt_tui.ui.widgets.title_bar import TitleBar

EMPTY = "Nothing to compare yet.\n\nPress 2 to run a preset."
NONE_LEFT = "No run matches the filter.\n\nPress / to change it, or / and esc to take it off."
# Whoever runs down the list, or types, waits for the entry at which he stops.
SETTLE_S = 0.1
NEWS_S = 2.0
# A reply within this time needs no word that it is waited for.
PATIENCE_S = 0.3
# A path is read, and perhaps copied.
TOLD_S = 15.0
COPIED = "copied, if the terminal supports OSC 52"


class CompareScreen(MainScreen):
    """Workers read the list and one comparison at a time; handlers show what they post."""

    CSS_PATH = "screen.tcss"
    BINDINGS = bindings(COMPARE)
    AUTO_FOCUS = "#choices"

    def __init__(self, paths: Paths, settings: UserSettings) -> None:
        super().__init__()
        self._paths = paths
        self._settings = settings
        self._away = True  # until it is seen, and while another screen is
        self._wanted: ComparisonSelection | None = None
        self._change_token: Hashable = None
        self._changes_timer: Timer | None = None
        self._settling: Timer | None = None
        self._patience: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TitleBar(COMPARE)
        with Horizontal(id="body"):
            yield ChoicesPane(id="side")
            yield ComparisonPane(id="found")
        yield KeyLine()

    def on_mount(self) -> None:
        self._changes_timer = self.set_interval(NEWS_S, self._check_changes, pause=self._away)

    def on_resize(self) -> None:
        # Of a size that changed while another screen was shown the pane hears before the classes have it.
        self.call_after_refresh(self._pane.fit)

    def on_screen_resume(self) -> None:
        if self._away:
            self._away = False
            self.app.clear_notifications()  # such as the one that said that the answer is here
            self._list(again=False)
            if self._changes_timer:
                self._changes_timer.resume()

    def on_screen_suspend(self) -> None:
        self._away = self not in self.app.screen_stack  # a dialog only covers it
        if self._away and self._changes_timer:
            self._changes_timer.pause()

    # What can be compared.

    def action_reload(self) -> None:
        self._list(again=True)

    @work(thread=True, exclusive=True, group="changes")
    def _check_changes(self) -> None:
        self.post_message(messages.ChangesChecked(change_token(self._side.choices, self._paths)))

    @on(messages.ChangesChecked)
    def _list_what_is_new(self, message: messages.ChangesChecked) -> None:
        """Once for every change: reading many runs may take longer than until the next look."""
        if self._change_token is not None and message.change_token != self._change_token:
            self._change_token = message.change_token
            self._list(again=True)

    @work(thread=True, exclusive=True, group="list")
    def _list(self, again: bool) -> None:
        def tell(done: int, total: int) -> None:
            if done % 100 == 0:
                self.post_message(messages.Indexing(done, total))

        try:
            choices = list_choices(read_summaries(self._paths, tell), self._paths)
        except (OSError, TfptError) as error:
            self.post_message(messages.Unreadable(str(error)))
        else:
            self.post_message(messages.Listed(choices, again, change_token(choices, self._paths)))

    @on(messages.Indexing)
    def _tell_progress(self, message: messages.Indexing) -> None:
        self._side.tell_progress(message.done, message.total)

    @on(messages.Unreadable)
    def _tell_unreadable(self, message: messages.Unreadable) -> None:
        self._be_patient_with(None)
        self._pane.clear(f"The runs cannot be read: {printable(message.reason)}\n\nPress r to try again.")

    @on(messages.Listed)
    def _show_choices(self, message: messages.Listed) -> None:
        self._change_token = message.change_token
        self._side.show(message.choices, to_news=not message.again)
        self._compare_kept(again=message.again)

    @on(ChoicesPane.Narrowed)
    def _compare_narrowed(self) -> None:
        self._compare_kept()

    def _compare_kept(self, again: bool = False) -> None:
        """Compare the chosen entry, or say why no entry passes the filter."""
        self.set_class(not self._side.choices, "-empty")
        if self._side.kept:
            self._choose_soon(again)
        else:
            self._wanted = None
            self._be_patient_with(None)
            self._pane.clear(NONE_LEFT if self._side.choices else EMPTY)

    def action_filter(self) -> None:
        self._side.search()
        self.refresh_bindings()

    def action_close(self) -> None:
        """Out of the filter and without it; else out of a part that was enlarged."""
        if self._side.filtered:
            self._side.end_search()
            self.refresh_bindings()
        else:
            self.action_enlarge()

    # The choice, and what is found of it.

    @on(OptionList.OptionHighlighted, "#choices")
    def _highlighted(self) -> None:
        self._choose_soon()

    def _choose_soon(self, again: bool = False) -> None:
        if self._settling:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE_S, lambda: self._choose(again))

    @on(OptionList.OptionSelected, "#choices")
    def _open(self) -> None:
        if comparison_pane.TABLE not in self._pane.shown and self._pane.view != comparison_pane.PUBLISHED:
            self._pane.show_view(comparison_pane.TABLE)
        self._pane.table.focus()

    def action_mark(self) -> None:
        self._side.toggle_mark()
        self._choose()

    def _choose(self, again: bool = False) -> None:
        """Compare what is chosen now, unless that is done; the same entries keep how they are compared."""
        chosen, before = self.query_one(ChoiceList).chosen, self._wanted
        if not chosen or (before and before.choices == chosen and not again):
            return
        if before and [choice.id for choice in before.choices] == [choice.id for choice in chosen]:
            self._compare_as(replace(before, choices=chosen))
            return
        if _is_published(chosen) != (before is not None and _is_published(before.choices)):
            self._pane.show_view(comparison_pane.PUBLISHED if _is_published(chosen) else comparison_pane.SPEED)
        self._compare_as(ComparisonSelection(chosen))

    def _compare_as(self, wanted: ComparisonSelection) -> None:
        self._wanted = wanted
        self._pane.expect(wanted)
        self._be_patient_with(wanted)
        self._find(wanted)

    def _be_patient_with(self, wanted: ComparisonSelection | None) -> None:
        """What was waited for before is waited for no more."""
        if self._patience:
            self._patience.stop()
            self._patience = None
        if wanted:
            self._patience = self.set_timer(PATIENCE_S, lambda: self._pane.be_patient(wanted))

    @work(thread=True, exclusive=True, group="find")
    def _find(self, wanted: ComparisonSelection) -> None:
        worker = get_current_worker()
        try:
            found: Message = messages.Found(read_comparison(wanted, self._paths, self._settings.prices))
        except OSError as error:
            found = messages.Unreadable(str(error))
        if not worker.is_cancelled:
            self.post_message(found)

    @on(messages.Found)
    def _show_comparison(self, message: messages.Found) -> None:
        if message.comparison_view.wanted is self._wanted:
            self._pane.show(message.comparison_view)

    # How it is compared and shown.

    def action_baseline(self) -> None:
        row = self._pane.table.row_here
        if row is None or self._wanted is None:
            return
        if not row.get("n"):
            self.notify("no run of this row has completed: nothing can be measured against it", severity="warning")
            return
        self._compare_as(replace(self._wanted, baseline=str(row["runs"]).split()[0]))

    def action_group(self) -> None:
        """As suits the rows, then all together, then within the values of each setting in which they differ."""
        if self._wanted and (keys := ["", TOGETHER, *self._keys()]):
            following = keys[(keys.index(self._wanted.by) + 1) % len(keys)] if self._wanted.by in keys else ""
            self._compare_as(replace(self._wanted, by=following))

    def action_across(self) -> None:
        if self._wanted:
            self._compare_as(replace(self._wanted, across=not self._wanted.across))

    def action_undisturbed(self) -> None:
        if self._wanted:
            self._compare_as(replace(self._wanted, undisturbed=not self._wanted.undisturbed))

    @work
    async def action_again(self) -> None:
        """Run the disturbed runs once more; of a duel whole restarts, in which all arms take turns again."""
        runs = [RunDirectory(self._paths.runs / run) for run in self._pane.disturbed]
        if not runs:
            return
        what = f"{len(runs)} disturbed run{'' if len(runs) == 1 else 's'}"
        question = f"Run {what} once more? What took turns takes them again with the same others."
        if await self.app.push_screen_wait(Confirm(question, {"r": f"Repeat {what}", "c": "Cancel"})) == "r":
            self._run_again(runs)

    @work(thread=True, group="again")
    def _run_again(self, runs: Sequence[RunDirectory]) -> None:
        from tfpt_tui.machines.again import run_again

        try:
            self.post_message(messages.Repeated(run_again(runs, self._settings, self._paths)))
        except TfptError as error:
            self.post_message(messages.NotRepeated(str(error)))

    @on(messages.Repeated)
    def _show_repeated(self, message: messages.Repeated) -> None:
        self.notify(f"{printable(message.said)}; 3 follows them, and space here compares both", markup=False)

    @on(messages.NotRepeated)
    def _show_not_repeated(self, message: messages.NotRepeated) -> None:
        reason = printable(message.reason)
        self.notify(reason, title="Not started", severity="error", timeout=TOLD_S, markup=False)

    def action_sort(self) -> None:
        self._pane.table.sort_here()

    @on(DataTable.HeaderSelected)
    def _sort_by(self, event: DataTable.HeaderSelected) -> None:
        table = event.data_table
        if isinstance(table, ResultTable) and not table.turned:
            table.move_cursor(column=event.column_index)
            table.sort_here()

    def action_transpose(self) -> None:
        self._pane.table.turn()
        self.refresh_bindings()

    def action_x_axis(self) -> None:
        self.query_one(Curves).change_axis()

    def action_view(self, step: int) -> None:
        self._pane.step(step)
        self.call_after_refresh(self._keep_focus)

    def action_show_view(self, view: str) -> None:
        self._pane.show_view(view)
        self.call_after_refresh(self._keep_focus)

    def action_enlarge(self) -> None:
        in_table = self.query_one("#table").has_focus
        self.toggle_class("-full")
        self._pane.show_view(comparison_pane.TABLE if in_table else self._pane.view)
        if not self.has_class("-full") and not in_table:
            self.query_one(ChoiceList).focus()
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        """What has the focus must be seen: keys move in it."""
        if self.focused and all(widget.display for widget in self.focused.ancestors_with_self):
            return
        view = self._pane.shown[0]
        within = self.query(f"#{view}-view, #{view}-view *") if self.has_class("-full") else ()
        first = next((widget for widget in within if widget.focusable), None)
        (first or self.query_one(ChoiceList)).focus()

    # What is taken away.

    def action_copy_cell(self) -> None:
        self._copy(self._pane.table.text_here, "nothing in this cell")

    def action_copy_table(self) -> None:
        table = self._pane.table.table
        self._copy(as_markdown(table) if table else "", "no table to copy")

    def _copy(self, text: str, nothing: str) -> None:
        if not text:
            self.notify(nothing, severity="warning")
            return
        self.copy(text)
        lines = text.rstrip("\n").split("\n")
        shown = printable(text) if len(lines) == 1 else f"the table as Markdown, {len(lines)} lines"
        self.notify(f"{shown}\n({COPIED})", markup=False)

    def action_export(self) -> None:
        comparison, table = self._pane.comparison, self._pane.table.table
        if comparison and table and self._wanted:
            shown = replace(comparison, table=table)
            stem = f"compare-{title_of(self._wanted).replace(' ', '-')}"
            self.app.push_screen(ExportDialog(shown, stem), self._tell_written)

    def _tell_written(self, where: str | None) -> None:
        if where:
            self.notify(where, title="Written", timeout=TOLD_S, markup=False)

    # Moving.

    def action_cursor_down(self) -> None:
        self._move("down")

    def action_cursor_up(self) -> None:
        self._move("up")

    def action_cursor_first(self) -> None:
        self._move("first")

    def action_cursor_last(self) -> None:
        self._move("last")

    def _move(self, where: str) -> None:
        """In the part that has the focus: a list, a table, or text that scrolls."""
        match self.focused:
            case OptionList() as choices:
                getattr(choices, f"action_{where if where in ('first', 'last') else f'cursor_{where}'}")()
            case DataTable() as table:
                here = table.cursor_row
                rows = {"down": here + 1, "up": here - 1, "first": 0, "last": table.row_count - 1}
                table.move_cursor(row=rows[where])
            case VerticalScroll() as text:
                getattr(text, {"first": "scroll_home", "last": "scroll_end"}.get(where, f"scroll_{where}"))()
            case None:
                self.query_one(ChoiceList).focus()

    # What can be done now.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        pane = self._pane
        compared = pane.comparison is not None
        match action:
            case "close":
                return self._side.filtered or self.has_class("-full")
            case "mark":
                return isinstance(self.focused, ChoiceList) and bool(self._side.choices)
            case "baseline":
                return compared and pane.table.id == "table" and pane.table.has_focus
            case "sort":
                return compared and pane.table.has_focus and not pane.table.turned
            case "transpose" | "copy_cell" | "copy_table" | "export":
                return compared
            case "group":
                return bool(self._keys())
            case "across":
                return bool(
                    pane.comparison_view
                    and (pane.comparison_view.across_helps or pane.comparison_view.wanted.across)
                )
            case "undisturbed":
                return bool(self._wanted and self._wanted.undisturbed) or bool(pane.disturbed)
            case "again":
                return bool(pane.disturbed)
            case "x_axis":
                return comparison_pane.CURVES in pane.shown and bool(
                    pane.comparison_view and pane.comparison_view.curves
                )
        return True

    @property
    def _side(self) -> ChoicesPane:
        return self.query_one(ChoicesPane)

    @property
    def _pane(self) -> ComparisonPane:
        return self.query_one(ComparisonPane)

    def _keys(self) -> tuple[str, ...]:
        return self._pane.comparison_view.keys if self._pane.comparison_view else ()


def _is_published(choices: Sequence[Choice]) -> bool:
    return all(choice.kind == PUBLISHED for choice in choices)
