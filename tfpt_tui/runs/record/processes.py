"""Processes that outlive us: told apart from others that got their number, and ended with all their children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.counters import descendants

PROC = Path("/proc")
HALT_POLL_S = 0.001


@dataclass(frozen=True)
class Process:
    """A pid alone is used again, also after a reboot: the boot and the start time make it unique.

    ``pid_namespace`` is "" where an earlier version recorded it.
    """

    boot_id: str
    pid: int
    start_time: int
    pid_namespace: str = ""

    @property
    def is_ours_to_see(self) -> bool:
        """Whether it is, or was, of this boot of this machine, and of our container; others may share a directory
        with us.
        """
        return self.boot_id == boot_id() and self.pid_namespace in ("", pid_namespace())

    def is_alive(self) -> bool:
        # One that was gone when it was identified has no start time, as whatever is gone now.
        return self.is_ours_to_see and 0 < _start_time(self.pid) == self.start_time


def boot_id() -> str:
    """A name of this boot of the machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def pid_namespace() -> str:
    """A name of the numbers by which this process knows others: a container has its own (pid_namespaces(7))."""
    try:
        return os.readlink(PROC / "self/ns/pid")
    except OSError:
        return ""


def identify(pid: int) -> Process:
    """The process of that number, alive or not."""
    return Process(boot_id(), pid, _start_time(pid), pid_namespace())


def kill_group(leader: int) -> None:
    """Kill a process group: what is left of a worker, its image loaders among them."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def resume_group(leader: subprocess.Popen[bytes]) -> None:
    """Let a process group that was halted go on."""
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGCONT)


def halt_group(leader: subprocess.Popen[bytes]) -> None:
    """Stop a process group until it is resumed; returns once all of it are stopped.

    A loader that is being forked at that moment can miss the signal, so it may take several.
    """
    with suppress(ProcessLookupError):
        while leader.poll() is None:
            os.killpg(leader.pid, signal.SIGSTOP)
            if all(map(_is_halted, [leader.pid, *descendants(leader.pid)])):
                return
            time.sleep(HALT_POLL_S)


def _is_halted(pid: int) -> bool:
    """Whether the process is stopped, or gone."""
    state, _ = _read_stat(pid)
    return state in "TtZX"


def oom_kills() -> int:
    """How often the kernel has killed a process for want of memory, on the whole machine and in our cgroup."""
    return _counter(PROC / "vmstat", "oom_kill") + _counter(Path("/sys/fs/cgroup/memory.events"), "oom_kill")


def _start_time(pid: int) -> int:
    """Clock ticks from boot to the start of a process; 0 for one that is gone."""
    state, start_time = _read_stat(pid)
    return 0 if state in "ZX" else start_time


def _read_stat(pid: int) -> tuple[str, int]:
    """State and start time of a process (proc(5), stat, fields 3 and 22); X and 0 for one that is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "X", 0
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[19])


def _counter(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.split()[0] == name)
