"""The processor cores that this process may use, which ``threads = 0`` stands for."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Collection
from pathlib import Path

from tfpt_tui.cgroup import find_quota
from tfpt_tui.linux import ROOT, read_number

CPUS = Path("sys/devices/system/cpu")


def usable_cores() -> Collection[int]:
    """The logical processors that affinity leaves us."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def processes_at_once(root: Path = ROOT) -> int:
    """How many processes compute at once on the logical processors that affinity and our quota leave us."""
    quota = find_quota(root)
    return max(1, min(len(usable_cores()), math.ceil(quota.cores) if quota else sys.maxsize))


def physical_cores(root: Path = ROOT) -> int:
    """Physical cores among those that affinity and the quota of our control group leave us, at least 1.

    Two threads of one core share its arithmetic units: training gains nothing from the second.
    """
    usable = usable_cores()
    places = places_of(usable, root)
    cores = len({places.get(core, core) for core in usable})
    quota = find_quota(root)
    return max(1, min(cores, int(quota.cores) if quota else cores))


def places_of(cores: Collection[int], root: Path = ROOT) -> dict[int, tuple[int, int]]:
    """Socket and number of the physical core of each logical processor, as far as the kernel tells."""
    places = {}
    for core in cores:
        topology = root / CPUS / f"cpu{core}/topology"
        package, number = read_number(topology / "physical_package_id"), read_number(topology / "core_id")
        if package is not None and number is not None:
            places[core] = (package, number)
    return places
