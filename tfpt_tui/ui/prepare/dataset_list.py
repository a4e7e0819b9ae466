"""The left of Prepare: a new dataset, preparations under way, and the datasets that are there."""

from __future__ import annotations

from collections import Counter

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.errors import printable
from tfpt_tui.results.store.datasets import Dataset
from tfpt_tui.runs.tasks.preparation import Preparation
from tfpt_tui.ui.prepare.datasets_snapshot import NEW, DatasetsSnapshot
from tfpt_tui.ui.theme import GLYPHS, status_style


class DatasetList(OptionList):
    """Two lines an entry. Only entries that changed are painted; the highlight stays on its entry."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._prompts: dict[str, Content] = {}

    def show(self, snapshot: DatasetsSnapshot, chosen: str) -> None:
        """Show the snapshot and put the highlight on the chosen entry."""
        names = Counter(one.path.name for one in snapshot.datasets)
        prompts = {NEW: _new()}
        for entry, one in snapshot.entries.items():
            prompts[entry] = (
                _preparation(one) if isinstance(one, Preparation) else _dataset(one, names[one.path.name] > 1)
            )
        if list(prompts) == list(self._prompts):
            for entry, prompt in prompts.items():
                if not prompt.is_same(self._prompts[entry]):
                    self.replace_option_prompt(entry, prompt)
        else:
            self.clear_options()
            self.add_options(Option(prompt, id=entry) for entry, prompt in prompts.items())
        self._prompts = prompts
        self.highlighted = self.get_option_index(chosen if chosen in prompts else NEW)


def _new() -> Content:
    return Content.assemble(
        ("+ ", "$primary"), "new dataset", ("\n  CIFAR, a folder, synthetic", "$foreground-muted")
    )


def _preparation(one: Preparation) -> Content:
    share = f" {one.step.done / one.step.total:.0%}" if one.step and one.step.total else ""
    detail = f"{one.step.phase if one.step else 'starting'}{share}" if one.status == "running" else one.status
    return Content.assemble(
        (f"{GLYPHS.get(one.status, '?')} ", status_style(one.status)),
        printable(one.request.out.name),
        (f"\n  {detail}", status_style(one.status)),
    )


def _dataset(one: Dataset, namesake: bool) -> Content:
    """``namesake``: another dataset has the same name, so it is told where this one is."""
    name = printable(one.path.name)
    where = f" in {printable(str(one.path.parent))}" if namesake else ""
    if one.manifest is None:
        return Content.assemble(
            (f"{GLYPHS['warning']} ", "$warning"),
            name,
            (where, "$foreground-muted"),
            ("\n  not usable", "$warning"),
        )
    manifest = one.manifest
    images = manifest.total("train") + manifest.total("test")
    return Content.assemble(
        ("▪ ", "$foreground-muted"),
        name,
        (where, "$foreground-muted"),
        (f"\n  {images:,} in {len(manifest.classes):,} classes", "$foreground-muted"),
    )
