"""The chosen run on the right of the Monitor: what it does, its curves, the machine under it, and its log."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, ItemGrid, Vertical, VerticalScroll
from textual.content import Content
from textual.css.scalar import Scalar

from tfpt_tui.events import ALIVE
from tfpt_tui.ui.monitor import curves, text
from tfpt_tui.ui.monitor.curves import Axes, Shown
from tfpt_tui.ui.monitor.log_view import LogView, plain
from tfpt_tui.ui.monitor.reader import RunView
from tfpt_tui.ui.plot import time_axis
from tfpt_tui.ui.widgets.chart import Chart
from tfpt_tui.ui.widgets.live import Live

TRAINING, HARDWARE, LOG = "training", "hardware", "log"
VIEWS = (TRAINING, HARDWARE, LOG)
COURSE = "images/s by seconds"
# Charts of what grows are drawn this often: 5 ms each of a core that the training may need. Figures come at once.
DRAW_S = 3.0
CHART_COLUMNS, GUTTER_COLUMNS, LEAST_CHART_ROWS = 40, 2, 7


@dataclass(frozen=True)
class Picture:
    """What the pane shows: the runs that are drawn, the chosen one last and on top; how; and against which one."""

    runs: tuple[Shown, ...]
    axes: Axes
    view: str
    baseline: str | None = None

    @property
    def chosen(self) -> Shown:
        return self.runs[-1]

    @property
    def kind(self) -> object:
        """What stays the same while the runs only grow."""
        runs = [(run.view.id, run.view.status, run.colour, run.label) for run in self.runs]
        return runs, self.axes, self.view


class ChartGrid(ItemGrid):
    """Charts of the hardware, as high as they can be with all in sight, and no lower than is legible."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, min_column_width=CHART_COLUMNS)

    def compose(self) -> ComposeResult:
        for figure in curves.MACHINE_FIGURES:
            yield _chart(figure)

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        charts = [chart for chart in self.query(Chart) if chart.display]
        if not charts or not isinstance(self.parent, VerticalScroll):
            return
        across = max(1, (self.size.width + GUTTER_COLUMNS) // (CHART_COLUMNS + GUTTER_COLUMNS))
        down = math.ceil(len(charts) / across)
        room = self.parent.size.height - self.virtual_region.y
        height = max(LEAST_CHART_ROWS, (room + 1) // down - 1)  # a row between two charts
        if charts[-1].styles.height != Scalar.from_number(height):
            self.styles.grid_rows = str(height)
            for chart in charts:
                chart.styles.height = height  # a grid of fractions would be as high as the view


class RunPane(Vertical):
    """Paints what of its picture differs; a view that is not shown is not drawn."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._drawn: object = None
        self._draw_at = 0.0

    def compose(self) -> ComposeResult:
        yield Live(id="headline")
        yield Live(id="timeline")
        yield Live(id="progress")
        yield Live(id="outcome")
        yield Live(id="legend")
        with Vertical(id="training"):
            with Horizontal(id="charts", classes="charts"):
                yield _chart("train loss")
                yield _chart(curves.ACCURACY)
            with Horizontal(id="courses", classes="charts"):
                yield _chart(COURSE)
                yield _chart("first batch s")
            yield Live(id="hardware")
            yield Live(id="log-end")
        with VerticalScroll(id="machine", can_focus=False):
            yield Live(id="readings")
            yield ChartGrid(id="grid")
            yield Live(id="history")
        yield LogView(id="log")

    def on_resize(self) -> None:
        if self._picture:
            self.show(self._picture)

    def show(self, picture: Picture) -> None:
        if self._picture and self._picture.chosen.view.id != picture.chosen.view.id:
            for chart in self.query(Chart):
                chart.show_whole()
        self._picture = picture
        run = picture.chosen.view
        columns = self.content_size.width
        self._live("headline").show(text.headline(run))
        self._live("timeline").show(text.timeline(run.record, columns))
        self._live("progress").show(text.progress(run, columns))
        self._live("outcome").show(text.outcome(run, columns))
        self.set_class(run.error is not None, "-error")
        self.set_class(bool(run.turns), "-duel")
        self.set_class(run.status == "queued", "-queued")
        self.set_class(len(run.record.epochs) < 2 and len(run.rates) > 1, "-first")
        self._show_legend(picture)
        for view in VIEWS:
            self.set_class(view == picture.view, f"-{view}")
        {TRAINING: self._show_training, HARDWARE: self._show_machine, LOG: self._show_log}[picture.view](picture)

    def _draws(self, picture: Picture) -> bool:
        """Whether the charts are to be drawn now, as their time has come or what they show is another thing."""
        kind, now = (picture.kind, self.size, self._chart(COURSE).size), time.monotonic()
        if kind == self._drawn and now < self._draw_at:
            return False
        self._drawn, self._draw_at = kind, now + DRAW_S
        return True

    def _chart(self, figure: str) -> Chart:
        return self.query_one(f"#{_name(figure)}", Chart)

    def first_chart(self) -> Chart | None:
        """The first one that is seen."""
        return next((chart for chart in self.query(Chart) if chart.size), None)

    def _live(self, name: str) -> Live:
        return self.query_one(f"#{name}", Live)

    def _show_legend(self, picture: Picture) -> None:
        compared = len(picture.runs) > 1
        self.set_class(compared, "-compared")
        legend = self._live("legend")
        if compared:
            legend.styles.height = len(picture.runs)
            legend.show(text.legend(picture.runs, picture.baseline))

    def _show_training(self, picture: Picture) -> None:
        run = picture.chosen.view
        if self._draws(picture):
            self._draw_training(picture)
        self._show_readings("hardware", run, "")  # that there is no GPU is said in the view of the hardware
        log = self._live("log-end")
        lines = [plain(line) for line in run.log[-max(1, log.content_size.height) :]]
        log.show(Content("\n".join(lines) or "the log is empty"))

    def _draw_training(self, picture: Picture) -> None:
        runs, axes = picture.runs, picture.axes
        x_range = curves.epochs_range(runs, axes)
        for figure in ("train loss", "train accuracy", "first batch s"):
            smoothed = f", smoothed {axes.smoothing:g}" if axes.smoothing else ""
            self._chart(figure).show(
                curves.of_epochs(runs, figure, axes),
                x_range,
                title=f"{figure} by {axes.x}{smoothed}",
                log=axes.log and figure == "train loss",
            )
        run = picture.chosen.view
        if run.turns:
            title = "images/s by round"
            self._chart(COURSE).show(
                curves.of_turns(run, self.app.current_theme.dark), curves.rounds_range(run), title=title
            )
        else:
            chart, end = self._chart(COURSE), time_axis(run.record.elapsed)
            rates = curves.of_rates(run, end, chart.size.width, picture.chosen.colour)
            chart.show((rates,), (0.0, end), title=COURSE)

    def _show_machine(self, picture: Picture) -> None:
        run = picture.chosen.view
        self._show_readings("readings", run, run.gpu_problem)
        if self._draws(picture):
            self._draw_machine(picture)

    def _draw_machine(self, picture: Picture) -> None:
        run = picture.chosen.view
        courses = curves.of_machine(run, picture.chosen.colour)
        history = self._live("history")
        history.styles.height = sum(map(len, courses.values()))
        history.show(text.history(courses, self.content_size.width))
        x_range = (0.0, time_axis(run.samples[-1].elapsed_s if run.samples else 0.0))
        for figure, series in courses.items():
            chart = self._chart(figure)
            chart.display = bool(series)
            if series:
                chart.show(series, x_range, title=f"{figure} by seconds")
        self.query_one(ChartGrid).fit()

    def _show_readings(self, name: str, run: RunView, gpu_problem: str) -> None:
        readings = self._live(name)
        gpus = len(run.sample.gpus) if run.sample else 0
        lines = text.HARDWARE_LINES + (gpus or bool(gpu_problem))
        if readings.size.height != lines:
            readings.styles.height = lines
        readings.show(text.hardware(run.sample, gpu_problem, run.status in ALIVE))

    def _show_log(self, picture: Picture) -> None:
        self.query_one(LogView).show(picture.chosen.view.log, picture.chosen.view.warnings)


def _chart(figure: str) -> Chart:
    return Chart(figure, curves.SHARES.get(figure), fitted=figure == curves.ACCURACY, id=_name(figure))


def _name(figure: str) -> str:
    """Of the widget: letters only."""
    return "chart-" + "".join(letter if letter.isalnum() else "-" for letter in figure.lower()).strip("-")
