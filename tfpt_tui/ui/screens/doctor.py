"""Doctor: what works on this machine, what does not, and the line that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static

from tfpt_tui.config.paths import Paths
from tfpt_tui.environments.doctor.examine import examine, summarize
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import TfptError
from tfpt_tui.ui.theme import FINDING_GLYPHS, FINDING_STYLES


class Doctor(ModalScreen[None]):
    DEFAULT_CSS = """
    Doctor { align: center middle; }
    Doctor > VerticalScroll { width: 95%; height: 90%; padding: 0 1; background: $panel; border: round $primary; }
    Doctor Horizontal { height: auto; }
    Doctor .topic { width: 23; padding-right: 1; }
    Doctor .message { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,q,d", "dismiss", "Close"),
        Binding("r,f5", "examine", "Look again"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    @dataclass
    class Found(Message):
        findings: Sequence[Finding]

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._paths = paths

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "Doctor"
            scroll.border_subtitle = "r looks again, esc closes"
            yield Static(id="summary", markup=False)

    def on_mount(self) -> None:
        self.action_examine()

    def action_examine(self) -> None:
        self.query_one("#summary", Static).update("looking at this machine, and importing the frameworks ...")
        self._examine()

    @work(thread=True, exclusive=True)
    def _examine(self) -> None:
        try:
            findings = examine(self._paths)
        except TfptError as error:
            findings = [Finding("error", "doctor", str(error))]
        self.post_message(self.Found(findings))

    @on(Found)
    async def _show(self, message: Found) -> None:
        await self.query(Horizontal).remove()
        self.query_one("#summary", Static).update(summarize(message.findings))
        rows = [Horizontal(*_row(finding)) for finding in message.findings]
        await self.query_one(VerticalScroll).mount_all(rows)

    def action_down(self) -> None:
        self.query_one(VerticalScroll).scroll_down()

    def action_up(self) -> None:
        self.query_one(VerticalScroll).scroll_up()


def _row(finding: Finding) -> tuple[Static, Static]:
    """The topic behind its glyph, and beside it the message with the line that mends it."""
    topic = Content.styled(f"{FINDING_GLYPHS[finding.level]} {finding.topic}", FINDING_STYLES[finding.level])
    parts = [Content(finding.message)]
    if finding.remedy:
        parts.append(Content.styled(f"\n→ {finding.remedy}", "$primary"))
    return Static(topic, classes="topic"), Static(Content("").join(parts), classes="message")
