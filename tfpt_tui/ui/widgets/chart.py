"""A chart: curves by plotext, drawn again only when the data or the size has changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from textual import events
from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from tfpt_tui.ui.keys import CHARTS, bindings
from tfpt_tui.ui.plot import Frame, Series, draw, x_at
from tfpt_tui.ui.theme import CURSOR_COLOUR

ZOOM = 2.0
MOST_ZOOM = 64.0


class Chart(Widget, can_focus=True):
    """Shows series in a fixed range of x; ``y_range`` of None follows the data.

    A ``fitted`` one follows the data, too, until the whole of its ``y_range`` is wanted. With the focus it has a
    cursor that reads values, and can be enlarged around it.
    """

    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; }
    Chart:focus { background: $boost; }
    """
    ALLOW_MAXIMIZE = True
    BINDINGS = bindings(CHARTS)

    cursor: var[float | None] = var(None, init=False)
    zoom: var[float] = var(1.0, init=False)
    fitted: var[bool] = var(False, init=False)

    def __init__(
        self,
        title: str,
        y_range: tuple[float, float] | None = None,
        *,
        fitted: bool = False,
        id: str,  # noqa: A002 - Textual's name for it
    ) -> None:
        super().__init__(id=id)
        self.set_reactive(Chart.fitted, fitted)
        self._title = title
        self._y_range = y_range
        self._series: tuple[Series, ...] = ()
        self._x_range = (0.0, 1.0)
        self._log = False
        self._lines: list[Strip] = []

    def show(
        self, series: Sequence[Series], x_range: tuple[float, float], *, title: str = "", log: bool = False
    ) -> None:
        """Show these curves, with another title where one is given; only lines that differ are painted."""
        title = title or self._title
        if (tuple(series), x_range, title, log) != (self._series, self._x_range, self._title, self._log):
            self._series, self._x_range, self._title, self._log = tuple(series), x_range, title, log
            self._redraw()

    def on_resize(self) -> None:
        self._redraw()

    def watch_cursor(self) -> None:
        self._redraw()

    def watch_zoom(self) -> None:
        self._redraw()

    def watch_fitted(self) -> None:
        self._redraw()

    def on_blur(self) -> None:
        self.cursor = None

    def on_click(self, event: events.Click) -> None:
        """Read the values at the point that is nearest to the mouse."""
        x = x_at(event.x, [line.text for line in self._lines], self._window())
        if x is not None and (xs := self._xs_on_top()):
            self.cursor = min(xs, key=lambda point: abs(point - x))

    def _xs_on_top(self) -> Sequence[float]:
        """The points of the last curve that has some, which lies on top."""
        return next((one.xs for one in reversed(self._series) if one.xs), ())

    def action_cursor(self, steps: int) -> None:
        """Move the cursor to the next point of the curve on top."""
        xs = self._xs_on_top()
        if xs:
            at = len(xs) if self.cursor is None else bisect_left(xs, self.cursor)
            at = at + steps if self.cursor is not None else len(xs) - 1
            self.cursor = xs[min(max(at, 0), len(xs) - 1)]

    def action_zoom(self, direction: int) -> None:
        """Nearer (1), farther (-1), or back to the whole (0)."""
        self.zoom = min(max(self.zoom * ZOOM**direction, 1.0), MOST_ZOOM) if direction else 1.0

    def action_fit(self) -> None:
        """All values that there could be, or those that there are."""
        self.fitted = not self.fitted

    def show_whole(self) -> None:
        """Without cursor and zoom: what is drawn is something else from now on."""
        self.cursor, self.zoom = None, 1.0

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else Strip([])
        return line.adjust_cell_length(self.size.width, self.rich_style).apply_style(self.rich_style)

    def _redraw(self) -> None:
        """Draw the chart, and have those of its lines painted that are not as they were."""
        before, self._lines = self._lines, self._draw()
        for y in range(max(len(before), len(self._lines))):
            if before[y : y + 1] != self._lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def _draw(self) -> list[Strip]:
        columns, rows = self.size
        if not columns or not rows:
            return []
        frame = Frame(
            self._heading(),
            columns,
            rows,
            self._window(),
            None if self.fitted else self._y_range,
            self._log,
            self.cursor,
            CURSOR_COLOUR,
        )
        text = draw(self._series, frame)
        return [
            Strip(list(line.render(self.app.console))).simplify() for line in text.split("\n", allow_blank=True)
        ]

    def _heading(self) -> str:
        """The title, with the values at the cursor."""
        title = f"{self._title}, log" if self._log else self._title
        if self.cursor is None:
            return title
        marked = [(one, _at(one, self.cursor)) for one in self._series if not one.raw]
        values = [f"{one.label} {value:.4g}".strip() for one, value in marked if value is not None]
        return f"{title} at {self.cursor:.6g}: {', '.join(values)}"

    def _window(self) -> tuple[float, float]:
        """The part of the range that is drawn: all, or so much around the cursor or before the end."""
        first, last = self._x_range
        if self.zoom == 1:
            return self._x_range
        width = (last - first) / self.zoom
        ends = [one.xs[-1] for one in self._series if one.xs]
        middle = self.cursor if self.cursor is not None else max(ends, default=last)
        start = min(max(middle - width / 2, first), last - width)
        return start, start + width


def _at(series: Series, x: float) -> float | None:
    """The value at the cursor, or at the last point before it."""
    place = bisect_left(series.xs, x)
    if place < len(series.xs) and series.xs[place] == x:
        return series.ys[place]
    return series.ys[place - 1] if place else None
