"""Charts of a comparison as pictures, drawn by matplotlib: one colour a framework, everywhere."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_tui.config.frameworks import chart_colour, title_of, titles
from tfpt_tui.errors import cannot
from tfpt_tui.events import STEP_PARTS
from tfpt_tui.files import written_whole
from tfpt_tui.hardware.readings import gpu_of, read_samples
from tfpt_tui.hardware.sample import GpuSample, Sample
from tfpt_tui.results.comparison.groups import Group, flags_of, group, kind_of, same_settings
from tfpt_tui.results.comparison.metrics import training_s
from tfpt_tui.results.comparison.profile import profiled, shares_of, step_s
from tfpt_tui.results.comparison.provenance import provenance
from tfpt_tui.results.comparison.statistics import TimeRatio
from tfpt_tui.results.comparison.verdicts import RowVerdict, compare_to_baseline
from tfpt_tui.results.store.reader import Epoch, read_epochs
from tfpt_tui.results.table import Table
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.result import RunResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
NAMES = {"training_time", "time_ratio", "curves", "batch_size", "hardware", "profile", "published"}
OTHER = "#555555"
DPI = 140
SIGNATURE_LETTERS = 150  # in a line of the small type below a chart
# Of the parts of a step (events.STEP_PARTS), alternating light and dark, so that they differ without colour, too.
PART_COLOURS = (
    *("#999999", "#444444", "#0072B2", "#56B4E9", "#009E73", "#8fd3bd", "#D55E00", "#f0c39a"),
    *("#CC79A7", "#f3d6e6", "#000000", "#dddddd"),
)
ROW_INCHES, WIDTH_INCHES = 0.45, 9.0


def draw_charts(
    results: Sequence[RunResult],
    runs: Sequence[RunDirectory],
    baseline: str | None = None,
    published: Table | None = None,
    proof: str | None = None,
    by: str = "",
    left_out: str = "",
) -> dict[str, Figure]:
    """The charts that these runs have something for, by the names of their files; rows are those of the table.

    ``left_out`` says which runs are not in it.
    """
    import matplotlib

    matplotlib.rcdefaults()  # the user's own style may need LaTeX, or be broken
    matplotlib.rcParams["text.parse_math"] = False  # a dollar sign in somebody's name is one
    done = [result for result in results if result.completed]
    groups = [entry for entry in group(results, by) if entry.images_per_s() is not None]
    charts: dict[str, Figure | None] = {
        "training_time": _training_time(groups),
        "time_ratio": _time_ratio(groups, baseline),
        "curves": _curves(runs, done),
        "batch_size": _batch_size(groups),
        "hardware": _hardware(runs, done),
        "profile": _profile(groups),
        "published": None if published is None else _published(published),
    }
    drawn = {name: figure for name, figure in charts.items() if figure is not None}
    for figure in drawn.values():
        _sign(figure, "; ".join(filter(None, (left_out, provenance(done, proof)))))
    return drawn


def _sign(figure: Figure, line: str) -> None:
    """Below a chart, where it comes from: a picture is passed on without its table."""
    figure.supxlabel("\n".join(textwrap.wrap(line, SIGNATURE_LETTERS)), x=0.01, ha="left", fontsize=7, color=OTHER)


def save_charts(charts: Mapping[str, Figure], directory: Path) -> list[Path]:
    """Write every chart as png and svg.

    Raises:
        MissingError: the directory cannot be written.
    """
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, figure in charts.items():
            for kind in FORMATS:
                written.append(directory / f"{name}.{kind}")
                with written_whole(written[-1]) as temporary:
                    figure.savefig(temporary, format=kind, dpi=DPI)
    except OSError as error:
        raise cannot("write the charts", error.filename or directory, error) from None
    return written


def older_charts(charts: Mapping[str, Figure], directory: Path) -> list[str]:
    """Pictures in the directory named as charts that are none of these: an earlier comparison's, or the user's."""
    files = [f"{name}.{kind}" for name in sorted(NAMES - charts.keys()) for kind in FORMATS]
    return [file for file in files if (directory / file).exists()]


def _training_time(groups: Sequence[Group]) -> Figure | None:
    """A line of raw points for every row, its median marked; scaled times say so in their name."""
    rows = [(entry, _training_times(entry)) for entry in groups]
    rows = [(entry, times) for entry, times in rows if times]
    if not rows:
        return None
    figure, axes = _plain(len(rows))
    for place, (entry, times) in enumerate(rows):
        axes.plot(times, [place] * len(times), "o", color=chart_colour(entry.framework), alpha=0.6)
        axes.plot(statistics.median(times), place, "|", color="black", markersize=16)
    names = [_marked(entry, groups) for entry, _ in rows]
    _name_rows(axes, names)
    axes.set_xlim(left=0)
    axes.set_xlabel("training (s): every run,\nand the median of each row")
    return figure


def _time_ratio(groups: Sequence[Group], baseline: str | None) -> Figure | None:
    """The ratio of time to the baseline with its 95 % interval, where there are runs enough for one."""
    compared = [(one, one.time) for one in compare_to_baseline(groups, baseline) if one.time]
    if not compared:
        return None
    figure, axes = _plain(len(compared))
    for place, (verdict, time) in enumerate(compared):
        colour = chart_colour(verdict.entry.framework)
        if time.low is not None and time.high is not None:
            axes.plot([time.low, time.high], [place, place], "-", color=colour, linewidth=2)
        axes.plot(time.ratio, place, "o", color=colour)
    _name_rows(axes, [_concluded(one, time, groups) for one, time in compared])
    axes.axvline(1.0, color="black", linewidth=0.8, linestyle="--")
    axes.set_xlabel("time per image by that of the baseline (1),\nwith its 95 % interval; right of 1 is slower")
    return figure


def _profile(groups: Sequence[Group]) -> Figure | None:
    """A bar for every row that was profiled: the time of a step, by its parts."""
    entries = profiled(groups)
    if not entries:
        return None
    figure, axes = _plain(len(entries))
    ends = [0.0] * len(entries)
    for number, part in enumerate(STEP_PARTS):
        widths = [1000 * step_s(entry) * shares_of(entry)[part] for entry in entries]
        if any(widths):
            axes.barh(range(len(entries)), widths, left=ends, color=PART_COLOURS[number], label=part)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    _name_rows(axes, [_marked(entry, groups) for entry in entries])
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    axes.set_xlabel("a training step (ms) by its parts, as the framework's profiler shares it out")
    return figure


def _curves(runs: Sequence[RunDirectory], done: Sequence[RunResult]) -> Figure | None:
    """Loss and accuracy of the training, by epoch and by seconds."""
    from matplotlib.ticker import MaxNLocator

    curves = [(result, read_epochs(run)) for run, result in _pairs(runs, done)]
    curves = [(result, epochs) for result, epochs in curves if len(epochs) > 1]
    if not curves:
        return None
    figure = _figure(6.0)
    shown: dict[str, Callable[[Epoch], float]] = {
        "training loss": lambda epoch: epoch.loss,
        "training accuracy": lambda epoch: epoch.accuracy,
    }
    for row, (title, figure_of) in enumerate(shown.items()):
        for column, unit in enumerate(("epoch", "seconds")):
            axes = figure.add_subplot(2, 2, 2 * row + column + 1)
            for result, epochs in curves:
                xs = [epoch.epoch if unit == "epoch" else epoch.at_s for epoch in epochs]
                colour = chart_colour(result.framework)
                axes.plot(xs, [figure_of(epoch) for epoch in epochs], color=colour, linewidth=1.2, alpha=0.8)
            axes.set_xlabel("epoch" if unit == "epoch" else "training (s)")
            axes.xaxis.set_major_locator(MaxNLocator(integer=unit == "epoch"))
            axes.set_title(title, fontsize=10)
            axes.grid(alpha=0.3)
    _legend(figure.axes[0], [result.framework for result, _ in curves])
    return figure


def _batch_size(groups: Sequence[Group]) -> Figure | None:
    """The rate against the batch size, where rows differ in it; a line joins those that differ in nothing else."""
    if len({entry.config.batch_size for entry in groups}) < 2:
        return None
    figure, axes = _plain(8)
    alike: dict[tuple[str, str], list[Group]] = {}
    for entry in groups:
        settings = same_settings(entry.config, "seed", "batch_size")
        alike.setdefault((entry.machine_name, settings), []).append(entry)
    for entries in alike.values():
        points = sorted((entry.config.batch_size, entry.images_per_s()) for entry in entries)
        axes.plot(*zip(*points, strict=True), "o-", color=chart_colour(entries[0].framework))
    frameworks = list(dict.fromkeys(entry.framework for entry in groups))
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("batch size")
    axes.set_ylabel("images/s")
    _legend(axes, frameworks)
    return figure


def _hardware(runs: Sequence[RunDirectory], done: Sequence[RunResult]) -> Figure | None:
    """Processor, memory and GPU over time, for one run of each framework."""
    first = {result.framework: (run, result) for run, result in reversed(_pairs(runs, done))}
    sampled = {framework: _samples(*pair) for framework, pair in first.items()}
    sampled = {framework: samples for framework, samples in sampled.items() if len(samples) > 1}
    if not sampled:
        return None
    readings: dict[str, Callable[[Sample, GpuSample | None], float | None]] = {
        "processor (%)": lambda sample, gpu: sample.cpu_percent,
        "worker's memory (GB)": lambda sample, gpu: _scaled(sample.worker_rss_bytes, 1e-9),
        "GPU (%)": lambda sample, gpu: gpu.utilization_percent if gpu else None,
        "GPU power (W)": lambda sample, gpu: gpu.power_w if gpu else None,
    }
    known = {
        title: reading
        for title, reading in readings.items()
        if any(reading(*pair) is not None for samples in sampled.values() for pair in samples)
    }
    figure = _figure(1.8 * len(known))
    for place, (title, reading) in enumerate(known.items(), start=1):
        axes = figure.add_subplot(len(known), 1, place)
        for framework, samples in sampled.items():
            series = [(sample.elapsed_s, reading(sample, gpu)) for sample, gpu in samples]
            points = [(elapsed_s, value) for elapsed_s, value in series if value is not None]
            axes.plot(*zip(*points, strict=True), color=chart_colour(framework), linewidth=1.2)
        axes.set_title(title, fontsize=10)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.axes[-1].set_xlabel("seconds of the run")
    _legend(figure.axes[0], list(sampled))
    return figure


def _published(table: Table) -> Figure | None:
    """Theirs against yours, row by row."""
    rows = [row for row in table.rows if row["theirs_training_s"] is not None]
    if not rows:
        return None
    figure, axes = _plain(2 * len(rows))
    for place, row in enumerate(rows):
        axes.barh(place - 0.2, float(row["theirs_training_s"] or 0), 0.38, color=OTHER)
        if row["yours_training_s"] is not None:
            framework = titles()[str(row["framework"])]
            axes.barh(place + 0.2, float(row["yours_training_s"]), 0.38, color=chart_colour(framework))
    _name_rows(axes, [f"row {row['row']}: {row['framework']}" for row in rows])
    scaled = " (yours is scaled)" if any(row.get("yours_is") for row in rows) else ""
    axes.set_xlabel(f"training (s): theirs in grey,\nyours below it in colour{scaled}")
    return figure


def _training_times(entry: Group) -> list[float]:
    """Seconds of every completed run, scaled to all its epochs where only some were measured."""
    return [time for time in entry.values(training_s) if math.isfinite(time)]


def _samples(run: RunDirectory, result: RunResult) -> list[tuple[Sample, GpuSample | None]]:
    """The samples of a run, each with the reading of the GPU that it used."""
    used = gpu_of(result.environment, result.device)
    samples = read_samples(run.hardware)
    return [(one, one.gpus[used] if used is not None and used < len(one.gpus) else None) for one in samples]


def _marked(entry: Group, groups: Sequence[Group]) -> str:
    notes = [result.scaled.note for result in entry.done if result.scaled][:1]
    return kind_of(entry, groups) + ", ".join([entry.name, *notes, *_doubts(entry)])


def _concluded(verdict: RowVerdict, time: TimeRatio, groups: Sequence[Group]) -> str:
    """The row with its verdict, and what stands against it."""
    other = ["another accuracy"] if verdict.in_band is False else []
    against = [*other, *_doubts(verdict.entry)]
    label = f"{kind_of(verdict.entry, groups)}{verdict.entry.name}: {time.verdict}"
    return label + (f" ({', '.join(against)})" if against else "")


def _doubts(entry: Group) -> list[str]:
    flags = flags_of(entry.done)
    return [flags] if flags else []


def _pairs(runs: Sequence[RunDirectory], results: Sequence[RunResult]) -> list[tuple[RunDirectory, RunResult]]:
    by_id = {run.id: run for run in runs}
    return [(by_id[result.run], result) for result in results if result.run in by_id]


def _figure(height: float) -> Figure:
    # A figure of its own, without pyplot: no window system is asked, and nothing is kept.
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_INCHES, height), layout="constrained")


def _plain(rows: int) -> tuple[Figure, Axes]:
    figure = _figure(1.2 + ROW_INCHES * rows)
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    return figure, axes


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Rows from top to bottom, in the order of the table."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _legend(axes: Axes, frameworks: Sequence[str]) -> None:
    for framework in dict.fromkeys(frameworks):
        axes.plot([], [], "-", color=chart_colour(framework), label=title_of(framework))
    axes.legend(fontsize=8)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
