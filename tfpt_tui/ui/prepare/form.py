"""The fields of a new dataset. What they amount to is found out elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select

from tfpt_tui.data.prepare import DEFAULT_SIZE
from tfpt_tui.runs.tasks.prepare_request import FOLDER
from tfpt_tui.ui.prepare.preview import SOURCES, Form
from tfpt_tui.ui.widgets.paths import PathSuggester
from tfpt_tui.ui.widgets.tick import Tick
from tfpt_tui.wording import end_of

PRINTABLE = r"[^\x00-\x1f\x7f]*"
MOST_PATH = 38  # what a field on 80 columns has room for


class Choice(Select[str], inherit_bindings=False):
    """Opens by enter or space: up and down go to another field, as everywhere in the form."""

    BINDINGS: ClassVar = [Binding("enter,space", "show_overlay", "Choose", show=False)]


class PrepareForm(Vertical):
    """Tells of every change; fields that the chosen source does not have are hidden."""

    @dataclass
    class Changed(Message):
        form: Form

    def compose(self) -> ComposeResult:
        options = [(title, source) for source, title in SOURCES.items()]
        with Horizontal():
            yield Label("source")
            yield Choice(options, id="source", value=Form().source, allow_blank=False, compact=True)
        yield from _field("folder", "its path: train/CLASS/* and test/CLASS/*, or CLASS/*")
        yield from _field("archive", "a file, where there is no network")
        yield from _field("out", "", "into")
        yield from _field("size", f"{DEFAULT_SIZE} px per side", number=True)
        yield from _field("limit", "all: images a class and split", number=True)
        yield from _field("classes", "all; or only the first N", number=True)
        with Horizontal(id="row-skip-bad"):
            yield Label("")
            yield Tick("skip files that are not images", id="skip-bad", compact=True)

    def on_mount(self) -> None:
        self._show_rows()

    @property
    def form(self) -> Form:
        texts = {name: self.query_one(f"#{name}", Input).value.strip() for name in _TEXTS}
        source = str(self.query_one("#source", Select).value)
        return Form(source, skip_bad=self.query_one("#skip-bad", Checkbox).value, **texts)

    def begin_anew(self) -> None:
        """Forget what cut the last dataset short, and where it went: the next one would be cut unnoticed."""
        for name in OF_ONE_DATASET:
            self.query_one(f"#{name}", Input).value = ""

    def show_default(self, out: str) -> None:
        """Where the dataset goes when nothing is typed."""
        self.query_one("#out", Input).placeholder = end_of(out, MOST_PATH)  # the command below has all of it

    def on_key(self, event: events.Key) -> None:
        """Up and down leave a field of one line; a list of choices has its own use for them."""
        if event.key in ("up", "down") and isinstance(self.screen.focused, Input | Checkbox | Choice):
            event.stop()
            if event.key == "up":
                self.screen.focus_previous(_STOPS)
            else:
                self.screen.focus_next(_STOPS)

    @on(Select.Changed)
    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _tell(self, event: Message) -> None:
        event.stop()
        self._show_rows()
        self.post_message(self.Changed(self.form))

    def _show_rows(self) -> None:
        folder = self.query_one("#source", Select).value == FOLDER
        cifar = str(self.query_one("#source", Select).value).startswith("cifar")
        for row, shown in (("folder", folder), ("skip-bad", folder), ("archive", cifar)):
            self.query_one(f"#row-{row}").display = shown


OF_ONE_DATASET = ("out", "limit", "classes")
_TEXTS = ("folder", "archive", "out", "size", "limit", "classes")
_PATHS = ("folder", "archive", "out")
_STOPS = "PrepareForm Input, PrepareForm Select, PrepareForm Checkbox"


def _field(name: str, placeholder: str, label: str = "", *, number: bool = False) -> Iterator[Widget]:
    with Horizontal(id=f"row-{name}"):
        yield Label(label or name)
        yield Input(
            id=name,
            placeholder=placeholder,
            restrict=r"[0-9]*" if number else PRINTABLE,
            max_length=9 if number else 4096,
            compact=True,
            select_on_focus=False,
            suggester=PathSuggester() if name in _PATHS else None,
        )
