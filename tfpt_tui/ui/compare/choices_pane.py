"""The left of Compare: what can be compared, filtered, and how much of it is shown."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, OptionList, Static

from tfpt_tui.errors import TfptError, printable
from tfpt_tui.results.comparison.filters import Filter, read_filter
from tfpt_tui.results.requests.comparables import Choice, narrow
from tfpt_tui.ui.compare.choice_list import ChoiceList


class ChoicesPane(Vertical):
    """The filter is shown while it is used; the problem with it, if there is one, stands below it."""

    class Narrowed(Message):
        """Other choices pass the filter."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.choices: Sequence[Choice] = ()
        self.kept: Sequence[Choice] = ()  # those that pass the filter
        self._filter = Filter()

    def compose(self) -> ComposeResult:
        yield Static("reading the runs ...", id="count", markup=False)
        yield Input(placeholder="demo batch_size>32", id="filter", compact=True)
        yield Static(id="problem", markup=False)
        yield ChoiceList(id="choices")

    @property
    def filtered(self) -> bool:
        """Whether the field for the filter is shown."""
        return self.has_class("-filter")

    def show(self, choices: Sequence[Choice], to_news: bool) -> None:
        """Show these; ``to_news`` as :meth:`ChoiceList.show` takes it."""
        self.choices = choices
        self.kept = narrow(choices, self._filter)
        self._show(to_news)

    def tell_progress(self, done: int, total: int) -> None:
        self.query_one("#count", Static).update(f"reading run {done:,} of {total:,}")

    def search(self) -> None:
        """Show the filter, and type into it."""
        self.add_class("-filter")
        self.query_one(Input).focus()

    def end_search(self) -> None:
        self.query_one(Input).value = ""
        self.remove_class("-filter", "-problem")
        self.query_one(ChoiceList).focus()

    def toggle_mark(self) -> None:
        """Mark the entry under the cursor, or take its mark off."""
        self.query_one(ChoiceList).toggle_mark()
        self._count()

    def _show(self, to_news: bool = False) -> None:
        with self.prevent(OptionList.OptionHighlighted):
            self.query_one(ChoiceList).show(self.kept, among=self.choices, to_news=to_news)
        self._count()

    def _count(self) -> None:
        """How many there are, and pass the filter, which hides no mark."""
        count, marked = f"{len(self.choices)}", len(self.query_one(ChoiceList).marked)
        if self._filter != Filter():
            count = f"{len(self.kept)} of {count}"
        self.query_one("#count", Static).update(f"{count}, {marked} marked" if marked else f"{count} to compare")

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        """What is not a condition, perhaps not yet, or leaves nothing, is said and changes nothing."""
        problem = ""
        try:
            found = read_filter(event.value)
        except TfptError as error:
            problem = str(error)
        else:
            if (kept := narrow(self.choices, found)) or not self.choices:
                self._filter, self.kept = found, kept
                self._show()
                self.post_message(self.Narrowed())
            else:
                problem = f"nothing matches {event.value}"
        self.query_one("#problem", Static).update(printable(problem))
        self.set_class(bool(problem), "-problem")

    @on(Input.Submitted)
    def _leave_filter(self) -> None:
        self.query_one(ChoiceList).focus()
