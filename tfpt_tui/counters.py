"""What the kernel counts of this process and its children: processor time, page faults, context switches.

Read at the edges of a phase or a turn, outside its clock. Loader workers count too: those that ended, and were
waited for, by ``getrusage``, those alive by ``/proc``. Standard library only. Away from Linux, live children are
not counted.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Counters:
    """Since the process started. The names are those of ``[counters.PHASE]`` in result.toml."""

    user_s: float = 0.0
    system_s: float = 0.0
    minor_faults: int = 0
    major_faults: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(*(own + more for own, more in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, earlier: Counters) -> Counters:
        return Counters(*(own - before for own, before in zip(astuple(self), astuple(earlier), strict=True)))

    def to_mapping(self) -> dict[str, float]:
        """By name; seconds to the microsecond."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def read_counters() -> Counters:
    """This process with all its threads and children."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    children = map(read_process, descendants(os.getpid()))
    return sum(children, _of_usage(own) + _of_usage(ended))


def read_busy_s(cores: Collection[int], proc: Path = PROC) -> float | None:
    """Seconds since the boot that these cores were busy, added up (proc(5)).

    What the hypervisor gave to others counts. None where the kernel does not tell of each of them.
    """
    try:
        lines = [line.split() for line in (proc / "stat").read_text().splitlines()]
    except OSError:
        return None
    names = {f"cpu{core}" for core in cores}
    busy = [_busy_ticks(fields) for name, *fields in lines if name in names]
    return sum(busy) / TICKS_PER_S if len(busy) == len(names) else None


def _busy_ticks(fields: Sequence[str]) -> int:
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return user + nice + system + irq + softirq + steal


def read_process(pid: int, proc: Path = PROC) -> Counters:
    """One process with its threads and the children that it waited for (proc(5)); zeros when it is gone.

    Processor time has the kernel's ticks of 10 ms. Switches of ended children are not counted.
    """
    try:
        text = (proc / str(pid) / "stat").read_text()
        tasks = list((proc / str(pid) / "task").iterdir())
    except OSError:
        return Counters()
    # minflt, cminflt, majflt, cmajflt, utime, stime, cutime, cstime: fields 10 to 17, counted from after the name.
    fields = [int(field) for field in text[text.rindex(")") + 2 :].split()[7:15]]
    minor, ended_minor, major, ended_major, user, system, ended_user, ended_system = fields
    switches = [_switches(task) for task in tasks]
    return Counters(
        user_s=(user + ended_user) / TICKS_PER_S,
        system_s=(system + ended_system) / TICKS_PER_S,
        minor_faults=minor + ended_minor,
        major_faults=major + ended_major,
        voluntary_switches=sum(voluntary for voluntary, _ in switches),
        involuntary_switches=sum(involuntary for _, involuntary in switches),
    )


def descendants(pid: int, proc: Path = PROC) -> Iterator[int]:
    """Pids of the living children, and of theirs."""
    try:
        tasks = list((proc / str(pid) / "task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            children = (task / "children").read_text().split()
        except OSError:  # a thread that has ended
            continue
        for child in map(int, children):
            yield child
            yield from descendants(child, proc)


def _switches(task: Path) -> tuple[int, int]:
    """Voluntary and involuntary context switches of a thread."""
    try:
        lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)
    except OSError:
        return 0, 0
    return int(lines.get("voluntary_ctxt_switches", 0)), int(lines.get("nonvoluntary_ctxt_switches", 0))


def _of_usage(usage: resource.struct_rusage) -> Counters:
    return Counters(
        usage.ru_utime, usage.ru_stime, usage.ru_minflt, usage.ru_majflt, usage.ru_nvcsw, usage.ru_nivcsw
    )
