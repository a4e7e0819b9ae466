"""Where runs come from: the facts of machine and versions that differ, with who has which, and the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.results.comparison.comparability import machine_facts, software_facts
from tfpt_tui.results.comparison.groups import hardware_of
from tfpt_tui.runs.record.result import RunResult

ABSENT = "not set"


@dataclass(frozen=True)
class Fact:
    """A fact that differs: each value with the runs that it was true for."""

    name: str
    values: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Origins:
    """``devices`` is what was computed on, ``shared`` what is the same for all runs that know it."""

    devices: tuple[str, ...] = ()
    differing: tuple[Fact, ...] = ()
    shared: tuple[tuple[str, str], ...] = ()


def origins_of(results: Sequence[RunResult]) -> Origins:
    """The facts of all runs whose environment is known.

    A version belongs to the frameworks that have the package; a variable or a fact of the machine that only some
    runs have is a difference.
    """
    known = [result for result in results if result.environment.is_known]
    facts = [_facts(result) for result in known]
    packages = {name for result in known for name in result.environment.versions}
    differing, shared = [], []
    for name in dict.fromkeys(name for own in facts for name in own):
        concerned = _frameworks_with(name, known, facts) if name in packages else None
        values: dict[str, list[str]] = {}
        for result, own in zip(known, facts, strict=True):
            if concerned is None or result.framework in concerned:
                values.setdefault(own.get(name, ABSENT), []).append(result.run)
        if len(values) > 1:
            differing.append(Fact(name, tuple((value, tuple(runs)) for value, runs in values.items())))
        else:
            shared.append((name, next(iter(values))))
    devices = tuple(dict.fromkeys(hardware_of(result) for result in known))
    return Origins(devices, tuple(differing), tuple(shared))


def describe_runs(runs: Sequence[str], results: Sequence[RunResult]) -> str:
    """Such as ``PyTorch, 3 runs``, or the ID of the only one."""
    if len(runs) == 1:
        return runs[0]
    chosen = set(runs)
    titles = dict.fromkeys(title_of(result.framework, "unknown") for result in results if result.run in chosen)
    return f"{' and '.join(titles)}, {len(runs)} runs"


def _facts(result: RunResult) -> dict[str, str]:
    return {name: str(value) for name, value in {**machine_facts(result), **software_facts(result)}.items()}


def _frameworks_with(name: str, results: Sequence[RunResult], facts: Sequence[Mapping[str, str]]) -> set[str]:
    return {result.framework for result, own in zip(results, facts, strict=True) if name in own}
