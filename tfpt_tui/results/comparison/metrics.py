"""The figures of runs, each described once: columns, exports, sorting, conditions and manual follow from it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tfpt_tui.hardware.peaks import peak_flops
from tfpt_tui.results.comparison.groups import LOADER, Group
from tfpt_tui.results.table import Column
from tfpt_tui.runs.record.result import RunResult

HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class Metric:
    """A figure of a run, and of repeats by their median.

    Attributes:
        name: in files, conditions and ``--sort``; it ends with the unit where there is one.
        title: the heading that people read.
        digits: after the decimal point, where people read it.
        help: what it is, with its unit.
        better: "higher" or "lower", "" where neither is.
        read: the figure of one run, None where it has none.
        summarize: one figure for several runs.
        in_summary: whether the index's summaries have all that it needs: then runs can be chosen by it.
    """

    name: str
    title: str
    digits: int
    help: str
    better: str
    read: Callable[[RunResult], float | None]
    summarize: Callable[[list[float]], float | None] = statistics.median
    in_summary: bool = False

    @property
    def column(self) -> Column:
        return Column(self.name, self.title, self.digits)

    def of(self, entry: Group) -> float | None:
        """Of the completed runs that have it; NaN as soon as one's is: a sort that meets NaN ends anywhere."""
        values = entry.values(self.read)
        if any(map(math.isnan, values)):
            return math.nan
        return self.summarize(values) if values else None


def _throughput(result: RunResult) -> float | None:
    rate = None if result.is_void else result.training.throughput
    return rate if rate is not None and math.isfinite(rate) else None


def training_s(result: RunResult) -> float | None:
    """Seconds of the whole training; None of an arm of a duel, which was ended, where it was not evaluated, and of
    what is void.
    """
    if result.is_void or (result.slices and result.test.accuracy is None):
        return None
    return result.scaled.training_s if result.scaled else result.phases.get("training")


def _gflops(result: RunResult) -> float | None:
    """Achieved GFLOP/s of the training; none where no model was trained."""
    an_image, rate = result.model.flops_per_image if result.model else None, _throughput(result)
    return an_image * rate / 1e9 if an_image and rate and result.config.measure != LOADER else None


def _peak_percent(result: RunResult) -> float | None:
    """Of what the device could do at best in the precision that was really used, where both are known.

    A GPU's peak is what its maker published, a processor's what the framework reached in a matrix product.
    """
    gflops, precision = _gflops(result), applied_precision(result)
    peak = peak_flops(str(result.effective.get("device_name", "")), precision)
    if peak is None and precision == "float32" and result.device.startswith("cpu"):
        peak = 1e9 * max(result.environment.peaks.get("matmul", 0.0), result.profile.matmul_gflops)
    return 100 * gflops * 1e9 / peak if gflops and peak else None


def applied_precision(result: RunResult) -> str:
    """That of the convolutions, as the framework said it."""
    precision = str(result.effective.get("dtype_activations", "float32"))
    return "tf32" if precision == "float32" and result.effective.get("tf32_convolution") else precision


def _peak_rss_mb(result: RunResult) -> float | None:
    peak = result.memory.peak_rss_bytes
    return peak / 1e6 if peak else None


def _system_percent(result: RunResult) -> float | None:
    """The system's share of the training's processor time."""
    counters = result.counters.get("training", {})
    user_s, system_s = counters.get("user_s", 0.0), counters.get("system_s", 0.0)
    used = user_s + system_s
    return 100 * system_s / used if used else None


def _spread(values: list[float]) -> float | None:
    return max(values) - min(values) if len(values) > 1 else None


def _epoch_s(result: RunResult) -> float | None:
    return None if result.is_void else result.training.epoch_s_median


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "images_per_s", "images/s", 1, "throughput of the median epoch", HIGHER, _throughput, in_summary=True
        ),
        Metric(
            "test_accuracy",
            "test acc.",
            4,
            "accuracy on the test images, 0 to 1",
            HIGHER,
            lambda result: result.test.accuracy,
            in_summary=True,
        ),
        Metric(
            "recalibrated_accuracy",
            "recal. acc.",
            4,
            "the same with recomputed batch normalisation statistics",
            HIGHER,
            lambda result: result.test.recalibrated_accuracy,
            in_summary=True,
        ),
        Metric("epoch_s_median", "epoch s", 2, "seconds of the median epoch", LOWER, _epoch_s, in_summary=True),
        Metric("epoch_s_min", "min s", 2, "the shortest of the repeats' median epochs", LOWER, _epoch_s, min),
        Metric(
            "epoch_s_spread", "spread s", 2, "from the shortest to the longest of them", LOWER, _epoch_s, _spread
        ),
        Metric("training_s", "training s", 1, "seconds of all epochs, scaled where marked", LOWER, training_s),
        Metric(
            "test_loss",
            "test loss",
            4,
            "loss on the test images",
            LOWER,
            lambda result: result.test.loss,
            in_summary=True,
        ),
        Metric("gflops", "GFLOP/s", 1, "billions of operations a second in training", HIGHER, _gflops),
        Metric(
            "peak_percent",
            "% of peak",
            1,
            "of what the device can do at best; a CPU once it was profiled",
            HIGHER,
            _peak_percent,
        ),
        Metric("peak_rss_mb", "peak MB", 0, "megabytes of memory at the most", LOWER, _peak_rss_mb),
        Metric(
            "system_percent", "system %", 0, "the kernel's share of the processor time", LOWER, _system_percent
        ),
    )
}
