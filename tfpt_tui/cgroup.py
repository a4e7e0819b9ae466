"""What control groups leave us of the machine, in both versions of their files (cgroups(7)).

A limit holds for the group that has it and all below, so ours and those above it are looked at and the tightest
counts. In a container the groups above are out of sight, and our path may be the host's: it is then not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tfpt_tui.linux import ROOT, read_number, read_table, read_text

# Version 1 says "no limit" with the largest multiple of a page.
NO_LIMIT_BYTES = 1 << 60


@dataclass(frozen=True)
class Quota:
    """Processor time that a group may use, in cores; ``stat`` is the file that counts how often it was held up."""

    cores: float
    stat: Path


def find_quota(root: Path = ROOT) -> Quota | None:
    """The tightest quota of processor time, None where there is none."""
    quotas = []
    for group in _groups(root, ""):
        quotas.append((group, (read_text(group / "cpu.max") or "").split()))
    for group in _groups(root, "cpu"):
        values = (read_text(group / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period"))
        quotas.append((group, " ".join(values).split()))
    limited = [
        Quota(int(pair[0]) / int(pair[1]), group / "cpu.stat")
        for group, pair in quotas
        if len(pair) == 2 and pair[0].isdecimal() and pair[1].isdecimal()
    ]
    return min(limited, key=lambda quota: quota.cores, default=None)


def throttled_s(quota: Quota) -> float | None:
    """Seconds for which the quota has held up what would have run so far, added up over the cores.

    None where the kernel does not count them.
    """
    counts = read_table(quota.stat)
    if "throttled_usec" in counts:
        return counts["throttled_usec"] / 1e6
    return counts["throttled_time"] / 1e9 if "throttled_time" in counts else None


def memory_limit_bytes(root: Path = ROOT) -> int | None:
    """The tightest limit of memory, None where there is none."""
    limits = [read_number(group / "memory.max") for group in _groups(root, "")]
    limits += [read_number(group / "memory.limit_in_bytes") for group in _groups(root, "memory")]
    return min((limit for limit in limits if limit and limit < NO_LIMIT_BYTES), default=None)


def memory_left_bytes(root: Path = ROOT) -> int | None:
    """What the tightest limit of memory leaves us to take, None where there is no limit.

    Files that are kept in memory count as used, and are dropped when the room is needed (memory.stat).
    """
    left = []
    for controller, limit, usage, prefix in (
        ("", "memory.max", "memory.current", ""),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ):
        for group in _groups(root, controller):
            most = read_number(group / limit)
            if most and most < NO_LIMIT_BYTES:
                stat = read_table(group / "memory.stat")
                files = stat.get(f"{prefix}inactive_file", 0) + stat.get(f"{prefix}active_file", 0)
                left.append(max(0, most - (read_number(group / usage) or 0) + files))
    return min(left, default=None)


def _groups(root: Path, controller: str) -> list[Path]:
    """Our group of a controller and those above it, innermost first; version 2 has one tree and no controller."""
    mount = root / "sys/fs/cgroup"
    if controller:
        mount /= controller
    elif (mount / "unified").is_dir():
        mount /= "unified"
    parts = _own_path(root, controller).parts[1:]
    if ".." in parts:
        parts = ()  # a group outside of what our namespace shows
    return [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _own_path(root: Path, controller: str) -> PurePosixPath:
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return PurePosixPath(path)
    return PurePosixPath("/")
