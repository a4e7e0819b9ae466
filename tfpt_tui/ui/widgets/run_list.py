"""The runs on the left of the Monitor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.schema import FRAMEWORK_TITLES
from tfpt_tui.ui.theme import FRAMEWORK_COLOURS, GLYPHS, status_style
from tfpt_tui.ui.watch import ListedRun


class RunList(OptionList):
    """Two lines a run. Only entries that changed are painted; the highlight stays on its run."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._runs: tuple[ListedRun, ...] = ()

    @property
    def chosen(self) -> str | None:
        return None if self.highlighted is None else self.get_option_at_index(self.highlighted).id

    def show(self, runs: Sequence[ListedRun], chosen: str | None) -> None:
        """Show the runs and put the highlight on the chosen one."""
        runs = tuple(runs)
        if [run.id for run in runs] == [run.id for run in self._runs]:
            for index, (new, old) in enumerate(zip(runs, self._runs, strict=True)):
                if new != old:
                    self.replace_option_prompt_at_index(index, _prompt(new))
        else:
            self.clear_options()
            self.add_options(Option(_prompt(run), id=run.id) for run in runs)
        self._runs = runs
        if chosen is not None and chosen != self.chosen:
            self.highlighted = self.get_option_index(chosen)


def _prompt(run: ListedRun) -> Content:
    name = FRAMEWORK_TITLES.get(run.framework, run.framework)
    return Content.assemble(
        (f"{GLYPHS.get(run.status, '?')} ", status_style(run.status)),
        (name, FRAMEWORK_COLOURS.get(run.framework, "")),
        (f" {run.status.replace('_', ' ')}", status_style(run.status)),
        (f"\n  {run.detail}", "$foreground-muted"),
    )
