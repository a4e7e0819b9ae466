"""Did a row learn the same as its baseline? Told from training accuracy, and from test accuracy without lag.

The running averages of batch normalisation begin at 0 and 1, and a step keeps a share of them, 0.99 in Keras and
0.9 in PyTorch. After few steps they still hold some of their beginning, and test accuracy is low though the
weights have learned. So runs are also tested with statistics that are computed anew (``recalibrated_accuracy``),
and judged by that.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tfpt_tui.results.comparison.groups import END_TO_END, Group
from tfpt_tui.results.comparison.statistics import accuracy_band
from tfpt_tui.runs.record.result import RunResult

PLAIN, RECALIBRATED = "test accuracy", "test accuracy with recomputed statistics"
# Fewer tell nothing: of three images one more or less is a third of all accuracy.
FEWEST_IMAGES = 30
LAG = 0.01  # of the beginning; less is nothing to speak of


@dataclass(frozen=True)
class Learning:
    """``same`` is None where nothing can be said; ``why`` says in words what differs, or what does not matter.

    ``judged_by`` is the accuracy that decided.
    """

    same: bool | None
    why: str = ""
    judged_by: str = PLAIN


def judge_learning(entry: Group, baseline: Group) -> Learning:
    """Loading alone and the model on one resident batch learn nothing that could be compared."""
    entry, baseline = _tested(entry), _tested(baseline)
    if entry.measure != END_TO_END or not entry.done or not baseline.done:
        return Learning(None)
    if diverged := _diverged(baseline, "the training"):
        return Learning(None, f"{diverged} of {baseline.name} diverged")
    if diverged := _diverged(entry, "its training"):
        return Learning(False, f"{diverged} diverged")
    images = min(_images(entry), _images(baseline))
    if 0 < images < FEWEST_IMAGES:
        return Learning(None, f"{images} test images are too few to compare accuracies")
    anew = bool(entry.accuracies(recalibrated=True) and baseline.accuracies(recalibrated=True))
    own, theirs = entry.accuracies(recalibrated=anew), baseline.accuracies(recalibrated=anew)
    if far := _out_of_band(own, theirs, images):
        return Learning(False, f"its {RECALIBRATED if anew else PLAIN} {far} of {baseline.name}")
    if anew:
        if far := _out_of_band(entry.values(_trained_accuracy), baseline.values(_trained_accuracy)):
            return Learning(False, f"its training accuracy {far} of {baseline.name}")
        if _out_of_band(entry.accuracies(), baseline.accuracies(), images):
            return Learning(True, _lag(entry, baseline), RECALIBRATED)
    return Learning(True)


def _tested(entry: Group) -> Group:
    """The row with those of its runs that were tested: of a duel, whose other restarts trained less, the last."""
    return replace(entry, results=tuple(one for one in entry.done if one.test.accuracy is not None))


def _diverged(entry: Group, only: str) -> str:
    """How many of its trainings did, in words, ``only`` where there is a single one; "" where none."""
    tested = len(entry.done)
    lost = tested - len(entry.accuracies())
    return "" if not lost else f"{lost} of {tested} trainings" if tested > 1 else only


def _trained_accuracy(result: RunResult) -> float | None:
    return result.training.accuracy


def remaining_share(momentum: float, steps: float) -> float:
    """The share of their beginning that running averages hold after so many steps."""
    return float(momentum**steps)


def _out_of_band(own: Sequence[float], theirs: Sequence[float], images: int = 0) -> str:
    """Such as ``0.4100 is outside 0.5500 ± 0.0500``; "" where it is inside, or where either is not known."""
    if not own or not theirs:
        return ""
    middle, width = accuracy_band(theirs, images)
    median = statistics.median(own)
    # 0.52 is in a band of 0.02 around 0.50, though its distance is not quite that in binary.
    if abs(median - middle) <= width + 1e-9:
        return ""
    return f"{median:.4f} is outside {middle:.4f} ± {width:.4f}"


def _lag(entry: Group, baseline: Group) -> str:
    """Whose running averages lag, and by how much."""
    slower = max((entry, baseline), key=_share)
    if _share(slower) < LAG:
        return "learned the same: only the running averages of batch normalisation differ"
    return (
        f"learned the same; the running averages of {slower.name} still hold {_share(slower):.1%} of their start"
        f" after {_steps(slower):,.0f} steps"
    )


def _share(entry: Group) -> float:
    momentum, steps = entry.median(lambda run: _number(run, "batch_norm_momentum")), _steps(entry)
    return remaining_share(momentum, steps) if momentum and steps else 0.0


def _steps(entry: Group) -> float:
    steps, epochs = entry.median(lambda run: _number(run, "steps_per_epoch")), entry.median(_epochs)
    return steps * epochs if steps and epochs else 0.0


def _number(result: RunResult, effective: str) -> float | None:
    """An effective setting that is a number, None where the framework did not say."""
    found = result.effective.get(effective)
    return float(found) if isinstance(found, int | float) else None


def _epochs(result: RunResult) -> float | None:
    return result.training.epochs or None


def _images(entry: Group) -> int:
    """How many images were tested, 0 where it is not known."""
    return round(entry.median(lambda run: run.test.images) or 0)
