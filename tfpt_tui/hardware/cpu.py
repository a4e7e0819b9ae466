"""Processor, memory and the worker's process tree, read with psutil."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tfpt_tui.cgroup import find_quota, throttled_s
from tfpt_tui.counters import descendants

PSS_SHARE = 0.01  # of the time that may go into it


@dataclass(frozen=True)
class Tree:
    """A process and all its descendants at one moment, by pid; times in seconds, sizes in bytes. Processor time,
    and what was read, are with those of the children that ended and were waited for.
    """

    cpu_s: dict[int, float]
    read_bytes: dict[int, int]
    rss_bytes: dict[int, int]


class CpuReader:
    """Differences need two readings: the first one has no shares and no rates."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._before: tuple[float, Tree] | None = None
        self._quota = find_quota()
        self._memory = SharedMemory()
        self._begun = False

    def read(self) -> dict[str, Any]:
        """The fields of :class:`Sample` that concern processor, memory and worker."""
        now, tree = time.perf_counter(), _read_tree(self._worker)
        cores = tuple(psutil.cpu_percent(percpu=True)) if self._begun else self._begin()
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        fields: dict[str, Any] = {
            "cpu_percent": sum(cores) / len(cores) if cores else None,
            "cores_percent": cores,
            "load_1m": psutil.getloadavg()[0],
            "memory_used_bytes": memory.total - memory.available,
            "memory_total_bytes": memory.total,
            "swap_used_bytes": swap.used,
            "swap_in_bytes": swap.sin,
            "quota_throttled_s": throttled_s(self._quota) if self._quota else None,
        }
        if tree:
            fields |= {"worker_rss_bytes": self._memory.once(tree), "worker_processes": len(tree.cpu_s)}
            if self._before:
                fields |= _rates(self._before[1], tree, now - self._before[0])
        self._before = (now, tree) if tree else None
        return fields

    def _begin(self) -> tuple[float, ...]:
        psutil.cpu_percent(percpu=True)  # from here on
        self._begun = True
        return ()


class SharedMemory:
    """How much of the processes' memory is left when what they share counts once.

    Loader workers are forked: each has the parent's pages among its own, and four of them would make it five times
    as much. Only the kernel's walk over all pages tells (PSS, smaps_rollup in proc(5)), which takes 15 ms for a
    gigabyte and holds the process up. So it is done so seldom that it costs a hundredth of a core, and the
    share that it found is used in between.
    """

    def __init__(self) -> None:
        self._share = 1.0
        self._due = 0.0

    def once(self, tree: Tree) -> float:
        """Bytes in memory of all processes of the tree."""
        whole = sum(tree.rss_bytes.values())
        if len(tree.rss_bytes) < 2:
            return whole
        started = time.perf_counter()
        if started >= self._due:
            known = {pid: pss for pid in tree.rss_bytes if (pss := _pss_bytes(pid)) is not None}
            if known:
                self._share = sum(known.values()) / sum(tree.rss_bytes[pid] for pid in known)
            ended = time.perf_counter()
            self._due = ended + (ended - started) / PSS_SHARE
        return whole * self._share


def _pss_bytes(pid: int) -> int | None:
    """None for a process that is gone, and where the kernel does not tell (before 4.14, or of other users)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")]
    return sizes[0] if sizes else None


def _rates(before: Tree, now: Tree, seconds: float) -> dict[str, float]:
    # What a child used that ended since then is its parent's now.
    cpu_s = sum(now.cpu_s.values()) - sum(before.cpu_s.values())
    rates = {"worker_cpu_percent": 100 * max(0.0, cpu_s) / seconds}
    if now.read_bytes:
        read = sum(now.read_bytes.values()) - sum(before.read_bytes.values())
        rates["disk_read_bytes_per_s"] = max(0, read) / seconds
    return rates


def _read_tree(pid: int) -> Tree | None:
    """None when the process is gone; children that end while they are read are left out.

    Not by ``Process.children``, which looks at every process of the machine.
    """
    tree = Tree({}, {}, {})
    for one in (pid, *descendants(pid)):
        try:
            process = psutil.Process(one)
            with process.oneshot():
                times = process.cpu_times()
                tree.rss_bytes[process.pid] = process.memory_info().rss
                ended_s = times.children_user + times.children_system
                tree.cpu_s[process.pid] = times.user + times.system + ended_s
                tree.read_bytes[process.pid] = process.io_counters().read_bytes
        except psutil.Error:
            continue
    return tree if tree.cpu_s else None
