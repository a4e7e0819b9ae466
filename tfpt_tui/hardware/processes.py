"""Other processes on this machine: what they use of the processor, and whether one of them is a worker of ours."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.hardware.processor import allowed_cores, parse_cores
from tfpt_tui.linux import ROOT, read_text

# The command line of a worker: interpreter, -P, LAUNCH, the run's directory, the supervisor's pid; perhaps a task.
LAUNCH = "backends/launch.py"
PROBE = "probe"
MODULE = "tfpt_tui"  # as Python is told to run it


@dataclass(frozen=True)
class CpuUse:
    """Processor seconds since the boot: of the cores that we may use together, and of every process by pid."""

    cores: int = 0
    busy_s: float = 0.0
    processes: dict[int, float] = field(default_factory=dict)


def read_cpu_use(root: Path = ROOT) -> CpuUse:
    """What /proc tells now; no cores where it does not."""
    cores = parse_cores(allowed_cores(root))
    names = {f"cpu{core}" for core in cores}
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    ticks = 0
    for line in (read_text(root / "proc/stat") or "").splitlines():
        name, *counts = line.split()
        if name in names:
            # user, nice, system, (idle, iowait,) irq, softirq, steal; guests are counted as users already
            ticks += sum(map(int, counts[:3])) + sum(map(int, counts[5:8]))
    return CpuUse(len(cores), ticks * tick_s, {pid: used * tick_s for pid, used in _process_ticks(root)})


def others_cpu(before: CpuUse, after: CpuUse, own: Collection[int]) -> tuple[float, int | None]:
    """Processor seconds that all but the processes ``own`` used in between, and the pid that used most of them."""
    used = {pid: seconds - before.processes.get(pid, 0.0) for pid, seconds in after.processes.items()}
    ours = sum(used.pop(pid, 0.0) for pid in own)
    busiest = max(used, key=lambda pid: used[pid], default=None)
    if busiest is not None and used[busiest] <= 0:
        busiest = None  # too short-lived to be seen, or in another container
    return max(0.0, after.busy_s - before.busy_s - ours), busiest


def program_pids(root: Path = ROOT) -> tuple[int, ...]:
    """The pids of this program but for its workers: whoever follows the run, and its supervisor."""
    return tuple(
        pid
        for pid, words in command_lines(root).items()
        if any(word == MODULE or word.startswith(f"{MODULE}.") or word.endswith("/tfpt-tui") for word in words)
    )


def command_lines(root: Path = ROOT) -> dict[int, list[str]]:
    """The words that every process was started with, by pid; the kernel's own have none and are left out."""
    lines = {pid: _words(pid, root) for pid in _pids(root)}
    return {pid: words for pid, words in lines.items() if words[0]}


def pids_below(directory: Path, root: Path = ROOT) -> Iterator[int]:
    """The pids of processes that were started by a path in the directory, or in a virtual environment there."""
    for pid, words in command_lines(root).items():
        # An interpreter of a virtual environment is a link: /proc/PID/exe would lead elsewhere.
        started = _working_directory(pid, root) / words[0] if "/" in words[0] else None
        places = [started, *map(Path, _virtual_environments(pid, root))]
        if any(place and Path(os.path.normpath(place)).is_relative_to(directory) for place in places):
            yield pid


def _working_directory(pid: int, root: Path) -> Path:
    try:
        return Path(os.readlink(root / f"proc/{pid}/cwd"))
    except OSError:
        return Path("/")  # somebody else's process, or it is gone


def _virtual_environments(pid: int, root: Path) -> list[str]:
    variables = (read_text(root / f"proc/{pid}/environ") or "").split("\0")
    return [line.removeprefix("VIRTUAL_ENV=") for line in variables if line.startswith("VIRTUAL_ENV=")]


def name_of(pid: int, root: Path = ROOT) -> str:
    """The name of a process, "" when it is gone."""
    return read_text(root / f"proc/{pid}/comm") or ""


def other_workers(own: int, root: Path = ROOT) -> tuple[int, ...]:
    """The pids of workers that another supervisor than the process ``own`` has started."""
    return tuple(pid for pid, words in _workers(root) if str(own) not in words)


def own_workers(own: int, root: Path = ROOT) -> tuple[int, ...]:
    """The pids of workers that the process ``own`` has started: in a duel there are several at a time."""
    return tuple(pid for pid, words in _workers(root) if str(own) in words)


def _workers(root: Path) -> Iterator[tuple[int, list[str]]]:
    """Without what only asks a framework for its version, which is soon over and no worker."""
    for pid, words in command_lines(root).items():
        if PROBE not in words and any(word.endswith(LAUNCH) for word in words):
            yield pid, words


def strangers(seen: Sequence[int], ours: Collection[int]) -> tuple[int, ...]:
    """Of the pids that are seen on a GPU those that are not ``ours``.

    In a container a driver may tell the pids of the host, of which nobody here knows whose they are: as many of
    them as we have processes that are not seen count as ours.
    """
    unknown = tuple(pid for pid in seen if pid not in ours)
    return unknown[len(set(ours) - set(seen)) :]


def _process_ticks(root: Path) -> Iterator[tuple[int, int]]:
    """User and system time of every process (proc(5), stat, fields 14 and 15)."""
    for pid in _pids(root):
        text = read_text(root / f"proc/{pid}/stat")
        if text:
            fields = text[text.rindex(")") + 2 :].split()
            yield pid, int(fields[11]) + int(fields[12])


def _words(pid: int, root: Path) -> list[str]:
    return (read_text(root / f"proc/{pid}/cmdline") or "").strip("\0").split("\0")


def _pids(root: Path) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(root / "proc") if name.isdecimal())
    except OSError:
        return []
