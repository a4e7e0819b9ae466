"""The runs on the left of the Monitor, by their plans."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.documents import Value
from tfpt_tui.errors import printable
from tfpt_tui.events import ALIVE
from tfpt_tui.results.comparison.groups import END_TO_END
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.ui.monitor.choose import Entry, PlanItems
from tfpt_tui.ui.theme import GLYPHS, framework_style, status_style

# What has its own place in an item.
SHOWN = ("framework", "batch_size", "epochs", "epochs_measured", "seed", "environment", "measure")
HEAD = "plan "  # before the sweep, as the ID of the line above its items
# Figures at the right of an item, with their widths; the settings of an item may take the room of the first ones.
FIGURES = (("loss", 6), ("test", 6), ("images/s", 9))
LEAST, ROOMY = 12, 30  # columns, for one of them and for all


@dataclass(frozen=True)
class Beside:
    """What is known of the items beside their results: letters of curves and percent done by run, and what is left
    of plans by sweep; and the figure that stands last and always has room, as it orders them.
    """

    marks: Mapping[str, str]
    percent: Mapping[str, int]
    left: Mapping[str, str]
    deciding: str


class RunList(OptionList):
    """Two lines an item. Only items that changed are painted; the highlight stays on its item."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._shown: dict[str, Content] = {}
        self._items: dict[str, Entry] = {}
        self._drawn: dict[str, tuple[Entry, tuple[object, ...], Content]] = {}
        self._asked: tuple[Sequence[PlanItems], str | None, Beside] | None = None

    @property
    def chosen(self) -> str | None:
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def on_resize(self) -> None:
        if self._asked:
            self.show(*self._asked)

    def show(self, plans: Sequence[PlanItems], chosen: str | None, beside: Beside) -> None:
        """Show the items, and highlight the chosen one."""
        self._asked = (plans, chosen, beside)
        columns = self.scrollable_content_region.width - 1  # a scroll bar may come
        self._items = {entry.id: entry for plan in plans for entry in plan.entries}
        before, self._shown = self._shown, {}
        for plan in plans:
            if plan.is_headed:
                self._shown[HEAD + plan.sweep] = _heading(plan, beside.left.get(plan.sweep, ""))
            for entry in plan.entries:
                self._shown[entry.id] = self._item(entry, beside, columns, plan)
        if list(self._shown) == list(before):
            for index, (name, prompt) in enumerate(self._shown.items()):
                if prompt != before[name]:
                    self.replace_option_prompt_at_index(index, prompt)
        else:
            self.clear_options()
            self.add_options(
                Option(prompt, id=name, disabled=name not in self._items) for name, prompt in self._shown.items()
            )
        if chosen in self._items and chosen != self.chosen:
            self.highlighted = self.get_option_index(str(chosen))

    def _item(self, entry: Entry, beside: Beside, columns: int, plan: PlanItems) -> Content:
        """What is shown of the item: the same object as before where nothing has changed."""
        mark = "".join(sorted(beside.marks.get(run.run, "") for run in entry.runs))
        state = (mark, beside.percent.get(entry.run.run), columns, beside.deciding)
        known = self._drawn.get(entry.id)
        if known is None or known[0] is not entry or known[1] != state:
            known = self._drawn[entry.id] = (entry, state, _prompt(entry, beside, columns, plan))
        return known[2]

    @property
    def listed(self) -> Collection[str]:
        """The IDs of the items that the filter leaves."""
        return self._items.keys()

    def choose_first(self) -> None:
        """Highlight the first item, which may stand below a heading."""
        if self._items:
            self.highlighted = self.get_option_index(next(iter(self._items)))

    def nearest_beside(self, gone: Collection[str]) -> str | None:
        """The item to choose when those whose runs are all ``gone`` are gone: the next, else the one before."""
        items = [(name, all(run.run in gone for run in entry.runs)) for name, entry in self._items.items()]
        place = next((index for index, (name, _) in enumerate(items) if name == self.chosen), 0)
        following = [*items[place:], *reversed(items[:place])]
        return next((name for name, goes in following if not goes), None)

    async def _on_click(self, event: events.Click) -> None:
        """Choose the run, and no more: only the second of two clicks opens it, as enter does."""
        event.prevent_default()
        clicked = event.style.meta.get("option")
        if clicked is not None and not self.get_option_at_index(clicked).disabled:
            self.highlighted = clicked
            if event.chain > 1:
                self.action_select()


def titles(columns: int, deciding: str) -> str:
    """What stands above the figures of the items."""
    return "".join(title.rjust(width) for title, width in _shown_figures(columns, deciding))


def _shown_figures(columns: int, deciding: str) -> list[tuple[str, int]]:
    """Titles and widths of the figures for which there is room, the deciding one last; none before a layout."""
    ordered = sorted(FIGURES, key=lambda figure: figure[0] == deciding)
    return [] if columns < LEAST else ordered if columns >= ROOMY else ordered[-1:]


def _heading(plan: PlanItems, left: str) -> Content:
    """The plan's name and time; how far it is, and how long it takes yet: before what may be cut."""
    run, statuses = plan.entries[0].run, [entry.status for entry in plan.entries]
    over = sum(status not in ALIVE for status in statuses)
    done = statuses.count("completed")
    state = f"{over}/{len(statuses)}" if over < len(statuses) else ""
    if over == len(statuses) and done < over:
        state = f"{done}/{over} completed"
    state += f", {left} left" if left else ""
    shared = [text for key, text in _usual(run).items() if key not in plan.varied and key != "seed"]
    where = [f"on {printable(run.machine)}"] if run.machine else []
    name, when = printable(run.preset or "plan"), _when(run.run)
    words = [name, *where, state, when] if left else [name, when, *where, state or " ".join(shared)]
    return Content.styled(" ".join(word for word in words if word), "bold")


def _prompt(entry: Entry, beside: Beside, columns: int, plan: PlanItems) -> Content:
    frameworks = dict.fromkeys(arm.split("-")[2] for arm in entry.arms or (entry.run.run,))
    names = [Content.styled(title_of(name), framework_style(name)) for name in frameworks]
    status = status_style(entry.status)
    percent = beside.percent.get(entry.run.run)
    progress = f" {percent}%" if percent is not None and entry.status == "running" and not entry.arms else ""
    mark = "".join(sorted(beside.marks.get(run.run, "") for run in entry.runs))
    detail = f"  {_detail(entry, plan)}"
    room = columns - len(detail)
    figures = _rates_of_arms(entry, room) if entry.arms else _figures(entry.run, columns, room, beside.deciding)
    if figures and len(figures) > room:
        detail = f"{detail[: columns - len(figures) - 1]}…"
    return Content.assemble(
        (f"{GLYPHS.get(entry.status, '?')} ", status),
        Content(" ").join(names),
        (f" {entry.status.replace('_', ' ')}{progress}", status),
        (f" {mark}", "bold"),
        ("".join(f" #{tag}" for tag in entry.run.notes.tags), "$primary"),
        (f"\n{detail}", "$foreground-muted"),
        figures.rjust(columns - len(detail)),
    )


def _detail(entry: Entry, plan: PlanItems) -> str:
    """When it was where no heading says so; what differs within the plan; and the usual settings."""
    run = entry.run
    config = run.config
    settings = [] if plan.is_headed else [_when(run.run)]
    settings += [f"on {printable(run.machine)}"] if run.machine and not plan.is_headed else []
    settings += [f"duel x{entry.restarts}"] if entry.arms else []
    if config.is_known:
        varied = [key for key in plan.varied if key not in SHOWN] if plan.is_headed else []
        settings += [_value(key, run.setting(key)) for key in varied]
        settings += [config.measure] if config.measure != END_TO_END else []
        usual = _usual(run).items()
        settings += [text for key, text in usual if (key in plan.varied if plan.is_headed else key != "seed")]
        settings += [printable(config.environment)] if config.environment != DEFAULT_ENVIRONMENT else []
    return " ".join(settings)


def _usual(run: RunResult) -> dict[str, str]:
    """The settings that have an abbreviation, by their keys."""
    config = run.config
    part = f"{config.epochs_trained}/" if config.epochs_trained < config.epochs else ""
    texts = (f"b{config.batch_size}", f"e{part}{config.epochs}", f"s{config.seed}")
    return dict(zip(("batch_size", "epochs", "seed"), texts, strict=True)) if config.is_known else {}


def _value(key: str, value: Value | None) -> str:
    """Such as ``best``, ``cache on`` or ``num_workers 2``."""
    if isinstance(value, bool):
        return f"{key} {'on' if value else 'off'}"
    return printable(value) if isinstance(value, str) else f"{key} {value}"


def _figures(run: RunResult, columns: int, room: int, deciding: str) -> str:
    """The deciding figure of a run, and the others as far as there is room beside its settings."""
    texts = {
        "loss": _number(run.training.loss if run.test.loss is None else run.test.loss, ".2f"),
        "test": _number(run.test.accuracy, ".3f"),
        "images/s": _number(run.training.throughput, ",.0f"),
    }
    shown = [texts[title].rjust(width) for title, width in _shown_figures(columns, deciding)]
    while len(shown) > 1 and sum(map(len, shown)) > room:
        shown.pop(0)
    return "".join(shown) if "".join(shown).strip() else ""


def _rates_of_arms(entry: Entry, room: int) -> str:
    """Images/s of the arms of a duel's latest restart, in their order."""
    by_run = {run.run: run for run in entry.runs}
    rates = [_number(by_run[arm].training.throughput, ",.0f") for arm in entry.arms if arm in by_run]
    text = " ".join(filter(None, rates))
    return text if len(text) < room else ""


def _number(value: float | None, form: str) -> str:
    return format(value, form) if value is not None and math.isfinite(value) else ""


def _when(name: str) -> str:
    """Month, day and time of an ID."""
    day, time = name.split("-")[:2]
    return f"{day[4:6]}-{day[6:8]} {time[:2]}:{time[2:4]}"
