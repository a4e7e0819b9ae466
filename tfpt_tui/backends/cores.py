"""The processor cores that this process may use, which ``threads = 0`` stands for, and what they can compute."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")
NATIVE = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16", "fphp", "asimdhp"},
}


def allowed_cores() -> int:
    """Logical processors that affinity leaves us."""
    return len(usable_cores())


def physical_cores(cpus: Path = CPUS, cgroup: Path = CGROUP) -> int:
    """Physical cores among those that affinity and the cgroup's quota leave us, at least 1.

    Two threads of one core share its arithmetic units: training gains nothing from the second.
    """
    cores = {_core_of(cpus, cpu) for cpu in usable_cores()}
    return max(1, min(len(cores), _quota(cgroup) or len(cores)))


def computes_natively(precision: str, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has instructions for a 16-bit type; without them it is emulated, many times slower.

    The names are those of the kernel on x86 ("flags") and ARM ("Features"). True where nothing is known.
    """
    names = NATIVE.get(precision)
    try:
        words = set(cpuinfo.read_text().split())
    except OSError:
        return True
    return names is None or not words or bool(names & words)


def usable_cores() -> Collection[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def _core_of(cpus: Path, cpu: int) -> tuple[str, str]:
    """Socket and core of a logical processor; itself where the kernel does not tell."""
    topology = cpus / f"cpu{cpu}" / "topology"
    try:
        return (topology / "physical_package_id").read_text(), (topology / "core_id").read_text()
    except OSError:
        return "", str(cpu)


def _quota(cgroup: Path) -> int:
    """Whole processors of the cgroup's quota, 0 where there is none (cpu.max of version 2, cfs of version 1)."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return 0
    if quota in ("max", "-1"):
        return 0
    return max(1, int(quota) // int(period))
