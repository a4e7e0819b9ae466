"""Processor, memory and the worker's process tree, read with psutil."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psutil

from tfpt_tui.hardware.cgroup import find_quota, throttled_s


@dataclass(frozen=True)
class Tree:
    """A process and all its descendants at one moment, by pid; times in seconds, sizes in bytes."""

    cpu_s: dict[int, float]
    read_bytes: dict[int, int]
    rss_bytes: int


class CpuReader:
    """Differences need two readings: the first one has no shares and no rates."""

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._before: tuple[float, Tree] | None = None
        self._quota = find_quota()
        psutil.cpu_percent(percpu=True)

    def read(self) -> dict[str, Any]:
        """The fields of :class:`Sample` that concern processor, memory and worker."""
        now, tree = time.perf_counter(), _read_tree(self._worker)
        cores = tuple(psutil.cpu_percent(percpu=True))
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
            fields |= {"worker_rss_bytes": tree.rss_bytes, "worker_processes": len(tree.cpu_s)}
            if self._before:
                fields |= _rates(self._before[1], tree, now - self._before[0])
        self._before = (now, tree) if tree else None
        return fields


def _rates(before: Tree, now: Tree, seconds: float) -> dict[str, float]:
    cpu_s = sum(value - before.cpu_s.get(pid, 0.0) for pid, value in now.cpu_s.items())
    rates = {"worker_cpu_percent": 100 * cpu_s / seconds}
    if now.read_bytes:
        read = sum(value - before.read_bytes.get(pid, 0) for pid, value in now.read_bytes.items())
        rates["disk_read_bytes_per_s"] = read / seconds
    return rates


def _read_tree(pid: int) -> Tree | None:
    """None when the process is gone; children that end while they are read are left out."""
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.Error:
        return None
    tree = Tree({}, {}, 0)
    rss = 0
    for process in processes:
        try:
            with process.oneshot():
                times = process.cpu_times()
                rss += process.memory_info().rss
                tree.cpu_s[process.pid] = times.user + times.system
                tree.read_bytes[process.pid] = process.io_counters().read_bytes
        except psutil.Error:
            continue
    return Tree(tree.cpu_s, tree.read_bytes, rss)
