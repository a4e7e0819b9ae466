"""The names of a screen's views in one line, those that are shown standing out; a click shows one."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from tfpt_tui.ui.theme import ACTIVE


class ViewBar(Static):
    DEFAULT_CSS = "ViewBar { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, views: Mapping[str, str], *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, markup=False)
        self._views = views

    def show(self, shown: tuple[str, ...]) -> None:
        names = []
        for view, title in self._views.items():
            name = Content.styled(title, ACTIVE if view in shown else "")
            names.append(name.stylize(Style.from_meta({"@click": f"screen.show_view('{view}')"})))
        self.update(Content(" ").join(names), layout=False)
