"""The runs on the left of the Monitor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from textual import events
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.groups import END_TO_END
from tfpt_tui.ui.monitor.choose import Entry
from tfpt_tui.ui.theme import GLYPHS, framework_style, status_style


class RunList(OptionList):
    """Two lines an item. Only items that changed are painted; the highlight stays on its item."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._shown: dict[str, tuple[Entry, str, Content]] = {}

    @property
    def chosen(self) -> str | None:
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def show(self, entries: Sequence[Entry], chosen: str | None, marks: Mapping[str, str]) -> None:
        """Show the items and highlight the chosen one; ``marks`` are letters beside runs, by their IDs."""
        before = self._shown
        shown = {
            entry.id: self._item(entry, "".join(sorted(marks.get(run.run, "") for run in entry.runs)))
            for entry in entries
        }
        self._shown = shown
        if list(shown) == list(before):
            for index, entry in enumerate(shown):
                if shown[entry] is not before[entry]:
                    self.replace_option_prompt_at_index(index, shown[entry][2])
        else:
            self.clear_options()
            self.add_options(Option(prompt, id=entry) for entry, (_, _, prompt) in shown.items())
        if chosen in shown and chosen != self.chosen:
            self.highlighted = self.get_option_index(str(chosen))

    def nearest_beside(self, gone: Collection[str]) -> str | None:
        """The item to choose when those whose runs are all ``gone`` are gone: the next, else the one before."""
        items = [(entry, all(run.run in gone for run in shown[0].runs)) for entry, shown in self._shown.items()]
        place = next((index for index, (entry, _) in enumerate(items) if entry == self.chosen), 0)
        following = [*items[place:], *reversed(items[:place])]
        return next((entry for entry, goes in following if not goes), None)

    async def _on_click(self, event: events.Click) -> None:
        """Choose the run, and no more: only the second of two clicks opens it, as enter does."""
        event.prevent_default()
        clicked = event.style.meta.get("option")
        if clicked is not None:
            self.highlighted = clicked
            if event.chain > 1:
                self.action_select()

    def _item(self, entry: Entry, mark: str) -> tuple[Entry, str, Content]:
        """What is shown of the item: the same object as before where nothing has changed."""
        known = self._shown.get(entry.id)
        if known and known[1] == mark and known[0].runs == entry.runs:
            return known
        return entry, mark, _prompt(entry, mark)


def _prompt(entry: Entry, mark: str) -> Content:
    frameworks = dict.fromkeys(arm.split("-")[2] for arm in entry.arms or (entry.run.run,))
    names = [Content.styled(title_of(name), framework_style(name)) for name in frameworks]
    status = status_style(entry.status)
    return Content.assemble(
        (f"{GLYPHS.get(entry.status, '?')} ", status),
        Content(" ").join(names),
        (f" {entry.status.replace('_', ' ')}", status),
        (f" {mark}", "bold"),
        (f"\n  {_detail(entry)}", "$foreground-muted"),
    )


def _detail(entry: Entry) -> str:
    run = entry.run
    day, time = run.run.split("-")[:2]
    config = run.config
    settings = [f"duel x{entry.restarts}"] if entry.arms else []
    if config.is_known:
        settings += [config.measure] if config.measure != END_TO_END else []
        part = f"{config.epochs_trained}/" if config.epochs_trained < config.epochs else ""
        settings += [f"b{config.batch_size}", f"e{part}{config.epochs}"]
        settings += [printable(config.environment)] if config.environment != DEFAULT_ENVIRONMENT else []
    settings += [f"#{tag}" for tag in run.notes.tags]
    return " ".join([f"{day[4:6]}-{day[6:8]} {time[:2]}:{time[2:4]}", *settings])
