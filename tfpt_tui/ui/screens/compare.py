"""Compare: the runs of the latest sweep beside each other."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import ScrollableContainer
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tfpt_tui.config.paths import Paths
from tfpt_tui.errors import TfptError
from tfpt_tui.results.comparison import compare
from tfpt_tui.results.parity import proof_note
from tfpt_tui.results.result import read_result
from tfpt_tui.results.table import Table, as_text
from tfpt_tui.runs.sweep import latest_sweep, measured_runs
from tfpt_tui.ui.keys import COMPARE, bindings
from tfpt_tui.ui.widgets.title_bar import TitleBar

NOTHING = "Nothing to compare yet.\n\nPress 2 to run a preset with both frameworks."
HOW = "Any other choice from the shell: tfpt-tui compare ID ID ... --format table|csv|markdown|json"


class CompareScreen(Screen[None]):
    BINDINGS = bindings(COMPARE)
    DEFAULT_CSS = """
    CompareScreen #page { height: 1fr; padding: 1 2; }
    CompareScreen #comparison { width: auto; margin-bottom: 1; text-wrap: nowrap; }
    """

    @dataclass
    class Compared(Message):
        content: Content

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._paths = paths

    def compose(self) -> ComposeResult:
        yield TitleBar(COMPARE)
        with ScrollableContainer(id="page"):
            yield Static("reading the latest runs", id="comparison", markup=False)
            yield Static(HOW, markup=False)
        yield Footer(compact=True)

    def on_screen_resume(self) -> None:
        self.action_reload()

    @work(thread=True, exclusive=True)
    def action_reload(self) -> None:
        self.post_message(self.Compared(self._compare()))

    def _compare(self) -> Content:
        try:
            sweep = latest_sweep(self._paths)
            runs = [run for run in measured_runs(sweep) if run.path.is_dir()] if sweep else []
            if not sweep or not runs:
                return Content(NOTHING)
            results = [read_result(run) for run in runs]
            table = compare(results, proof=proof_note(results, self._paths.proofs))
        except TfptError as error:
            return Content(str(error))
        return Content(f"sweep {sweep.id}\n\n") + _grey_out(table)

    @on(Compared)
    def _show(self, message: Compared) -> None:
        self.query_one("#comparison", Static).update(message.content)

    def action_cursor_down(self) -> None:
        self.query_one("#page", ScrollableContainer).scroll_down()

    def action_cursor_up(self) -> None:
        self.query_one("#page", ScrollableContainer).scroll_up()


def _grey_out(table: Table) -> Content:
    """The comparison as text, with the rows greyed whose accuracy says that they did other work."""
    heading, rule, *lines = as_text(table).split("\n")
    doubtful = [row.get("in_band") is False for row in table.rows]
    rows = [
        Content.styled(line, "$foreground-disabled") if doubt else Content(line)
        for line, doubt in zip(lines, doubtful, strict=False)
    ]
    return Content("\n").join([Content(heading), Content(rule), *rows, *map(Content, lines[len(rows) :])])
