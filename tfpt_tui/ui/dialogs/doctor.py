"""Doctor: what works on this machine, or on another, what does not, and the line that fixes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from tfpt_tui.config.machines import Machine
from tfpt_tui.config.paths import Paths
from tfpt_tui.environments.asking import AbandonedError
from tfpt_tui.environments.doctor.examine import examine, summarize, worst_first
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import TfptError, printable
from tfpt_tui.ui.dialogs.dialog import Dialog
from tfpt_tui.ui.theme import FINDING_GLYPHS, FINDING_STYLES

GAP = 2
"""Between a topic and its message (cells)."""


class Doctor(Dialog[None]):
    DEFAULT_CSS = """
    Doctor { align: center middle; }
    Doctor > VerticalScroll {
        width: 95%; height: auto; max-height: 90%; padding: 0 1; background: $panel; border: round $primary;
    }
    Doctor Horizontal { height: auto; }
    Doctor .message { width: 1fr; }
    """
    BINDINGS: ClassVar = [
        Binding("escape,q,d", "dismiss", "Close"),
        Binding("r,f5", "examine", "Look again"),
        Binding("m", "next_machine", "Machine"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    @dataclass
    class Found(Message):
        """All that is known so far."""

        findings: Sequence[Finding]

    class Done(Message):
        """There is nothing more to come."""

    def __init__(self, paths: Paths, machines: Sequence[Machine] = ()) -> None:
        super().__init__()
        self._paths = paths
        self._machines: Sequence[Machine | None] = (None, *machines)  # this one first
        self._machine: Machine | None = None
        self._looking = False
        self._findings: Sequence[Finding] = ()

    def compose(self) -> ComposeResult:
        with VerticalScroll() as scroll:
            scroll.border_title = "Doctor"
            other = "m another machine, " if len(self._machines) > 1 else ""
            scroll.border_subtitle = f"{other}r checks again, esc closes"
            yield Static(id="summary", markup=False)

    def on_mount(self) -> None:
        self.action_examine()

    def action_examine(self) -> None:
        if self._looking:
            return
        self._looking = True
        self._tell(f"checking {self._machine.name if self._machine else 'this machine'} ...")
        self._examine(self._machine)

    async def action_next_machine(self) -> None:
        if self._looking or len(self._machines) < 2:
            return
        place = self._machines.index(self._machine)
        self._machine = self._machines[(place + 1) % len(self._machines)]
        scroll = self.query_one(VerticalScroll)
        scroll.border_title = f"Doctor: {printable(self._machine.name)}" if self._machine else "Doctor"
        await self.query(Horizontal).remove()
        self.action_examine()

    @work(thread=True)
    def _examine(self, machine: Machine | None) -> None:
        """Textual cancels the worker when the screen or the app is left; the frameworks' processes end with it."""
        worker = get_current_worker()
        findings: list[Finding] = []
        try:
            for found in _findings(self._paths, machine, lambda: worker.is_cancelled):
                findings = worst_first([*findings, *found])
                self.post_message(self.Found(findings))
        except AbandonedError:
            return
        except TfptError as error:
            self.post_message(self.Found([Finding("error", "doctor", str(error)), *findings]))
        self.post_message(self.Done())

    @on(Found)
    async def _show(self, message: Found) -> None:
        self._findings = message.findings
        self._tell(f"{summarize(message.findings)} so far, checking the frameworks ...")
        async with self.batch():
            await self.query(Horizontal).remove()
            await self.query_one(VerticalScroll).mount_all(_rows(message.findings))

    @on(Done)
    def _finish(self) -> None:
        self._looking = False
        self._tell(summarize(self._findings))

    def _tell(self, text: str) -> None:
        self.query_one("#summary", Static).update(text)

    def action_down(self) -> None:
        self.query_one(VerticalScroll).scroll_down()

    def action_up(self) -> None:
        self.query_one(VerticalScroll).scroll_up()


def _findings(paths: Paths, machine: Machine | None, cancelled: Callable[[], bool]) -> Iterator[list[Finding]]:
    """Those of this machine, or of another."""
    if machine is None:
        yield from examine(paths, cancelled)
        return
    from tfpt_tui.machines.check import check_machine

    for found in check_machine(machine):
        if cancelled():
            raise AbandonedError
        yield [found]


def _rows(findings: Sequence[Finding]) -> list[Horizontal]:
    """The topics under each other, as wide as the widest, and the messages beside them."""
    topics = [_topic(finding) for finding in findings]
    width = max((topic.cell_length for topic in topics), default=0) + GAP
    rows = []
    for topic, finding in zip(topics, findings, strict=True):
        name = Static(topic)
        name.styles.width = width
        rows.append(Horizontal(name, Static(_message(finding), classes="message")))
    return rows


def _topic(finding: Finding) -> Content:
    """What was looked at, behind the glyph of what was found."""
    return Content.styled(
        f"{FINDING_GLYPHS[finding.level]} {printable(finding.topic)}", FINDING_STYLES[finding.level]
    )


def _message(finding: Finding) -> Content:
    """What was found, and the line that fixes it."""
    message = Content(printable(finding.message))
    if not finding.remedy:
        return message
    return message + Content.styled(f"\n→ {printable(finding.remedy)}", "$primary")
