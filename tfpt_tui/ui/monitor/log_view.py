"""All warnings of a run, and the end of its worker's log, which can be searched."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from tfpt_tui.errors import printable
from tfpt_tui.events import RunWarning
from tfpt_tui.ui.theme import GLYPHS


class LogView(Vertical):
    DEFAULT_CSS = """
    LogView #warnings { height: auto; max-height: 40%; color: $text-warning; border-bottom: solid $panel; }
    LogView #lines { height: 1fr; scrollbar-size-vertical: 1; }
    LogView #searching { display: none; height: 1; }
    LogView.-searching #searching { display: block; }
    LogView #search { width: 1fr; }
    LogView #found { width: 20; color: $text-muted; text-align: right; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._given: tuple[str, ...] | None = None
        self._lines: tuple[str, ...] = ()
        self._warnings: str | None = None
        self._needle = ""
        self._match = 0

    def compose(self) -> ComposeResult:
        yield Static(id="warnings", markup=False)
        with VerticalScroll(id="lines"):
            yield Static(id="text", markup=False)
        with Horizontal(id="searching"):
            yield Input(placeholder="search in the log", id="search", compact=True)
            yield Static(id="found", markup=False)

    def show(self, lines: Sequence[str], warnings: Sequence[RunWarning]) -> None:
        """Show what differs; a reader at the end of the log stays there."""
        text = "\n".join(f"{GLYPHS['warning']} {printable(str(warning))}" for warning in warnings)
        if text != self._warnings:
            self._warnings = text
            self.query_one("#warnings", Static).update(text)
            self.query_one("#warnings").display = bool(text)
        if tuple(lines) != self._given:
            self._given = tuple(lines)
            self._lines = tuple(plain(line) for line in lines)
            at_end = self.query_one("#lines", VerticalScroll).is_vertical_scroll_end
            self._paint()
            if at_end and not self._needle:
                self.query_one("#lines", VerticalScroll).scroll_end(animate=False)

    def search(self) -> None:
        """Ask what to search for."""
        self.add_class("-searching")
        self.query_one("#search", Input).focus()

    def end_search(self) -> bool:
        """Take the search away; False where there was none."""
        was = self.has_class("-searching")
        self.remove_class("-searching")
        self.query_one("#search", Input).value = ""
        if was:
            self.query_one("#lines").focus()
        return was

    def go_to(self, steps: int) -> None:
        """Go to the next match, or to the one before."""
        places = self._places()
        if places:
            self._match = (self._match + steps) % len(places)
            self._paint()
            self.query_one("#lines", VerticalScroll).scroll_to(y=max(0, places[self._match] - 2), animate=False)

    @on(Input.Changed, "#search")
    def _search(self, event: Input.Changed) -> None:
        self._needle, self._match = event.value.lower(), 0
        self._paint()
        self.go_to(0)

    @on(Input.Submitted, "#search")
    def _leave_input(self) -> None:
        self.query_one("#lines").focus()

    def _places(self) -> list[int]:
        return [place for place, line in enumerate(self._lines) if self._needle and self._needle in line.lower()]

    def _paint(self) -> None:
        places = self._places()
        self._match = min(self._match, max(len(places) - 1, 0))  # the log may be another one by now
        chosen = places[self._match] if places else -1
        styles = {place: "reverse" if place == chosen else "bold $text-primary" for place in places}
        lines = [Content.styled(line, styles.get(place, "")) for place, line in enumerate(self._lines)]
        self.query_one("#text", Static).update(Content("\n").join(lines) if lines else "the log is empty")
        found = "not found" if self._needle else ""
        if places:
            found = f"{self._match + 1} of {len(places)}, n and N"
        self.query_one("#found", Static).update(found)


def plain(line: str) -> str:
    """A line of a log without the colours and movements that a library meant for a terminal of its own."""
    return printable(Text.from_ansi(line.rpartition("\r")[2] or line.rstrip("\r")).plain.expandtabs(4))
