"""From what is known of runs to the curves that are drawn of them. No widget is known here."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.events import ALIVE, EpochEnd
from tfpt_tui.hardware.sample import GpuSample, Sample, share_by_core
from tfpt_tui.runs.plan.duel import ROUNDS
from tfpt_tui.ui.monitor.reader import RunView
from tfpt_tui.ui.plot import Series, time_axis
from tfpt_tui.ui.theme import CURVE_LETTERS, GPU_COLOURS, SMOOTHED_COLOUR, colours_of

EPOCH, STEP, SECONDS = "epoch", "step", "seconds"
X_AXES = (EPOCH, STEP, SECONDS)
# Weights of the past; 0.6 halves the noise of an epoch to a half.
SMOOTHINGS = (0.3, 0.6, 0.9)
MIN_SMOOTHED = 4  # points; fewer are no noise to look through

ACCURACY, CPU, CORES = "train accuracy", "CPU %", "cores %"

Points = tuple[tuple[float, ...], tuple[float, ...]]

EPOCH_FIGURES: dict[str, Callable[[EpochEnd], float | None]] = {
    "train loss": lambda epoch: epoch.loss,
    ACCURACY: lambda epoch: epoch.accuracy,
    "images/s": lambda epoch: epoch.images_per_s,
    "first batch s": lambda epoch: epoch.first_batch_s,
}
SAMPLE_FIGURES: dict[str, Callable[[Sample], float | None]] = {
    CPU: lambda sample: sample.cpu_percent,
    "worker CPU %": lambda sample: _scaled(sample.worker_cpu_percent, 1 / (len(sample.cores_percent) or 1)),
    "worker memory GB": lambda sample: _scaled(sample.worker_rss_bytes, 1e-9),
    "machine memory GB": lambda sample: _scaled(sample.memory_used_bytes, 1e-9),
    "disk reads MB/s": lambda sample: _scaled(sample.disk_read_bytes_per_s, 1e-6),
}
GPU_FIGURES: dict[str, Callable[[GpuSample], float | None]] = {
    "GPU %": lambda gpu: gpu.utilization_percent,
    "GPU memory GB": lambda gpu: _scaled(gpu.memory_used_bytes, 1e-9),
    "GPU power W": lambda gpu: gpu.power_w,
    "GPU temperature C": lambda gpu: gpu.temperature_c,
    "GPU clock MHz": lambda gpu: gpu.sm_clock_mhz,
    "GPU throttled": lambda gpu: None if gpu.throttle is None else float(bool(gpu.throttle)),
}
# In the order of the screen: whoever has a GPU wants to know first whether it works.
FIRST = ("GPU %", "GPU memory GB", "GPU power W", CPU, CORES)
MACHINE_FIGURES = tuple(dict.fromkeys((*FIRST, *SAMPLE_FIGURES, *GPU_FIGURES)))
SHARES = {
    ACCURACY: (0.0, 1.0),
    CPU: (0.0, 100.0),
    CORES: (0.0, 100.0),
    "worker CPU %": (0.0, 100.0),
    "GPU %": (0.0, 100.0),
    "GPU throttled": (0.0, 1.0),
}
DOTS = 2  # of braille, in a cell
MOST_CORES = 8  # more are drawn as three: the busiest, the median and the idlest


@dataclass(frozen=True)
class Axes:
    """How the curves of the training are drawn; ``smoothing`` is the weight of the past, 0 for none."""

    x: str = EPOCH
    log: bool = False
    smoothing: float = 0.0

    def next_x(self) -> Axes:
        return replace(self, x=X_AXES[(X_AXES.index(self.x) + 1) % len(X_AXES)])

    def toggle_smoothing(self) -> Axes:
        return replace(self, smoothing=0.0 if self.smoothing else SMOOTHINGS[1])

    def smoother(self, more: int) -> Axes:
        """The next weight up (1) or down (-1)."""
        place = SMOOTHINGS.index(self.smoothing) + more if self.smoothing else 0
        return replace(self, smoothing=SMOOTHINGS[min(max(place, 0), len(SMOOTHINGS) - 1)])


@dataclass(frozen=True)
class Shown:
    """A run that is drawn, with the colour and the label that it has everywhere."""

    view: RunView
    colour: str
    label: str


def of_epochs(runs: Sequence[Shown], figure: str, axes: Axes) -> tuple[Series, ...]:
    """A curve for every run; smoothed ones lie over their raw points."""
    series = []
    for run in runs:
        xs, ys = _points(run.view, EPOCH_FIGURES[figure], axes.x)
        smoothed = smooth(ys, axes.smoothing)
        if smoothed != ys:
            series.append(Series(xs, ys, SMOOTHED_COLOUR, raw=True))
        series.append(Series(xs, smoothed, run.colour, run.label))
    return tuple(series)


def epochs_range(runs: Sequence[Shown], axes: Axes) -> tuple[float, float]:
    """From the beginning to the end that is known beforehand, so that curves do not move while they grow."""
    if axes.x == SECONDS:
        ends = [sum(epoch.seconds for epoch in run.view.record.epochs) for run in runs]
        return 0.0, time_axis(max(ends, default=0.0))
    ends = [_epochs_of(run.view) * (steps_of(run.view) if axes.x == STEP else 1) for run in runs]
    return 1.0, float(max([2, *ends]))


def of_machine(view: RunView, colour: str) -> dict[str, tuple[Series, ...]]:
    """The courses of all readings by their figures, none of what cannot be read here."""
    courses = {figure: of_samples(view, figure, colour) for figure in SAMPLE_FIGURES}
    courses |= {figure: of_gpus(view, figure) for figure in GPU_FIGURES} | {CORES: of_cores(view)}
    return {figure: courses[figure] for figure in MACHINE_FIGURES}


def of_samples(view: RunView, figure: str, colour: str) -> tuple[Series, ...]:
    """The course of a reading over the run's seconds."""
    known = [
        (sample.elapsed_s, value)
        for sample in view.samples
        if (value := SAMPLE_FIGURES[figure](sample)) is not None
    ]
    return (Series(tuple(x for x, _ in known), tuple(y for _, y in known), colour),) if known else ()


def of_cores(view: RunView) -> tuple[Series, ...]:
    """The course of every core; of many, at each moment the busiest, the median and the idlest."""
    known = [sample for sample in view.samples if sample.cores_percent]
    if not known:
        return ()
    shares = [share_by_core(sample) for sample in known]
    courses = {
        f"core {number}": [one[number] for one in shares]
        for number in shares[0]
        if all(number in one for one in shares)
    }
    if len(courses) > MOST_CORES:
        courses = {
            f"{word} core": [pick(sample.cores_percent) for sample in known]
            for word, pick in (("busiest", max), ("median", statistics.median), ("idlest", min))
        }
    xs = tuple(sample.elapsed_s for sample in known)
    colours = itertools.cycle(GPU_COLOURS)
    return tuple(
        Series(xs, tuple(ys), colour, label) for (label, ys), colour in zip(courses.items(), colours, strict=False)
    )


def of_gpus(view: RunView, figure: str) -> tuple[Series, ...]:
    """The course of a reading of every GPU that has it."""
    series = []
    for number in range(len(view.samples[-1].gpus) if view.samples else 0):
        known = [
            (sample.elapsed_s, value)
            for sample in view.samples
            if len(sample.gpus) > number and (value := GPU_FIGURES[figure](sample.gpus[number])) is not None
        ]
        if known:
            colour = GPU_COLOURS[number % len(GPU_COLOURS)]
            series.append(Series(tuple(x for x, _ in known), tuple(y for _, y in known), colour, f"GPU{number}"))
    return tuple(series)


def of_rates(view: RunView, end: float, columns: int, colour: str) -> Series:
    """The course of a training's images/s on an axis that ends at ``end`` seconds.

    While it goes on, points wait until their column of dots is full: a chart that looks the same is not drawn.
    """
    dot = end / (DOTS * columns) if columns else end
    last = math.inf if view.status not in ALIVE else view.record.elapsed // dot * dot
    known = [(x, y) for x, y in view.rates if x <= last] or view.rates
    return Series(tuple(x for x, _ in known), tuple(y for _, y in known), colour)


def of_turns(view: RunView, dark: bool) -> tuple[Series, ...]:
    """The images/s of each arm of a duel, round by round."""
    colours = colours_of([(str(number), arm.framework) for number, arm in enumerate(view.turns)], dark)
    frameworks = [arm.framework for arm in view.turns]
    titles = list(map(title_of, frameworks)) if len(set(frameworks)) == len(frameworks) else CURVE_LETTERS
    return tuple(
        Series(
            tuple(x for x, _ in arm.rates),
            tuple(y for _, y in arm.rates),
            colours[str(number)],
            titles[number % len(titles)],
        )
        for number, arm in enumerate(view.turns)
    )


def rounds_range(view: RunView) -> tuple[float, float]:
    """From the first round to the last one that is planned, or was done."""
    done = [x for arm in view.turns for x, _ in arm.rates]
    return 1.0, float(max([2, *done, ROUNDS if view.status in ALIVE else 0]))


def smooth(ys: Sequence[float], weight: float) -> tuple[float, ...]:
    """The exponential moving average, corrected for its start (Adam's way: Kingma and Ba 2015, section 3).

    Values that are not finite stay as they are, and are in no average. Few points are not smoothed.
    """
    if not weight or sum(map(math.isfinite, ys)) < MIN_SMOOTHED:
        return tuple(ys)
    average, correction, smoothed = 0.0, 0.0, []
    for y in ys:
        if not math.isfinite(y):
            smoothed.append(y)
            continue
        average = weight * average + (1 - weight) * y
        correction = weight * correction + (1 - weight)
        smoothed.append(average / correction)
    return tuple(smoothed)


def steps_of(view: RunView) -> int:
    """Steps of an epoch, 1 where they are not known."""
    batch = view.config.batch_size if view.config else 1
    images = [round(epoch.images_per_s * epoch.seconds) for epoch in view.record.epochs[:1]]
    return max(1, round(images[0] / batch)) if images else 1


def _points(view: RunView, value_of: Callable[[EpochEnd], float | None], x: str) -> Points:
    xs, ys, seconds = [], [], 0.0
    steps = steps_of(view) if x == STEP else 1
    for epoch in view.record.epochs:
        seconds += epoch.seconds
        value = value_of(epoch)
        if value is not None:
            xs.append(seconds if x == SECONDS else float(epoch.epoch * steps))
            ys.append(value)
    return tuple(xs), tuple(ys)


def _epochs_of(view: RunView) -> int:
    return view.config.epochs_trained if view.config else len(view.record.epochs)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
