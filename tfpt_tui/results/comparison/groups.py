"""The rows of a comparison: runs of one configuration and origin, what kind they are of, and what to call them."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.schema import HERE, SETTINGS, RunConfig, plain
from tfpt_tui.documents import Value
from tfpt_tui.events import PHASES
from tfpt_tui.hardware.fingerprint import fingerprint
from tfpt_tui.runs.record.result import FLAGGED, RunResult

END_TO_END, LOADER, MODEL, PROFILE = "end_to_end", "loader", "model", "profile"
# What rows can be compared by that is no setting: the machines, each by its name.
MACHINE = "machine"
# These have a place of their own in a comparison: no column says them, and yet they tell rows apart.
KINDS = ("framework", "track")
# They tell repeats, machines and limits apart, not configurations.
NOT_COMPARED = tuple(key for key, setting in SETTINGS.items() if not setting.compared)


@dataclass(frozen=True)
class Group:
    """Runs of one configuration and origin that differ in their seed only; ``done`` are those that completed.

    ``by`` is a setting whose values are compared apart from each other, "" for none; by :data:`MACHINE` it is the
    machines that are compared, each configuration apart. ``name`` is the framework, with what tells the row apart
    where the comparison has others of it.
    """

    config: RunConfig
    results: tuple[RunResult, ...]
    by: str = ""
    name: str = ""

    @property
    def done(self) -> list[RunResult]:
        return [result for result in self.results if result.completed]

    @property
    def framework(self) -> str:
        return self.config.framework

    @property
    def title(self) -> str:
        return title_of(self.framework)

    @property
    def track(self) -> str:
        return self.config.track

    @property
    def version(self) -> str:
        """The version of the framework that ran, "" where it is not known."""
        return next((version for result in self.done if (version := version_of(result))), "")

    @property
    def machine(self) -> str:
        """Host and device, "" where no run completed."""
        return machine_of(self.done[0]) if self.done else ""

    @property
    def machine_name(self) -> str:
        """What the user calls the machine."""
        return self.results[0].machine or HERE

    @property
    def measure(self) -> str:
        """What its runs timed."""
        return self.config.measure

    @property
    def kind(self) -> tuple[str, ...]:
        """Track, measure, machine, and what is kept apart on request: only rows of one kind are ranked."""
        if self.by == MACHINE:
            return self.track, self.measure, same_settings(self.config, "seed")
        return self.track, self.measure, self.machine_name, *([self.by_value] if self.by else [])

    @property
    def by_value(self) -> str:
        """Such as ``batch_size 32``; "" where nothing is kept apart."""
        return f"{self.by} {plain(self.config.value(self.by))}" if self.by in SETTINGS else ""

    def values(self, read: Callable[[RunResult], float | None]) -> list[float]:
        """A figure of every completed run that has it."""
        return [value for result in self.done if (value := read(result)) is not None]

    def median(self, read: Callable[[RunResult], float | None]) -> float | None:
        """Of the completed runs that have the figure; NaN as soon as one's is: NaN leaves a sort in disorder."""
        values = self.values(read)
        if any(map(math.isnan, values)):
            return math.nan
        return statistics.median(values) if values else None

    def accuracies(self, *, recalibrated: bool = False) -> list[float]:
        """Test accuracies of the completed runs that learned something: one that diverged guesses."""
        tests = [result.test for result in self.done]
        tested = [
            (test.recalibrated_accuracy if recalibrated else test.accuracy, test.loss or 0.0) for test in tests
        ]
        return [
            accuracy
            for accuracy, loss in tested
            if accuracy is not None and math.isfinite(accuracy) and math.isfinite(loss)
        ]

    def phases(self) -> dict[str, float]:
        """Median seconds of each phase that completed runs went through, in their order."""
        medians = {phase: self.median(_seconds_of(phase)) for phase in PHASES}
        return {phase: seconds for phase, seconds in medians.items() if seconds is not None}

    def timed(self, beside: Group | None = None) -> dict[Hashable, RunResult]:
        """The completed runs with a throughput, none that is void, by what pairs them with those of ``beside``.

        That is the seed, and a count for seeds that a row has more than once: within a sweep where both rows have
        runs of one, whose runs alternated.
        """
        apart = bool(beside and self._sweeps & beside._sweeps)
        runs: dict[Hashable, RunResult] = {}
        seen: Counter[Hashable] = Counter()
        for result in self.done:
            if result.training.images_per_s is not None and not result.is_void:
                key = (result.sweep, result.config.seed) if apart else result.config.seed
                seen[key] += 1
                runs[key, seen[key]] = result
        return runs

    @property
    def _sweeps(self) -> set[str]:
        return {result.sweep for result in self.done}

    def image_times(self, beside: Group | None = None) -> dict[Hashable, float]:
        """Seconds per training image of the median epochs, by the keys of :meth:`timed`; NaN or infinite where a
        rate is not a number.
        """
        rates = {key: result.training.throughput for key, result in self.timed(beside).items()}
        return {key: 1 / rate if rate else math.inf for key, rate in rates.items()}

    def images_per_s(self) -> float | None:
        """The median of the completed runs' throughputs."""
        throughputs = [result.training.throughput for result in self.timed().values()]
        rates = [rate for rate in throughputs if rate is not None and math.isfinite(rate)]
        return statistics.median(rates) if rates else None


def _seconds_of(phase: str) -> Callable[[RunResult], float | None]:
    return lambda result: result.phases.get(phase)


def group(results: Sequence[RunResult], by: str = "") -> list[Group]:
    """Put the repeats of one configuration together, and with ``by`` the rows of one value of that setting.

    Runs of other machines, versions or kinds of device are no repeats: they have a row of their own.
    """
    grouped: dict[tuple[str, str], list[RunResult]] = {}
    for result in _with_common_data(results):
        grouped.setdefault((result.machine, same_settings(result.config)), []).append(result)
    groups = [
        Group(members[0].config, tuple(members), by) for same in grouped.values() for members in _by_origin(same)
    ]
    return _named(sorted(groups, key=lambda entry: _rank(entry, by)) if by in SETTINGS else groups)


def _with_common_data(results: Sequence[RunResult]) -> list[RunResult]:
    """With one name for what is the same dataset, in whatever directories the machines have it."""
    names: dict[Value, str] = {}
    common = []
    for result in results:
        digest = result.environment.data.get("digest")
        name = names.setdefault(digest, result.config.data) if digest else result.config.data
        same = name == result.config.data
        common.append(result if same else replace(result, config=result.config.replace(data=name)))
    return common


def _rank(entry: Group, by: str) -> tuple[bool, str | float]:
    """Sorts the values of a setting; a run whose configuration is broken has none, and comes last."""
    return not entry.config.is_known, entry.config.value(by)


def _named(groups: Sequence[Group]) -> list[Group]:
    rivals: dict[Hashable, list[Group]] = {}
    twins: dict[Hashable, list[Group]] = {}
    for entry in groups:
        rivals.setdefault(_place(entry), []).append(entry)
        twins.setdefault(_likeness(entry), []).append(entry)
    keys = {place: differing_keys(entries) for place, entries in rivals.items()}
    return [replace(entry, name=_name(entry, keys[_place(entry)], twins[_likeness(entry)])) for entry in groups]


def _place(entry: Group) -> Hashable:
    """What rows share of which the settings tell them apart: those of one framework, on one machine."""
    return (
        entry.framework,
        entry.track,
        entry.measure,
        entry.machine_name,
        "" if entry.by == MACHINE else entry.kind,
    )


def _likeness(entry: Group) -> Hashable:
    """What rows share that nothing but where they come from tells apart."""
    return entry.machine_name, same_settings(entry.config, "seed")


def _name(entry: Group, keys: Sequence[str], twins: Sequence[Group]) -> str:
    words = [f"{key} {plain(entry.config.value(key))}" for key in keys if applies(key, entry)]
    words += _origin_words(entry, [twin for twin in twins if twin.done])
    name = f"{entry.title} ({', '.join(words)})" if words else entry.title
    return f"{name} on {entry.machine_name}" if entry.by == MACHINE else name


def _origin_words(entry: Group, twins: Sequence[Group]) -> list[str]:
    """What tells the row from others of the same settings that come from elsewhere."""
    if len(twins) < 2 or not entry.done:
        return []
    words = [entry.version] if len({twin.version for twin in twins}) > 1 else []
    words += [entry.machine] if len({twin.machine for twin in twins}) > 1 else []
    return words or [f"origin {' '.join(origin_of(entry.done[0])).strip()}"]


def _by_origin(results: Sequence[RunResult]) -> list[list[RunResult]]:
    """Apart where they come from different places; runs that did not complete stay with the first."""
    done: dict[tuple[str, ...], list[RunResult]] = {}
    for result in results:
        if result.completed:
            done.setdefault(origin_of(result), []).append(result)
    others = list(done.values())[1:]
    elsewhere = {id(result) for other in others for result in other}
    return [[result for result in results if id(result) not in elsewhere], *others]


def origin_of(result: RunResult) -> tuple[str, str, str]:
    """The fingerprints of machine and software, and the kind of device: what a setting need not decide."""
    return machine_fingerprint(result), result.environment.fingerprint.software, result.kind_of_device


def machine_fingerprint(result: RunResult) -> str:
    """That of the machine; of another one of ours what it is made of, whatever its host is called: the nodes of a
    cluster are one machine where they are alike.
    """
    environment = result.environment
    if not result.machine or not environment.machine:
        return environment.fingerprint.machine
    named = {**environment.machine, "host": result.machine}
    return fingerprint(replace(environment, machine=named), on_gpu=environment.gpu.used is not None).machine


def version_of(result: RunResult) -> str:
    """The version of the run's framework, "" where it is not known."""
    framework = FRAMEWORKS.get(result.framework)
    return result.versions.get(framework.distributions[0], "") if framework else ""


def machine_of(result: RunResult) -> str:
    """Such as ``box: Tesla T4``: what the user calls it, else the host, and what trained there."""
    host = result.machine or result.environment.machine.get("host")
    return f"{host}: {hardware_of(result)}" if host else hardware_of(result)


def hardware_of(result: RunResult) -> str:
    """The device that the run used: the GPU's name, else the processor with its cores."""
    device = str(result.effective.get("device_name", ""))
    if device and device != "cpu":
        return device
    machine = result.environment.machine
    name = str(machine.get("processor", "an unknown processor"))
    cores = machine.get("allowed_cores")
    return f"{name}, cores {cores}" if cores else name


def same_settings(config: RunConfig, *but: str) -> str:
    """What configurations share that agree in every setting but these; repeats differ in seed and limits."""
    named = [name for name, setting in SETTINGS.items() if setting.compared or name in KINDS]
    return repr([(name, config.value(name)) for name in named if name not in but])


def differing_keys(groups: Sequence[Group]) -> list[str]:
    """The settings in which the rows differ; a setting of one framework only differs only within it."""
    keys = []
    for key in SETTINGS:
        concerned = [entry for entry in groups if entry.config.is_known and applies(key, entry)]
        if key not in NOT_COMPARED and len({repr(entry.config.value(key)) for entry in concerned}) > 1:
            keys.append(key)
    return keys


def usual_by(results: Sequence[RunResult]) -> str:
    """The one setting, beside the framework, in which the rows of a sweep differ: frameworks are compared within
    each of its values. "" where there is another number of such settings, or a value has one framework alone.
    """
    entries = group([result for result in results if result.completed])
    keys = [key for key in differing_keys(entries) if all(applies(key, entry) for entry in entries)]
    if len(keys) != 1:
        return ""
    frameworks: dict[Hashable, set[str]] = {}
    for entry in entries:
        frameworks.setdefault(entry.config.value(keys[0]), set()).add(entry.framework)
    return keys[0] if all(len(names) > 1 for names in frameworks.values()) else ""


def applies(key: str, entry: Group) -> bool:
    return SETTINGS[key].applies_to(entry.framework, entry.track)


def kind_of(entry: Group, groups: Sequence[Group]) -> str:
    """The start of a sentence about the row, such as ``published, loader: ``; "" where all are of one kind."""
    words = []
    if entry.by != MACHINE and len({other.machine_name for other in groups}) > 1:
        words.append(entry.machine_name)
    if len({other.track for other in groups}) > 1:
        words.append(entry.track)
    if len({other.measure for other in groups}) > 1:
        words.append(entry.measure)
    if entry.by_value:
        words.append(entry.by_value)
    return f"{', '.join(words)}: " if words else ""


def flags_of(results: Sequence[RunResult]) -> str | None:
    """The codes of what makes times or accuracy of the runs doubtful, and of how many where not of all."""
    codes = Counter(code for result in results for code in result.doubts(*FLAGGED))
    count = len(results)
    return ", ".join(code if of == count else f"{code} ({of} of {count})" for code, of in codes.items()) or None
