"""What explains a ratio, from recorded facts: one line each with both values, the most important first."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from tfpt_tui.config.effective import Difference, effective_differences
from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import ON, SETTINGS, RunConfig, plain
from tfpt_tui.config.tracks import TRACKS, needs_proof
from tfpt_tui.events import PHASES
from tfpt_tui.results.comparison.groups import MODEL, Group, kind_of
from tfpt_tui.results.comparison.metrics import METRICS
from tfpt_tui.results.comparison.verdicts import RowVerdict
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.runs.record.shown_by_duels import Pair
from tfpt_tui.runs.tasks.neutrality_evidence import STEADY_MALLOC

# Of a machine, a configuration and a setting: the latest such duel of the framework with another value of it.
Brought = Callable[[str, RunConfig, str], Pair | None]


def brought_nothing(machine: str, config: RunConfig, key: str) -> None:
    """Where no recorded duels are at hand."""


# What a framework does once, before its first step; it is in no rate and in no ratio.
STARTING = PHASES[: PHASES.index("training")]
STARTING_S = 2.0  # less makes no difference to anybody
SYSTEM = METRICS["system_percent"]
SYSTEM_PERCENT = 4.0
# A page fault takes the kernel 0.2 to 4 us; where it took longer for each it was busy with other things.
FAULTS_PER_S = 100_000


def reasons(
    verdicts: Sequence[RowVerdict], groups: Sequence[Group], brought: Brought = brought_nothing
) -> list[str]:
    """The reasons of every row beside its baseline. Rows that differ alike share them, by their framework.

    ``brought`` is what a setting brought a framework in a duel that is recorded on a machine (:data:`Brought`).
    """
    lines = []
    for verdict in verdicts:
        entry, baseline = verdict.entry, verdict.baseline
        if baseline is None or entry is baseline or not (entry.done and baseline.done):
            continue
        names = (entry.title, baseline.title) if entry.title != baseline.title else (entry.name, baseline.name)
        kind = kind_of(entry, groups)
        found = [
            _say(one, entry, *names) + _switch(one, entry, baseline, brought)
            for one in _differences(entry, baseline)
        ]
        found += [*_memory(entry, baseline, *names), *_start(entry, baseline, *names)]
        lines += [f"{kind}{line}" for line in found]
    return list(dict.fromkeys(lines))


def _differences(entry: Group, baseline: Group) -> list[Difference]:
    """What the frameworks applied differently and can change the time. A setting that was chosen has a column."""
    chosen = [key for key in SETTINGS if entry.config.value(key) != baseline.config.value(key)]
    return effective_differences(
        entry.done[0].effective, baseline.done[0].effective, but=chosen, loading=entry.measure != MODEL
    )


def _say(one: Difference, entry: Group, own: str, other: str) -> str:
    """What a track promises to make equal, and is not, is an exception to it."""
    unequal = TRACKS[entry.track].unequal if entry.track in TRACKS else ()
    if one.setting.name in unequal:
        what = "reason"
    else:
        what = f"exception to the track {entry.track}" if needs_proof(entry.track) else "not the same"
    values = f"{one.setting.say(one.own)} in {own}, {one.setting.say(one.other)} in {other}"
    effect = f"; {one.setting.effect}" if one.setting.effect else ""
    return f"{what}: {one.setting.title}: {values}{effect}"


def _switch(one: Difference, entry: Group, baseline: Group, brought: Brought) -> str:
    """What to try, or what that brought where a duel on the machine has shown it."""
    if not one.setting.switch:
        return ""
    key, value = one.setting.switch
    groups = [group for group in (entry, baseline) if not _is_set(group, key, value)]
    shown = [
        _effect(pair)
        for group in groups
        if (pair := brought(group.done[0].environment.fingerprint.machine, group.config, key))
    ]
    if shown:
        return "; " + "; ".join(dict.fromkeys(shown))
    return f"; try --set {key}={value}" if groups else ""


def _is_set(group: Group, key: str, value: str) -> bool:
    """Whether that was requested, or is what the framework did by itself."""
    applied = group.done[0].effective.get(key)
    return str(group.config.value(key)) == value or (isinstance(applied, bool) and applied == (value == ON))


def _effect(pair: Pair) -> str:
    """Such as ``in PyTorch compile=on took 0.93x [0.90, 0.96] the time of compile=off here``."""
    return (
        f"in {title_of(pair.frameworks[0])} {pair.setting}={plain(pair.value)} took {pair.ratio:.2f}x"
        f" [{pair.low:.2f}, {pair.high:.2f}] the time of {pair.setting}={plain(pair.baseline)} here ({pair.sweep})"
    )


def _memory(entry: Group, baseline: Group, own: str, other: str) -> list[str]:
    """The kernel's share of the training where it makes page faults, and differs between rows or between starts.

    malloc gives memory back after a step or keeps it, as its heap happens to lie in a process (manual, method).
    """
    done = [result for group in (entry, baseline) for result in group.done]
    if not done or not all(map(_is_of_page_faults, done)):
        return []
    shares = [group.values(SYSTEM.read) for group in (entry, baseline)]
    apart = abs(statistics.median(shares[0]) - statistics.median(shares[1]))
    if max(apart, *(max(values) - min(values) for values in shares)) < SYSTEM_PERCENT:
        return []
    shown = (
        f"{_range(values)} % of its processor time in {name}"
        for values, name in zip(shares, (own, other), strict=True)
    )
    steady = " ".join(f"{name}={value}" for name, value in STEADY_MALLOC.items())
    is_steady = all(result.environment.variables.keys() >= STEADY_MALLOC.keys() for result in done)
    try_it = "" if is_steady else f"; try {steady}"
    return [f"reason: page faults, as memory is given back and fetched again: {', '.join(shown)}{try_it}"]


def _is_of_page_faults(result: RunResult) -> bool:
    """Whether what the kernel did in the training was making page faults."""
    counters = result.counters.get("training", {})
    return counters.get("minor_faults", 0.0) > FAULTS_PER_S * counters.get("system_s", 0.0) > 0


def _range(values: Sequence[float]) -> str:
    low, high = round(min(values)), round(max(values))
    return f"{low}" if low == high else f"{low} to {high}"


def _start(entry: Group, baseline: Group, own: str, other: str) -> list[str]:
    """How long each takes before its first step, where that differs: short runs feel it, and no rate has it."""
    seconds = [
        sum(one for phase, one in group.phases().items() if phase in STARTING) for group in (entry, baseline)
    ]
    if abs(seconds[0] - seconds[1]) < STARTING_S:
        return []
    return [
        f"start: {seconds[0]:.1f} s before the first step in {own}, {seconds[1]:.1f} s in {other}; in no ratio"
    ]
