"""Everything about one run: its settings, phases, figures, layers, and the traceback if it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from tfpt_tui.results.presentation.run_report import report_layers, report_run
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import Record
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.ui.dialogs.dialog import Dialog
from tfpt_tui.wording import printable_lines

LEAST_WIDTH = 40


class Details(Dialog[None]):
    """What a live run has recorded may be long: it is read in a thread."""

    @dataclass
    class Read(Message):
        result: RunResult

    DEFAULT_CSS = """
    Details { align: center middle; }
    Details > VerticalScroll { width: 90%; height: 90%; padding: 0 2; background: $panel; border: round $primary; }
    Details.-narrow > VerticalScroll { width: 100%; padding: 0 1; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,q,i", "dismiss", "Close"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, run: RunDirectory, record: Record) -> None:
        super().__init__()
        self._run = run
        self._record = record
        self._result: RunResult | None = None

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_subtitle = "esc closes"
            yield Static(id="report", markup=False)

    def on_mount(self) -> None:
        self._read()

    @work(thread=True)
    def _read(self) -> None:
        self.post_message(self.Read(read_result(self._run)))

    @on(Read)
    def _show_read(self, message: Read) -> None:
        self._result = message.result
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        if self._result:
            width = self.query_one("#report").container_size.width - 1  # the scrollbar's
            self.query_one("#report", Static).update(self._text(self._result, max(width, LEAST_WIDTH)))

    def action_down(self) -> None:
        self.query_one(VerticalScroll).scroll_down()

    def action_up(self) -> None:
        self.query_one(VerticalScroll).scroll_up()

    def _text(self, result: RunResult, width: int) -> str:
        parts = [report_run(result, width), f"  {self._run.path}\n"]
        if self._record.model:
            parts.append(report_layers(self._record.model))
        if result.error and result.error.traceback:
            parts.append(printable_lines(result.error.traceback))
        return "\n".join(parts)
