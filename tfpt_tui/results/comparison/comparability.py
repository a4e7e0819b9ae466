"""May these runs be compared at all? Only those of one machine, and of one set of versions in each environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.errors import UsageError
from tfpt_tui.hardware.fingerprint import GPU, MACHINE
from tfpt_tui.results.comparison.groups import setting_value

MOST_FACTS = 3


class NotComparableError(UsageError):
    """Runs of different machines or versions; ``difference`` names the runs and the facts."""

    def __init__(self, difference: str) -> None:
        super().__init__(f"{difference}; --across compares them anyway")
        self.difference = difference


def check_comparable(results: Sequence[Mapping[str, Any]]) -> None:
    """Refuse runs whose figures differ for other reasons than their settings.

    Raises:
        NotComparableError: they come from different machines or versions; the line names runs and facts.
    """
    found = origins(results)
    if found:
        raise NotComparableError(found[0])


def origins(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each way in which the completed runs do not come from the same; others have no figures."""
    done = [result for result in results if result["status"] == "completed"]
    found = [_difference(done, "machine", machine_facts, "come from different machines")]
    # Runs of two environments are meant to differ in their versions; those of one were not.
    for framework, environment in dict.fromkeys(map(_place, done)):
        runs = [result for result in done if _place(result) == (framework, environment)]
        title = title_of(framework)
        found.append(_difference(runs, "software", software_facts, f"ran {title} in different versions"))
    return [sentence for sentence in (*found, _devices(done)) if sentence]


def _place(result: Mapping[str, Any]) -> tuple[str, str]:
    return result["config"].get("framework", ""), str(setting_value(result["config"], "environment"))


def _devices(results: Sequence[Mapping[str, Any]]) -> str:
    """Runs that left the device open and were given different kinds; named by the user it is a setting."""
    one_of_each: dict[str, str] = {}
    for result in results:
        device = str(result.get("effective", {}).get("device", ""))
        if device and result["config"].get("device", "auto") == "auto":
            one_of_each.setdefault(device.partition(":")[0], result["run"])
    if len(one_of_each) < 2:
        return ""
    return f"{' and '.join(one_of_each.values())} trained on different devices ({' and '.join(one_of_each)})"


def _difference(results: Iterable[Mapping[str, Any]], name: str, facts_of: Any, how: str) -> str:
    """How the runs differ in the fingerprint of this name; "" when they do not. Unknown equals only unknown."""
    one_of_each: dict[str, Mapping[str, Any]] = {}
    for result in results:
        one_of_each.setdefault(_environment(result).get("fingerprint", {}).get(name, "unknown"), result)
    if len(one_of_each) < 2:
        return ""
    facts = _differing([facts_of(result) for result in one_of_each.values()])
    facts = facts or [f"fingerprint {' and '.join(one_of_each)}"]
    if len(facts) > MOST_FACTS:
        facts = [*facts[:MOST_FACTS], f"{len(facts) - MOST_FACTS} more"]
    runs = " and ".join(result["run"] for result in one_of_each.values())
    return f"{runs} {how} ({', '.join(facts)})"


def _differing(known: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for facts in known for name in facts)
    values = {name: dict.fromkeys(str(facts.get(name, "unknown")) for facts in known) for name in names}
    return [f"{name} {' and '.join(owners)}" for name, owners in values.items() if len(owners) > 1]


def machine_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """What its fingerprint is made of; free memory and the like differ from run to run and decide nothing."""
    environment = _environment(result)
    machine = environment.get("machine", {})
    facts = {name: machine[name] for name in MACHINE if name in machine}
    if driver := environment.get("gpu", {}).get("driver"):
        facts["driver"] = driver
    for number, gpu in enumerate(environment.get("gpus", [])):
        facts |= {f"gpu:{number} {name}": gpu[name] for name in GPU if name in gpu}
    return facts


def software_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    environment = _environment(result)
    return {**environment.get("versions", {}), **environment.get("variables", {})}


def _environment(result: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = result.get("environment", {})
    return found
