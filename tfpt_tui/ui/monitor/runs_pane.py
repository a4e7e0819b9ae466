"""The left of the Monitor: the runs, filtered and in an order, and how many of them are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input, OptionList

from tfpt_tui.errors import UsageError
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.ui.monitor.choose import DECIDING, NEWEST, ORDERS, PlanItems, by_plan, entries_of, matching, ordered
from tfpt_tui.ui.monitor.run_list import Beside, RunList, titles
from tfpt_tui.ui.monitor.text import machine_lines
from tfpt_tui.ui.monitor.watch import Snapshot
from tfpt_tui.ui.widgets.live import Live


class RunsPane(Vertical):
    """``needle`` is what the runs are filtered by; the field for it is shown while it is used."""

    order: var[str] = var(NEWEST, init=False)
    needle: var[str] = var("", init=False)

    def __init__(self, order: str, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.set_reactive(RunsPane.order, order if order in ORDERS else NEWEST)
        self._snapshot = Snapshot()
        self._marks: Mapping[str, str] = {}
        self._wanted: str | None = None
        self._listed: tuple[Sequence[RunResult], str] | None = None
        self._plans: list[PlanItems] = []

    def compose(self) -> ComposeResult:
        yield Live(id="titles")
        yield RunList(id="runs")
        yield Input(placeholder="words, or batch_size>32", id="filter", compact=True)
        yield Live(id="machines")
        yield Live(id="count")

    def show(self, snapshot: Snapshot, marks: Mapping[str, str], wanted: str | None = None) -> None:
        """Show the runs of the snapshot; ``marks`` are letters beside runs, by their IDs. ``wanted`` is what was
        chosen last, which the snapshot may not have read yet.
        """
        self._snapshot, self._marks, self._wanted = snapshot, marks, wanted
        self._show()

    def on_resize(self) -> None:
        self._show_titles()

    def _show_titles(self) -> None:
        columns = self.content_size.width - 1  # of the list, which may scroll
        self.query_one("#titles", Live).show(Content(titles(columns, DECIDING[self.order]).rjust(columns)))

    def next_order(self) -> str:
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]
        return self.order

    def search(self) -> None:
        """Show the filter, and type into it."""
        self.add_class("-filtered")
        self.query_one(Input).focus()

    def end_search(self) -> bool:
        """Clear the filter; whether there was one."""
        if not self.has_class("-filtered"):
            return False
        self.remove_class("-filtered")
        self.query_one(Input).value = ""
        self.query_one(RunList).focus()
        return True

    def watch_order(self) -> None:
        self._show_titles()
        self._show()

    def watch_needle(self) -> None:
        self._show()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        self.needle = event.value

    @on(Input.Submitted)
    def _leave_filter(self) -> None:
        """To the list, and to its first run where the chosen one was filtered out."""
        runs = self.query_one(RunList)
        if runs.highlighted is None:
            runs.choose_first()
        runs.focus()

    def _show(self) -> None:
        snapshot = self._snapshot
        try:
            runs, problem = ordered(matching(snapshot.runs, self.needle), self.order), ""
        except UsageError as error:
            # A condition that is half typed is no mistake yet.
            runs, problem = ordered(snapshot.runs, self.order), str(error)
        listed = {name: one.id for one in snapshot.entries for name in (one.id, *(run.run for run in one.runs))}
        chosen = listed.get(self._wanted or "") or (snapshot.chosen.id if snapshot.chosen else None)
        # The same items as before where nothing came or ended: many runs are looked at every second.
        if (runs, self.order) != self._listed:
            self._listed, entries = (runs, self.order), entries_of(runs)
            self._plans = by_plan(entries) if self.order == NEWEST else [PlanItems("", tuple(entries))]
        beside = Beside(self._marks, snapshot.percent, snapshot.left, DECIDING[self.order])
        with self.prevent(OptionList.OptionHighlighted):
            self.query_one(RunList).show(self._plans, chosen, beside)
        machines = self.query_one("#machines", Live)
        machines.styles.height = len(snapshot.machines)
        machines.show(machine_lines(snapshot.machines))
        count = f"{_count(len(runs), snapshot, filtered=bool(self.needle))}, {self.order}"
        self.set_class(bool(problem), "-problem")
        self.query_one("#count", Live).show(Content(problem or count))


def _count(shown: int, snapshot: Snapshot, *, filtered: bool) -> str:
    """How many runs are listed, and of how many."""
    listed = len(snapshot.runs)
    total = listed + snapshot.hidden
    runs = f"{total:,} run{'' if total == 1 else 's'}"
    if filtered:
        return f"{shown:,} of the newest {listed:,}" if snapshot.hidden else f"{shown:,} of {runs}"
    return f"{shown:,} of {runs}" if snapshot.hidden else runs
