"""The runs on the left of the Monitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT
from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.groups import END_TO_END
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.ui.theme import GLYPHS, framework_style, status_style


class RunList(OptionList):
    """Two lines a run. Only entries that changed are painted; the highlight stays on its run."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._shown: dict[str, tuple[RunResult, str, Content]] = {}

    @property
    def chosen(self) -> str | None:
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def show(self, runs: Sequence[RunResult], chosen: str | None, marks: Mapping[str, str]) -> None:
        """Show the runs and highlight the chosen one; ``marks`` are letters beside runs, by their IDs."""
        before = self._shown
        shown = {run.run: self._entry(run, marks.get(run.run, "")) for run in runs}
        self._shown = shown
        if list(shown) == list(before):
            for index, run in enumerate(shown):
                if shown[run] is not before[run]:
                    self.replace_option_prompt_at_index(index, shown[run][2])
        else:
            self.clear_options()
            self.add_options(Option(prompt, id=run) for run, (_, _, prompt) in shown.items())
        if chosen in shown and chosen != self.chosen:
            self.highlighted = self.get_option_index(str(chosen))

    async def _on_click(self, event: events.Click) -> None:
        """Choose the run, and no more: only the second of two clicks opens it, as enter does."""
        event.prevent_default()
        clicked = event.style.meta.get("option")
        if clicked is not None:
            self.highlighted = clicked
            if event.chain > 1:
                self.action_select()

    def _entry(self, run: RunResult, mark: str) -> tuple[RunResult, str, Content]:
        """What is shown of the run: the same object as before where nothing has changed."""
        known = self._shown.get(run.run)
        return known if known and known[0] is run and known[1] == mark else (run, mark, _prompt(run, mark))


def _prompt(run: RunResult, mark: str) -> Content:
    name = title_of(run.framework)
    return Content.assemble(
        (f"{GLYPHS.get(run.status, '?')} ", status_style(run.status)),
        (name, framework_style(run.framework)),
        (f" {run.status.replace('_', ' ')}", status_style(run.status)),
        (f" {mark}", "bold"),
        (f"\n  {_detail(run)}", "$foreground-muted"),
    )


def _detail(run: RunResult) -> str:
    day, time = run.run.split("-")[:2]
    config = run.config
    settings = []
    if config.is_known:
        settings += [config.measure] if config.measure != END_TO_END else []
        part = f"{config.epochs_trained}/" if config.epochs_trained < config.epochs else ""
        settings += [f"b{config.batch_size}", f"e{part}{config.epochs}"]
        settings += [printable(config.environment)] if config.environment != DEFAULT_ENVIRONMENT else []
    return " ".join([f"{day[4:6]}-{day[6:8]} {time[:2]}:{time[2:4]}", *settings])
