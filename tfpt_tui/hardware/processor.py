"""The processor: its model, its cores, and what decides how fast they run."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from tfpt_tui.cgroup import find_quota
from tfpt_tui.cores import CPUS, places_of
from tfpt_tui.documents import Value
from tfpt_tui.linux import ROOT, known, read_number, read_text

# From so many physical cores on, one of them is at most 6 % of a training.
MANY_CORES = 16


def describe_processor(root: Path = ROOT) -> dict[str, Value]:
    """Model, sockets, cores, quota (in cores), governor, frequencies in MHz, turbo and SMT, as far as told."""
    cpus = root / CPUS
    cores = parse_cores(read_text(cpus / "online") or "")
    places = set(places_of(cores, root).values())
    quota = find_quota(root)
    return known(
        {
            "processor": _model(root),
            "sockets": len({package for package, _ in places}) or None,
            "physical_cores": len(places) or None,
            "logical_cores": len(cores) or None,
            "allowed_cores": allowed_cores(root),
            "cpu_quota": quota.cores if quota else None,
            "governor": _governors(cpus, cores),
            **_frequencies(cpus, cores),
            "turbo": _turbo(cpus),
            "smt": _flag(cpus / "smt/active"),
        }
    )


def allowed_cores(root: Path = ROOT) -> str:
    """The logical processors that affinity leaves us, as the kernel lists them: "0-3,8"; "" when it does not.

    In a virtual machine its list may go on to those that could be plugged in.
    """
    status = (read_text(root / "proc/self/status") or "").splitlines()
    lists = [line.partition(":")[2].strip() for line in status if line.startswith("Cpus_allowed_list:")]
    online = set(parse_cores(read_text(root / CPUS / "online") or ""))
    if not lists or not online or online.issuperset(allowed := parse_cores(lists[0])):
        return lists[0] if lists else ""
    return ",".join(str(core) for core in allowed if core in online)


def spared_cores(threads: int = 0, root: Path = ROOT) -> tuple[int, ...]:
    """The logical processors of the physical core that a worker leaves to us and to whoever watches.

    Training threads wait for the slowest of them: what a supervisor takes of one core, all would lose. None where
    there are few cores, or where the worker is to have more ``threads`` than would be left; 0 is no demand.
    """
    places = places_of(parse_cores(allowed_cores(root)), root)
    physical = sorted(set(places.values()))
    if len(physical) < max(MANY_CORES, threads + 1):
        return ()
    return tuple(core for core, place in places.items() if place == physical[-1])


def online_cores(root: Path = ROOT) -> tuple[int, ...]:
    """The kernel's numbers of the logical processors that are online, in its order, which is psutil's, too."""
    return parse_cores(read_text(root / CPUS / "online") or "") or tuple(range(os.cpu_count() or 1))


def parse_cores(text: str) -> tuple[int, ...]:
    """The numbers in a list such as "0-3,8"."""
    ranges = [part.split("-") for part in text.split(",") if part]
    return tuple(core for ends in ranges for core in range(int(ends[0]), int(ends[-1]) + 1))


def _model(root: Path) -> str:
    lines = (read_text(root / "proc/cpuinfo") or "").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _governors(cpus: Path, cores: tuple[int, ...]) -> str:
    found = {read_text(cpus / f"cpu{core}/cpufreq/scaling_governor") for core in cores}
    return " + ".join(sorted(name for name in found if name))


def _frequencies(cpus: Path, cores: tuple[int, ...]) -> dict[str, int | None]:
    """The mean of what the cores run at now, and the ends of the range that the governor may choose from."""

    def megahertz(name: str) -> list[float]:
        read = (read_number(cpus / f"cpu{core}/cpufreq/{name}") for core in cores)
        return [kilohertz / 1000 for kilohertz in read if kilohertz is not None]

    now, lowest, highest = (megahertz(f"scaling_{name}_freq") for name in ("cur", "min", "max"))
    return {
        "frequency_mhz": round(sum(now) / len(now)) if now else None,
        "frequency_min_mhz": round(min(lowest)) if lowest else None,
        "frequency_max_mhz": round(max(highest)) if highest else None,
    }


def _turbo(cpus: Path) -> bool | None:
    off = _flag(cpus / "intel_pstate/no_turbo")
    return _flag(cpus / "cpufreq/boost") if off is None else not off


def _flag(path: Path) -> bool | None:
    number = read_number(path)
    return None if number is None else bool(number)
