"""What can be compared, on the left of the Compare screen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.errors import printable
from tfpt_tui.results.requests.comparables import ALL, PUBLISHED, SWEEP, Choice
from tfpt_tui.ui.theme import GLYPHS, framework_style

HEADINGS = {SWEEP: "Sweeps", ALL: "", PUBLISHED: "Theirs and yours"}
# More than that nobody scrolls: words after / find the older ones.
MAX_SWEEPS = 500


class ChoiceList(OptionList):
    """Two lines an entry, a heading above each kind; marked entries have a tick."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._choices: dict[str, Choice] = {}
        self._all: dict[str, Choice] = {}
        self.marked: set[str] = set()
        self._newest = ""

    @property
    def chosen(self) -> tuple[Choice, ...]:
        """The marked entries, also those that a filter hides, else the one under the cursor."""
        marked = tuple(
            self._choices.get(name, choice) for name, choice in self._all.items() if name in self.marked
        )
        if marked or self.highlighted is None:
            return marked
        own = self._choices.get(self.get_option_at_index(self.highlighted).id or "")
        return (own,) if own else ()

    def show(self, choices: Sequence[Choice], among: Sequence[Choice], to_news: bool = False) -> None:
        """Show the choices, of all that are there; cursor and marks stay where they were.

        ``to_news`` moves the cursor to the first one where that is another than before, unless some are marked.
        """
        before = self._id_at_cursor()
        sweeps = [choice for choice in choices if choice.kind == SWEEP][:MAX_SWEEPS]
        shown = [*sweeps, *(choice for choice in choices if choice.kind != SWEEP)]
        self._choices = {choice.id: choice for choice in shown}
        self._all = {choice.id: choice for choice in among}
        self.marked &= self._all.keys()
        options: list[Option] = []
        kind = ""
        for choice in shown:
            if choice.kind != kind:
                kind = choice.kind
                if HEADINGS[kind]:
                    options.append(Option(Content.styled(HEADINGS[kind], "$foreground-muted"), disabled=True))
            options.append(Option(self._prompt(choice), id=choice.id))
        self.clear_options()
        self.add_options(options)
        newest, self._newest = self._newest, among[0].id if among else ""
        has_news = to_news and not self.marked and self._newest != newest
        if before in self._choices and not has_news:
            self.highlighted = self.get_option_index(before)
        else:
            self.action_first()

    def toggle_mark(self) -> None:
        """Mark the entry under the cursor, or take its mark off."""
        own = self._id_at_cursor()
        if own in self._choices:
            self.marked ^= {own}
            self.replace_option_prompt(own, self._prompt(self._choices[own]))

    def _id_at_cursor(self) -> str:
        return "" if self.highlighted is None else self.get_option_at_index(self.highlighted).id or ""

    def _prompt(self, choice: Choice) -> Content:
        mark = f"{GLYPHS['completed']} " if choice.id in self.marked else "  "
        name = choice.preset or choice.name
        began = f" {choice.began:%m-%d %H:%M}" if choice.began else ""
        count = len(choice.summaries)
        frameworks = choice.frameworks
        several = "both frameworks" if len(frameworks) == 2 else f"{len(frameworks)} frameworks"
        label: Content | tuple[str, str] = (several, "$foreground-muted")
        if len(frameworks) == 1:
            (one,) = frameworks
            label = (title_of(one, printable(one)), framework_style(one))
        return Content.assemble(
            (mark, "$text-success"),
            printable(name),
            (began, "$foreground-muted"),
            (f"\n  {count:,} run{'' if count == 1 else 's'} ", "$foreground-muted"),
            label,
        )
