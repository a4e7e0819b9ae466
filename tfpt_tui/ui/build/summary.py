"""The line below a draft: how many runs, how long, and when they start."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tfpt_tui.runs.plan.draft import Outcome
from tfpt_tui.ui.build import text
from tfpt_tui.ui.build.plan_preview import PlanPreview


class Summary(Static):
    """Painted when one of the facts changes that it tells of."""

    outcome: reactive[Outcome | None] = reactive(None, layout=True)
    preview: reactive[PlanPreview | None] = reactive(None, layout=True)
    waiting: reactive[str] = reactive("", layout=True)
    starting: reactive[bool] = reactive(False, layout=True)
    search: reactive[str] = reactive("", layout=True)
    lacks_datasets: reactive[bool] = reactive(False, layout=True)

    def render(self) -> Content:
        return text.with_search(self._plan(), self.search)

    def _plan(self) -> Content:
        if self.outcome is None:
            return Content("")
        if self.starting:
            return Content("checking datasets, frameworks and devices before the start")
        if self.lacks_datasets and self.outcome.problem and not self.outcome.flaw:
            return Content.styled("no datasets yet: press esc, then 1 to make one", "$text-warning")
        return text.summary(self.outcome, self.preview, self.waiting)
