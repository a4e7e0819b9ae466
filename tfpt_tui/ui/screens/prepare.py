"""Prepare: the datasets that are at hand, and how to make one."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import ScrollableContainer
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tfpt_tui.config.paths import Paths
from tfpt_tui.results.datasets import datasets_table, known_datasets
from tfpt_tui.results.table import as_text
from tfpt_tui.ui.keys import PREPARE, bindings
from tfpt_tui.ui.widgets.title_bar import TitleBar

HOW = """\
Make a dataset from the shell; 2 Build then offers it.

  tfpt-tui prepare cifar100 --out {out}/cifar100
  tfpt-tui prepare synthetic --out {out}/synthetic
  tfpt-tui prepare FOLDER --out {out}/NAME

FOLDER has train/CLASS/* and test/CLASS/*, or only CLASS/*, which is split 5:1.
A dataset in another directory is as good: name it in 2 Build, or with tfpt-tui run --data DIR.
"""


class PrepareScreen(Screen[None]):
    BINDINGS = bindings(PREPARE)
    DEFAULT_CSS = """
    PrepareScreen #page { height: 1fr; padding: 1 2; }
    PrepareScreen #datasets { width: auto; margin-bottom: 1; text-wrap: nowrap; }
    """

    @dataclass
    class Found(Message):
        text: str

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._paths = paths

    def compose(self) -> ComposeResult:
        yield TitleBar(PREPARE)
        with ScrollableContainer(id="page"):
            yield Static("looking for datasets", id="datasets", markup=False)
            yield Static(HOW.format(out=self._paths.datasets), markup=False)
        yield Footer(compact=True)

    def on_screen_resume(self) -> None:
        self.action_rescan()

    @work(thread=True, exclusive=True)
    def action_rescan(self) -> None:
        found = known_datasets(self._paths)
        text = (
            as_text(datasets_table(found))
            if found
            else f"No datasets in {self._paths.datasets} or in recorded runs."
        )
        self.post_message(self.Found(text))

    @on(Found)
    def _show(self, message: Found) -> None:
        self.query_one("#datasets", Static).update(message.text)

    def action_cursor_down(self) -> None:
        self.query_one("#page", ScrollableContainer).scroll_down()

    def action_cursor_up(self) -> None:
        self.query_one("#page", ScrollableContainer).scroll_up()
