"""May these runs be compared at all? Only those of one machine, and of one set of versions in each environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError
from tfpt_tui.hardware.fingerprint import GPU, MACHINE, fingerprint
from tfpt_tui.results.comparison.groups import machine_fingerprint
from tfpt_tui.runs.record.result import RunResult

MOST_FACTS = 3


class NotComparableError(UsageError):
    """Runs of different machines or versions; ``difference`` names the runs and the facts."""

    def __init__(self, difference: str) -> None:
        super().__init__(f"{difference}; --across compares them anyway")
        self.difference = difference


def check_comparable(results: Sequence[RunResult]) -> None:
    """Refuse runs whose figures differ for other reasons than their settings.

    Raises:
        NotComparableError: they come from different machines or versions; the line names runs and facts.
    """
    found = origins(results)
    if found:
        raise NotComparableError(found[0])


def origins(results: Sequence[RunResult]) -> list[str]:
    """A sentence for each way in which the completed runs do not come from the same; others have no figures.

    Copies of another machine's runs are not compared with ours, unless that is requested.
    """
    by_machine: dict[str, list[RunResult]] = {}
    for result in results:
        if result.completed:
            by_machine.setdefault(result.machine, []).append(result)
    return [sentence for done in by_machine.values() for sentence in _origins(done)]


def _origins(done: Sequence[RunResult]) -> list[str]:
    found = _machines(done)
    # Runs of two environments are meant to differ in their versions; those of one were not.
    for framework, environment in dict.fromkeys(map(_place, done)):
        runs = [result for result in done if _place(result) == (framework, environment)]
        title = title_of(framework)
        how = f"ran {title} in different versions"
        found.append(_difference(runs, _software, software_facts, how))
    return [sentence for sentence in (*found, _devices(done)) if sentence]


def _machines(done: Sequence[RunResult]) -> list[str]:
    """Where they come from different machines. GPUs are part of a machine for those alone that trained on one."""
    how = "come from different machines"
    by_kind: dict[str, list[RunResult]] = {}
    for result in done:
        by_kind.setdefault(result.kind_of_device, []).append(result)
    if len(by_kind) > 1 and (found := _difference(done, _without_gpus, machine_facts, how)):
        return [found]
    return [_difference(runs, machine_fingerprint, machine_facts, how) for runs in by_kind.values()]


def _without_gpus(result: RunResult) -> str:
    environment = result.environment
    return fingerprint(environment, on_gpu=False).machine if environment.machine else machine_fingerprint(result)


def _place(result: RunResult) -> tuple[str, str]:
    return result.framework, result.config.environment


def _software(result: RunResult) -> str:
    return result.environment.fingerprint.software


def _devices(results: Sequence[RunResult]) -> str:
    """Runs that left the device open and were given different kinds; named by the user it is a setting."""
    one_of_each: dict[str, str] = {}
    for result in results:
        if result.device and result.config.device == "auto":
            one_of_each.setdefault(result.kind_of_device, result.run)
    if len(one_of_each) < 2:
        return ""
    return f"{' and '.join(one_of_each.values())} trained on different devices ({' and '.join(one_of_each)})"


def _difference(
    results: Iterable[RunResult],
    part: Callable[[RunResult], str],
    facts_of: Callable[[RunResult], Mapping[str, Value]],
    how: str,
) -> str:
    """How the runs differ in a part of their fingerprints; "" when they do not. Unknown equals only unknown."""
    one_of_each: dict[str, RunResult] = {}
    for result in results:
        one_of_each.setdefault(part(result), result)
    if len(one_of_each) < 2:
        return ""
    facts = _differing([facts_of(result) for result in one_of_each.values()])
    facts = facts or [f"fingerprint {' and '.join(one_of_each)}"]
    if len(facts) > MOST_FACTS:
        facts = [*facts[:MOST_FACTS], f"{len(facts) - MOST_FACTS} more"]
    runs = " and ".join(result.run for result in one_of_each.values())
    return f"{runs} {how} ({', '.join(facts)})"


def _differing(known: Sequence[Mapping[str, Value]]) -> list[str]:
    names = dict.fromkeys(name for facts in known for name in facts)
    values = {name: dict.fromkeys(str(facts.get(name, "unknown")) for facts in known) for name in names}
    return [f"{name} {' and '.join(owners)}" for name, owners in values.items() if len(owners) > 1]


def machine_facts(result: RunResult) -> dict[str, Value]:
    """What its fingerprint is made of; free memory and the like differ from run to run and decide nothing."""
    environment = result.environment
    facts = {name: environment.machine[name] for name in MACHINE if name in environment.machine}
    if environment.gpu.driver:
        facts["driver"] = environment.gpu.driver
    for number, gpu in enumerate(environment.gpus):
        facts |= {f"gpu:{number} {name}": gpu[name] for name in GPU if name in gpu}
    return facts


def software_facts(result: RunResult) -> dict[str, Value]:
    return {**result.environment.versions, **result.environment.variables}
