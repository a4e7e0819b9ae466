"""What ``tfpt-tui advise`` races: configurations of the track best that differ in a switch, or in what was asked.

Switches do not add up: two that gain ten percent each may lose together. So every race begins from what is fastest
so far, and what gains alone is tried together before it is believed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import OFF, ON, SETTINGS, RunConfig, defaults
from tfpt_tui.config.tracks import BEST
from tfpt_tui.documents import Value

COMPILE, THREADS, PRECISION, ONEDNN = "compile", "threads", "precision", "onednn"
# Whose interval ends below is faster, beyond what the luck of a process may bring.
PROVEN = 0.995
# Settings that change what is learned.
CHANGE_LEARNING = ("batch_size", PRECISION)
# Configurations that are this much slower than the fastest are not tried again with other switches.
HOPELESS = 1.05


@dataclass(frozen=True)
class Choices:
    """The values to try for each setting, the one to begin with first.

    ``by_itself`` are those with which the framework does on this machine what it does by itself.
    """

    values: Mapping[str, tuple[Value, ...]]
    by_itself: Mapping[str, Value]

    def plain(self, config: RunConfig) -> RunConfig:
        """The same with every switch as the framework has it by itself."""
        return config.replace(**self.by_itself)

    def alternatives(self, config: RunConfig) -> list[RunConfig]:
        """Every configuration that differs from this one in one setting."""
        return [
            config.replace(**{key: value})
            for key, values in self.values.items()
            for value in values
            if value != config.value(key)
        ]


def choices_of(
    config: RunConfig,
    thread_counts: Sequence[int],
    precisions: Sequence[str],
    vary: Sequence[str],
    *,
    onednn: bool | None,
    on_gpu: bool,
    given: Collection[str] = (),
) -> Choices:
    """What can be tried in place of a configuration's own settings.

    ``thread_counts`` are those beside the usual one, ``precisions`` those beside its own, and ``vary`` are
    settings that change the training. ``onednn`` says whether the framework computes with oneDNN here by itself,
    None where it does not tell. What somebody has ``given`` or set otherwise than by default is not tried, nor
    taken back on the lowest rung.
    """
    framework = config.framework
    found: dict[str, tuple[Value, ...]] = {}
    given = [
        key
        for key in (*FRAMEWORKS[framework].switches, COMPILE)
        if key in given or config.value(key) != SETTINGS[key].default
    ]
    for key in (*FRAMEWORKS[framework].switches, COMPILE):
        usual = _first(_usual(key, on_gpu=on_gpu), SETTINGS[key].tried)
        found[key] = (config.value(key),) if key in given else usual
    if thread_counts:
        found[THREADS] = _first(config.threads, thread_counts)
    if precisions:
        found[PRECISION] = _first(config.precision, precisions)
    for key in vary:
        if SETTINGS[key].applies_to(framework, BEST.name):
            found[key] = _first(config.value(key), SETTINGS[key].tried)
    known = FRAMEWORKS[framework]
    by_itself = {**known.plain, **(known.plain_on_gpu if on_gpu else {})}
    if onednn is not None:
        by_itself[ONEDNN] = ON if onednn else OFF
    return Choices(found, {key: value for key, value in by_itself.items() if key not in given})


def first_candidate(config: RunConfig, choices: Choices) -> RunConfig:
    """Where the search begins: every switch as it usually is best, all else as in ``config``."""
    usual = {key: values[0] for key, values in choices.values.items() if SETTINGS[key].is_switch or key == COMPILE}
    return config.replace(**usual)


@dataclass(frozen=True)
class Gain:
    """A configuration of a race beside the first one: how many times its time it took, and the 95 % interval."""

    config: RunConfig
    ratio: float
    low: float
    high: float

    @property
    def is_proven(self) -> bool:
        """Whether it certainly is faster."""
        return self.high < PROVEN


def next_race(first: RunConfig, gains: Sequence[Gain], tried: Sequence[RunConfig]) -> list[RunConfig]:
    """The arms of the next race, whose first is the fastest that is proven; empty where nothing was gained.

    All gains together come second, then what did not lose, on top of the fastest; nothing that was ``tried``.
    """
    proven = sorted((gain for gain in gains if gain.is_proven), key=lambda gain: gain.ratio)
    if not proven:
        return []
    fastest = proven[0].config
    together = first
    for gain in reversed(proven):  # of two values of one setting the better one stays
        together = together.replace(**difference(gain.config, first))
    arms = [fastest, together]
    arms += [
        fastest.replace(**difference(gain.config, first))
        for gain in sorted(gains, key=lambda gain: gain.ratio)
        if gain.ratio < HOPELESS and not difference(gain.config, first).keys() & difference(fastest, first).keys()
    ]
    return [arm for place, arm in enumerate(dict.fromkeys(arms)) if place == 0 or arm not in tried]


def difference(config: RunConfig, other: RunConfig) -> dict[str, Value]:
    """The settings in which a configuration is not like another, with its values."""
    return {key: config.value(key) for key in SETTINGS if config.value(key) != other.value(key)}


def rungs(lowest: RunConfig, advised: RunConfig, effects: Mapping[str, float]) -> list[RunConfig]:
    """The ladder from the plain form of what was asked for to what is advised, a setting more on each rung.

    ``effects`` say how many times the time it took without a setting; the largest comes first.
    """
    steps = difference(advised, lowest)
    ladder = [lowest]
    for key in sorted(steps, key=lambda key: -effects.get(key, 1.0)):
        ladder.append(ladder[-1].replace(**{key: steps[key]}))
    return ladder


def _usual(key: str, *, on_gpu: bool) -> Value:
    """What a switch is on the track best when nobody says otherwise."""
    if key == COMPILE:
        return ON if on_gpu else "off"
    return ON if ON in SETTINGS[key].choices else defaults()[key] or ""


def _first(value: Value, values: Sequence[Value]) -> tuple[Value, ...]:
    return (value, *(other for other in values if other != value))
