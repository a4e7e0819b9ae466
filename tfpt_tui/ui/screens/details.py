"""Everything about one run: its settings, phases, figures, layers, and the traceback if it failed."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tfpt_tui.results.report import report_layers, report_run
from tfpt_tui.results.result import read_result
from tfpt_tui.runs.directory import RunDirectory
from tfpt_tui.runs.record import Record


class Details(ModalScreen[None]):
    DEFAULT_CSS = """
    Details { align: center middle; }
    Details > VerticalScroll { width: 90%; height: 90%; padding: 0 2; background: $panel; border: round $primary; }
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

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_subtitle = "esc closes"
            yield Static(self._text(read_result(self._run)), markup=False)

    def action_down(self) -> None:
        self.query_one(VerticalScroll).scroll_down()

    def action_up(self) -> None:
        self.query_one(VerticalScroll).scroll_up()

    def _text(self, result: dict[str, Any]) -> str:
        parts = [report_run(result), f"  {self._run.path}\n"]
        if self._record.model:
            parts.append(report_layers(self._record.model))
        if trace := result.get("error", {}).get("traceback"):
            parts.append(trace)
        return "\n".join(parts)
