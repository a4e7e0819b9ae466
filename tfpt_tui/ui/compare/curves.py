"""Loss and accuracy of several runs in one chart each, with a legend that names their letters."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from tfpt_tui.ui.compare.comparison_view import Curve
from tfpt_tui.ui.compare.text import NO_CURVES, curve_colours, curves_legend
from tfpt_tui.ui.plot import Series
from tfpt_tui.ui.theme import CURVE_LETTERS
from tfpt_tui.ui.widgets.chart import Chart


class Curves(Vertical):
    """By epoch, or by the seconds of the training: the same loss may be reached sooner in more epochs."""

    DEFAULT_CSS = """
    Curves #charts { height: 1fr; min-height: 6; }
    Curves #accuracy { margin-left: 2; }
    Curves #legend { height: auto; max-height: 9; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, classes=classes)
        self._curves: tuple[Curve, ...] = ()
        self._rows = 0
        self._by_seconds = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="charts"):
            yield Chart("train loss", id="loss")
            yield Chart("train accuracy", (0.0, 1.0), fitted=True, id="accuracy")
        yield Static(id="legend", markup=False)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self.show(self._curves, self._rows))

    def show(self, curves: tuple[Curve, ...], rows: int) -> None:
        self._curves, self._rows = curves, rows
        self.query_one("#charts").display = bool(curves)
        self.query_one("#legend", Static).update(curves_legend(curves, rows, self._dark) if curves else NO_CURVES)
        self._draw()

    @property
    def _dark(self) -> bool:
        return self.app.current_theme.dark

    def change_axis(self) -> None:
        """From epochs to seconds, and back."""
        self._by_seconds = not self._by_seconds
        self._draw()

    def _draw(self) -> None:
        xs = [curve.seconds if self._by_seconds else curve.epochs for curve in self._curves]
        last = max((one[-1] for one in xs), default=1.0)
        x_range = (0.0, last) if self._by_seconds else (1.0, max(2.0, last))
        unit = "seconds" if self._by_seconds else "epoch"
        losses = self._series(xs, [curve.losses for curve in self._curves])
        accuracies = self._series(xs, [curve.accuracies for curve in self._curves])
        self.query_one("#loss", Chart).show(losses, x_range, title=f"train loss by {unit}")
        self.query_one("#accuracy", Chart).show(accuracies, x_range, title=f"train accuracy by {unit}")

    def _series(self, xs: Sequence[tuple[float, ...]], ys: Sequence[tuple[float, ...]]) -> tuple[Series, ...]:
        colours = curve_colours(self._curves, self._dark)
        return tuple(map(Series, xs, ys, colours, CURVE_LETTERS))
