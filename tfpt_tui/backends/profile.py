"""What a framework's profiler says of a training step, in the same words for every framework."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from tfpt_tui.backends.network import Convolution
from tfpt_tui.backends.report import clock
from tfpt_tui.events import STEP_PARTS, RunWarning, StepProfile

# A trace of a second or so: long enough to mean something, short enough to be opened in a viewer.
PROFILED_STEPS = 30
# Of the matrices whose product shows a machine's arithmetic peak, and how long each peak is looked for.
SIDE, PEAK_S = 2048, 0.4
# Beyond these a profile says so itself.
MOST_OVERHEAD, MOST_OTHER = 1.10, 0.10


@dataclass(frozen=True)
class Peaks:
    """GFLOP/s that a framework reaches here in float32: in a large matrix product, and in the network's
    convolutions alone, forward and backward; of the latter 0.0 on a GPU, which computes small ones faster than the
    host starts them.
    """

    matmul: float
    convolution: float


# What takes time only where nothing else does.
LAST = ("loading", "host")
NO_PEAKS = Peaks(0.0, 0.0)


@dataclass(frozen=True)
class Recorded:
    """Seconds by the parts of a step, as a profiler saw them; of a GPU's ``kernels`` alone where one computed."""

    parts: Mapping[str, float]
    kernels: bool = False


def measure_peaks(
    multiply: Callable[[], None], convolve: Mapping[Convolution, Callable[[], object]], batch_size: int
) -> Peaks:
    """Time each alone. ``multiply`` takes two square matrices of :data:`SIDE`, ``convolve`` trains one convolution
    on a batch; all is done when they return.
    """
    seconds = sum(_best_s(work) for work in convolve.values())
    flops = sum(one.flops * batch_size for one in convolve)
    return Peaks(2e-9 * SIDE**3 / _best_s(multiply), 1e-9 * flops / seconds if convolve else 0.0)


def _best_s(work: Callable[[], object]) -> float:
    """The shortest of some times: a peak is what is reached undisturbed."""
    work()
    times: list[float] = []
    until = clock() + PEAK_S
    while len(times) < 3 or clock() < until:
        started = clock()
        work()
        times.append(clock() - started)
    return min(times)


def share_out(intervals: Iterable[tuple[str, float, float]]) -> dict[str, float]:
    """Seconds of the clock by part: at any moment the time belongs to what runs then, in equal shares.

    Several threads compute at once. Those of :data:`LAST` count, in their order, only while nothing before them
    runs: a loader where nothing computes, then the host, which is a graph's executor or what starts kernels.
    """
    edges = sorted(
        edge for part, start, end in intervals if end > start for edge in ((start, 1, part), (end, -1, part))
    )
    seconds: dict[str, float] = defaultdict(float)
    running: Counter[str] = Counter()
    for (at, change, part), (after, _, _) in pairwise(edges):
        running[part] += change
        counted = _counted({part: count for part, count in running.items() if count})
        for part, count in counted.items():
            seconds[part] += (after - at) * count / sum(counted.values())
    return dict(seconds)


def _counted(running: Mapping[str, int]) -> Mapping[str, int]:
    """Of what runs that to which the moment belongs."""
    parts = {part: count for part, count in running.items() if part not in LAST}
    return parts or next(({part: running[part]} for part in LAST if part in running), {})


def step_profile(
    recorded: Recorded, seconds: float, profiled_s: float, steps: float, trace: str, peaks: Peaks = NO_PEAKS
) -> StepProfile:
    """The shares of the parts in so many steps. What no part explains is "other"; where no kernel of a GPU runs it
    is the host that keeps it waiting.

    ``seconds`` and ``profiled_s`` of the same steps are by our clock, without the profiler and under it. Kernels
    take as long in either, so those of a GPU are shares of the former.
    """
    parts = recorded.parts
    whole, rest = (seconds, "host") if recorded.kernels else (profiled_s, "other")
    seconds_of = {**parts, rest: parts.get(rest, 0.0) + max(0.0, whole - sum(parts.values()))}
    whole = sum(seconds_of.values())
    shares = {part: round(seconds_of[part] / whole, 4) for part in STEP_PARTS if seconds_of.get(part)}
    flops = {"matmul_gflops": peaks.matmul, "convolution_gflops": peaks.convolution}
    return StepProfile(seconds / steps, profiled_s / steps, shares, trace, **flops)


def doubtful_profile(profile: StepProfile) -> list[RunWarning]:
    """What makes the shares doubtful: a profiler that slows the step down, and time that is in no part."""
    found = []
    times = profile.profiled_step_s / profile.step_s
    if times > MOST_OVERHEAD:
        message = f"under the profiler a step took {times:.2f} times as long as without it"
        found.append(RunWarning(message, "profiler_cost", "read the shares as rough ones"))
    other = profile.shares.get("other", 0.0)
    if other > MOST_OTHER:
        found.append(RunWarning(f"{other:.0%} of a step are in none of its parts", "profile_other"))
    return found
