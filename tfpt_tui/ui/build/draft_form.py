"""The form of Build: a line a setting, made from the schema."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from tfpt_tui.config.schema import Setting
from tfpt_tui.errors import printable
from tfpt_tui.runs.plan.draft import FIELDS, Draft, Field, Outcome, is_path
from tfpt_tui.ui.build.text import COLUMNS, FORM, field_note, is_listed
from tfpt_tui.ui.widgets.paths import PathSuggester
from tfpt_tui.wording import end_of

PREFIX = "field-"
LABEL = 18  # columns, as the margin of the inputs in screen.tcss
MOST_PATH = 34  # what a field on 80 columns has room for
LONG = ("framework", "environment")  # whose values are long, as paths are: they take the whole line


class FieldLine(Widget):
    """Its label and its note are drawn by the line itself, around the input: a form of widgets for each is slow.

    What holds where nothing is typed stands in the empty input.
    """

    def __init__(self, key: str) -> None:
        super().__init__(classes="-long" if is_path(FIELDS[key]) or key in LONG else None)
        self.key = key
        self._shown: Field | None = None

    def compose(self) -> ComposeResult:
        suggester = PathSuggester() if is_path(FIELDS[self.key]) else None
        yield Input(id=f"{PREFIX}{self.key}", compact=True, select_on_focus=False, suggester=suggester)

    def render(self) -> Content:
        if self._shown is None:
            return Content("")
        beside = " " * (self.query_one(Input).outer_size.width + 1)
        style = "bold $primary" if self._shown.text.strip() else ""
        label = Content.styled(f"  {self.key}".ljust(LABEL), style)
        return Content.assemble(label, beside, field_note(self._shown))

    def fill(self, text: str) -> None:
        with self.prevent(Input.Changed):
            entry = self.query_one(Input)
            entry.value = printable(text)  # of a recorded run, perhaps of somebody else's
            entry.cursor_position = 0
            self.call_after_refresh(entry.action_end)  # the end of a path tells more than its beginning

    def show(self, field: Field | None) -> None:
        """Show the field, or nothing where the setting does not apply."""
        self.display = field is not None
        if field is not None and field != self._shown:
            self._shown = field
            inherited = field.inherited
            if is_path(FIELDS[self.key]):
                inherited = end_of(inherited, MOST_PATH)
            self.query_one(Input).placeholder = printable(inherited)
            self.refresh()


class FieldGroup(Vertical):
    """Settings that belong together, with a heading; gone where none of them applies."""

    def __init__(self, title: str, keys: Iterable[str]) -> None:
        super().__init__(Static(Content(title), classes="heading"), *map(FieldLine, keys))

    def show(self, outcome: Outcome) -> None:
        lines = self.query(FieldLine)
        for line in lines:
            line.show(outcome.fields.get(line.key))
        self.display = any(line.display for line in lines)


class DraftForm(VerticalScroll, can_focus=False):
    """All settings are mounted once; those that do not apply are hidden."""

    BINDINGS: ClassVar = [
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    @dataclass
    class Typed(Message):
        key: str
        text: str

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, DraftForm.Typed) and message.key == self.key

    @dataclass
    class Listed(Message):
        """The known values of a setting are wanted."""

        key: str

    @dataclass
    class Entered(Message):
        """The focus came to the field of a setting, or, with "", left the form."""

        key: str

    def __init__(self, hidden: Collection[str], *, id: str) -> None:  # noqa: A002 - Textual's name for it
        """``hidden`` are settings that have no field here."""
        super().__init__(id=id)
        self._hidden = hidden

    def compose(self) -> ComposeResult:
        with Container(id="columns"):
            for column in COLUMNS:
                with Vertical():
                    for group in column:
                        yield FieldGroup(group, (key for key in FORM[group] if key not in self._hidden))

    def show(self, outcome: Outcome) -> None:
        for group in self.query(FieldGroup):
            group.show(outcome)

    def fill(self, draft: Draft, but: str = "") -> None:
        """Put the texts of a draft into all inputs ``but`` one: while one types, it is ahead of the draft."""
        for line in self.query(FieldLine):
            if line.key != but:
                line.fill(draft.texts.get(line.key, ""))

    @property
    def focused_key(self) -> str:
        """The setting whose field has the focus, "" where none has."""
        return key_of(self.screen.focused.id if self.screen.focused else "")

    @property
    def applying(self) -> list[Setting]:
        """The settings whose fields are there."""
        return [FIELDS[line.key] for line in self.query(FieldLine) if line.display]

    def go_to(self, key: str) -> None:
        """Put the focus into the field of a setting."""
        self.query_one(f"#{PREFIX}{key}", Input).focus()

    def enter(self) -> None:
        """Go to the first field."""
        next(entry for entry in self.query(Input) if entry.parent and entry.parent.display).focus()

    @on(events.DescendantFocus)
    def _tell_entered(self, event: events.DescendantFocus) -> None:
        if key := key_of(event.widget.id):
            self.post_message(self.Entered(key))

    @on(events.DescendantBlur)
    def _tell_left(self) -> None:
        self.post_message(self.Entered(""))

    @on(Input.Changed)
    def _tell_typed(self, event: Input.Changed) -> None:
        event.stop()
        if key := key_of(event.input.id):
            self.post_message(self.Typed(key, event.value))

    @on(Input.Submitted)
    def _go_on(self, event: Input.Submitted) -> None:
        event.stop()
        key = key_of(event.input.id)
        if is_listed(key):
            self.post_message(self.Listed(key))
        else:
            self.screen.focus_next()

    def on_click(self, event: events.Click) -> None:
        """Two clicks into a field of known values list them, as enter does."""
        key = key_of(event.widget.id if event.widget else "")
        if key and event.chain == 2 and is_listed(key):
            self.post_message(self.Listed(key))


def key_of(widget_id: str | None) -> str:
    """The setting of a field's input, "" for other widgets."""
    return widget_id.removeprefix(PREFIX) if widget_id and widget_id.startswith(PREFIX) else ""
