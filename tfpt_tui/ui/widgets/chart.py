"""A chart: curves by plotext, drawn again only when the data or the size has changed."""

from __future__ import annotations

import locale

from rich.text import Text
from textual.widget import Widget

from tfpt_tui.ui.plot import Frame, Series, draw


class Chart(Widget):
    """Shows series in a fixed range of x; ``y_range`` of None follows the data."""

    DEFAULT_CSS = "Chart { height: 1fr; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, title: str, y_range: tuple[float, float] | None = None, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = title
        self._y_range = y_range
        self._series: tuple[Series, ...] = ()
        self._x_range = (0.0, 1.0)
        self._drawn: tuple[tuple[object, ...], Text] | None = None

    def show(self, series: tuple[Series, ...], x_range: tuple[float, float], title: str = "") -> None:
        """Show other curves; ``title`` replaces the one that the chart was made with."""
        title = title or self._title
        if (series, x_range, title) != (self._series, self._x_range, self._title):
            self._series, self._x_range, self._title = series, x_range, title
            self.refresh()

    def render(self) -> Text:
        key = (self._series, self._x_range, self._title, self.size)
        if self._drawn is None or self._drawn[0] != key:
            frame = Frame(self._title, self.size.width, self.size.height, self._x_range, self._y_range, marker())
            self._drawn = (key, draw(self._series, frame))
        return self._drawn[1]


def marker() -> str:
    """Braille where the locale can show it: two by four points a cell, and in nearly every font."""
    return "braille" if locale.getpreferredencoding(False).upper().replace("-", "") == "UTF8" else "dot"
