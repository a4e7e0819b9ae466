"""The rows of a comparison: runs of one configuration and origin, what kind they are of, and what to call them."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfpt_tui.config.frameworks import FRAMEWORKS, title_of
from tfpt_tui.config.schema import SETTINGS, defaults, plain
from tfpt_tui.events import PHASES
from tfpt_tui.runs.record.fold import FLAGGED, doubts, throughput, warnings_of

END_TO_END, LOADER, MODEL = "end_to_end", "loader", "model"
DEFAULTS = defaults()
# They tell repeats, machines and limits apart, not configurations.
NOT_COMPARED = tuple(key for key, setting in SETTINGS.items() if not setting.compared)


@dataclass(frozen=True)
class Group:
    """Runs of one configuration and origin that differ in their seed only; ``done`` are those that completed.

    ``by`` is a setting whose values are compared apart from each other, "" for none. ``name`` is the framework,
    with what tells the row apart where the comparison has others of it.
    """

    config: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]
    by: str = ""
    name: str = ""

    @property
    def done(self) -> list[Mapping[str, Any]]:
        return [result for result in self.results if result["status"] == "completed"]

    @property
    def framework(self) -> str:
        return str(self.config.get("framework", ""))

    @property
    def title(self) -> str:
        return title_of(self.framework)

    @property
    def track(self) -> str:
        return str(self.config.get("track", "default"))

    @property
    def version(self) -> str:
        """The version of the framework that ran, "" where none told it."""
        return next((version for result in self.done if (version := version_of(result))), "")

    @property
    def machine(self) -> str:
        """Host and device, "" where no run completed."""
        return machine_of(self.done[0]) if self.done else ""

    @property
    def measure(self) -> str:
        """What its runs timed."""
        return str(setting_value(self.config, "measure"))

    @property
    def kind(self) -> tuple[str, ...]:
        """Track, measure and what is kept apart on request: only rows of one kind are ranked."""
        return self.track, self.measure, *([self.by_value] if self.by else [])

    @property
    def by_value(self) -> str:
        """Such as ``batch_size 32``; "" where nothing is kept apart."""
        return f"{self.by} {plain(setting_value(self.config, self.by))}" if self.by else ""

    def values(self, table: str, key: str) -> list[float]:
        """A figure of every completed run that has it."""
        return [result[table][key] for result in self.done if key in result.get(table, {})]

    def median(self, table: str, key: str) -> float | None:
        """NaN as soon as a run has none: a sort that meets NaN ends anywhere."""
        values = self.values(table, key)
        if any(map(math.isnan, values)):
            return math.nan
        return statistics.median(values) if values else None

    def accuracies(self, key: str = "accuracy") -> list[float]:
        """Test accuracies of the completed runs that learned something: one that diverged guesses.

        ``key`` is their name in the table ``test`` of a result.
        """
        tests = [result.get("test", {}) for result in self.done]
        tested = [(test[key], test.get("loss", 0.0)) for test in tests if key in test]
        return [accuracy for accuracy, loss in tested if math.isfinite(accuracy) and math.isfinite(loss)]

    def phases(self) -> dict[str, float]:
        """Median seconds of each phase that completed runs went through, in their order."""
        medians = {phase: self.median("phases", phase) for phase in PHASES}
        return {phase: seconds for phase, seconds in medians.items() if seconds is not None}

    def timed(self) -> dict[Hashable, Mapping[str, Any]]:
        """The completed runs that tell a rate, by what pairs them with those of another row.

        That is the seed, and a count for seeds that a row has more than once.
        """
        runs: dict[Hashable, Mapping[str, Any]] = {}
        seen: Counter[Any] = Counter()
        for result in self.done:
            if "images_per_s" in result.get("training", {}):
                seed = result["config"].get("seed")
                seen[seed] += 1
                runs[seed, seen[seed]] = result
        return runs

    def image_times(self) -> dict[Hashable, float]:
        """Seconds per training image of the median epochs; NaN or infinite where a rate is not a number."""
        rates = {key: throughput(result["training"]) for key, result in self.timed().items()}
        return {key: 1 / rate if rate else math.inf for key, rate in rates.items()}

    def images_per_s(self) -> float | None:
        """The median of the completed runs' throughputs."""
        throughputs = [throughput(result["training"]) for result in self.timed().values()]
        rates = [rate for rate in throughputs if rate is not None and math.isfinite(rate)]
        return statistics.median(rates) if rates else None


def group(results: Sequence[Mapping[str, Any]], by: str = "") -> list[Group]:
    """Put the repeats of one configuration together, and with ``by`` the rows of one value of that setting.

    Runs of other machines, versions or kinds of device are no repeats: they have a row of their own.
    """
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        grouped.setdefault(same_settings(result["config"], "seed"), []).append(result)
    groups = [
        Group(members[0]["config"], tuple(members), by)
        for same in grouped.values()
        for members in _by_origin(same)
    ]
    return _named(sorted(groups, key=lambda entry: _rank(setting_value(entry.config, by))) if by else groups)


def _rank(value: Any) -> tuple[bool, Any]:
    """Sorts the values of a setting; a run whose configuration is broken has none, and comes last."""
    return value is None, value


def _named(groups: Sequence[Group]) -> list[Group]:
    rivals: dict[Hashable, list[Group]] = {}
    twins: dict[Hashable, list[Group]] = {}
    for entry in groups:
        rivals.setdefault((entry.framework, entry.kind), []).append(entry)
        twins.setdefault(same_settings(entry.config, "seed"), []).append(entry)
    keys = {kind: differing_keys(entries) for kind, entries in rivals.items()}
    return [
        replace(
            entry,
            name=_name(entry, keys[entry.framework, entry.kind], twins[same_settings(entry.config, "seed")]),
        )
        for entry in groups
    ]


def _name(entry: Group, keys: Sequence[str], twins: Sequence[Group]) -> str:
    words = [f"{key} {plain(setting_value(entry.config, key))}" for key in keys if applies(key, entry)]
    words += _origin_words(entry, [twin for twin in twins if twin.done])
    return f"{entry.title} ({', '.join(words)})" if words else entry.title


def _origin_words(entry: Group, twins: Sequence[Group]) -> list[str]:
    """What tells the row from others of the same settings that come from elsewhere."""
    if len(twins) < 2 or not entry.done:
        return []
    words = [entry.version] if len({twin.version for twin in twins}) > 1 else []
    words += [entry.machine] if len({twin.machine for twin in twins}) > 1 else []
    return words or [f"origin {' '.join(origin_of(entry.done[0])).strip()}"]


def _by_origin(results: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Apart where they come from different places; runs that did not complete stay with the first."""
    done: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for result in results:
        if result["status"] == "completed":
            done.setdefault(origin_of(result), []).append(result)
    others = list(done.values())[1:]
    elsewhere = {id(result) for other in others for result in other}
    return [[result for result in results if id(result) not in elsewhere], *others]


def origin_of(result: Mapping[str, Any]) -> tuple[str, str, str]:
    """The fingerprints of machine and software, and the kind of device: what a setting need not decide."""
    known = result.get("environment", {}).get("fingerprint", {})
    device = str(result.get("effective", {}).get("device", "")).partition(":")[0]
    return known.get("machine", "unknown"), known.get("software", "unknown"), device


def version_of(result: Mapping[str, Any]) -> str:
    """The version of the run's framework, "" where it is not known."""
    framework = FRAMEWORKS.get(result["config"].get("framework", ""))
    return str(result.get("versions", {}).get(framework.distributions[0], "")) if framework else ""


def machine_of(result: Mapping[str, Any]) -> str:
    """Such as ``box: Tesla T4``: the host, and what trained there."""
    host = result.get("environment", {}).get("machine", {}).get("host")
    return f"{host}: {hardware_of(result)}" if host else hardware_of(result)


def hardware_of(result: Mapping[str, Any]) -> str:
    """The device that the run used: the GPU's name, else the processor with its cores."""
    device = str(result.get("effective", {}).get("device_name", ""))
    if device and device != "cpu":
        return device
    machine = result.get("environment", {}).get("machine", {})
    name = str(machine.get("processor", "an unknown processor"))
    cores = machine.get("allowed_cores")
    return f"{name}, cores {cores}" if cores else name


def same_settings(config: Mapping[str, Any], *but: str) -> str:
    """What configurations share that agree in every setting but these."""
    return repr([(name, setting_value(config, name)) for name in SETTINGS if name not in but])


def setting_value(config: Mapping[str, Any], key: str) -> Any:
    """A setting's value; recordings that are older than the setting were made with its default."""
    return config.get(key, DEFAULTS[key])


def differing_keys(groups: Sequence[Group]) -> list[str]:
    """The settings in which the rows differ; a setting of one framework only differs only within it."""
    keys = []
    for key in SETTINGS:
        concerned = [entry for entry in groups if applies(key, entry)]
        if key not in NOT_COMPARED and len({repr(setting_value(entry.config, key)) for entry in concerned}) > 1:
            keys.append(key)
    return keys


def applies(key: str, entry: Group) -> bool:
    return SETTINGS[key].applies_to(entry.framework, entry.track)


def kind_of(entry: Group, groups: Sequence[Group]) -> str:
    """The start of a sentence about the row, such as ``published, loader: ``; "" where all are of one kind."""
    words = []
    if len({other.track for other in groups}) > 1:
        words.append(entry.track)
    if len({other.measure for other in groups}) > 1:
        words.append(entry.measure)
    if entry.by:
        words.append(entry.by_value)
    return f"{', '.join(words)}: " if words else ""


def flags_of(results: Sequence[Mapping[str, Any]]) -> str | None:
    """The codes of what makes times or accuracy of the runs doubtful, and of how many where not of all."""
    codes = Counter(code for result in results for code in doubts(warnings_of(result), *FLAGGED))
    count = len(results)
    return ", ".join(code if of == count else f"{code} ({of} of {count})" for code, of in codes.items()) or None
