"""The machine below the frameworks: its room, its processor, its clock, and what else decides over the figures."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfpt_tui.cgroup import memory_left_bytes
from tfpt_tui.environments.doctor.clock import ClockFacts, judge_clock, read_clock
from tfpt_tui.environments.doctor.directories import DirectoryFacts, judge_directories, read_directory
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.environments.doctor.processor import ProcessorFacts, judge_processor, read_processor
from tfpt_tui.environments.doctor.session import SessionFacts, judge_session, read_session
from tfpt_tui.environments.doctor.sizes import GIB, show_size
from tfpt_tui.environments.doctor.variables import judge_variables
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.memory import WORKER_BYTES, available_bytes, shared_memory_bytes
from tfpt_tui.hardware.pagecache import PageCache
from tfpt_tui.hardware.preflight import Conditions, judge_start, read_conditions
from tfpt_tui.hardware.system import describe_system
from tfpt_tui.linux import ROOT

COMFORT_BYTES = 4 * GIB

BATCH_SIZE = 32
PIXELS = 3 * 32 * 32
LOADER_BYTES = 2 * BATCH_SIZE * PIXELS * 4  # a loader worker has two batches ahead, in float32
CACHE_BYTES = 50_000 * PIXELS  # the training pictures of CIFAR-100
PUBLISHED_CACHE_BYTES = 4 * CACHE_BYTES  # the article's cache is float32

TOPICS = {
    "busy": "other load",
    "foreign_gpu_process": "other load",
    "overlap": "other load",
    "shared_host": "other load",
    "swap_in_use": "swap",
}


@dataclass(frozen=True)
class MachineFacts:
    """What :func:`read_machine` found. Sizes are bytes, None if unknown or, for shared memory, if there is none.

    ``left_bytes`` is what a control group's limit of memory leaves, ``address_space_bytes`` what ``ulimit -v``
    allows a process.
    ``shared_memory`` is the size and the free room of /dev/shm; ``container`` is its kind, "" outside of one.
    """

    container: str = ""
    shared_memory: tuple[int, int] | None = None
    shared_memory_writable: bool = True
    available_bytes: int | None = None
    address_space_bytes: int | None = None
    left_bytes: int | None = None
    processor: ProcessorFacts = field(default_factory=ProcessorFacts)
    directories: tuple[DirectoryFacts, ...] = ()
    clock: ClockFacts = field(default_factory=ClockFacts)
    session: SessionFacts = field(default_factory=SessionFacts)
    conditions: Conditions = field(default_factory=Conditions)
    variables: Mapping[str, str] = field(default_factory=dict)


def read_machine(
    directories: Mapping[str, Path], root: Path = ROOT, variables: Mapping[str, str] = os.environ
) -> MachineFacts:
    """Look around on this machine. It takes a fifth of a second, and up to two more where NVML is slow to answer.

    ``directories`` names what is to be kept where, such as ``runs`` and ``datasets``; they need not exist yet.
    """
    gpu = GpuReader().start()
    conditions, _ = read_conditions(gpu, "auto", PageCache(), root)
    gpu.stop()
    return MachineFacts(
        container=str(describe_system(root, variables).get("container", "")),
        shared_memory=shared_memory_bytes(root / "dev/shm"),
        shared_memory_writable=os.access(root / "dev/shm", os.W_OK),
        available_bytes=available_bytes(root),
        address_space_bytes=_address_space_bytes(),
        left_bytes=memory_left_bytes(root),
        processor=read_processor(root),
        directories=tuple(read_directory(name, path, root) for name, path in directories.items()),
        clock=read_clock(root),
        session=read_session(variables, root),
        conditions=conditions,
        variables=dict(variables),
    )


def judge_machine(facts: MachineFacts) -> list[Finding]:
    """Findings about the machine, also those of what is in order."""
    return [
        *_judge_memory(facts),
        *_judge_address_space(facts.address_space_bytes),
        *_judge_shared_memory(facts),
        *judge_directories(facts.directories),
        *judge_processor(facts.processor),
        *_judge_load(facts.conditions),
        *judge_clock(facts.clock),
        *judge_session(facts.session, facts.container),
        *judge_variables(facts.variables),
    ]


def _judge_memory(facts: MachineFacts) -> list[Finding]:
    if facts.available_bytes is None:
        return []
    room = f"{show_size(facts.available_bytes)} available"
    remedy = "end programs that use much memory; these do: ps aux --sort=-rss | head"
    if facts.available_bytes == facts.left_bytes:
        room += ", which is all that the control group's limit leaves"
        remedy = "raise the limit: that is --memory of docker run, --mem of Slurm"
    if facts.available_bytes < WORKER_BYTES:
        return [Finding("error", "memory", f"{room}: a framework alone takes about 1 GiB", remedy)]
    if facts.available_bytes < COMFORT_BYTES:
        message = f"{room}: enough for small runs, but loader workers and a cache may run out of it"
        return [Finding("warning", "memory", message, remedy)]
    return [Finding("ok", "memory", room)]


def _address_space_bytes() -> int | None:
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft


def _judge_address_space(limit: int | None) -> list[Finding]:
    if limit is None:
        return []
    message = f"a process may map {show_size(limit)} (ulimit -v): frameworks map many times what they use"
    return [Finding("warning", "memory", message, "ulimit -v unlimited")]


def _judge_shared_memory(facts: MachineFacts) -> list[Finding]:
    if facts.shared_memory is None:
        message = "there is no /dev/shm: loader workers could not hand over their batches"
        return [Finding("warning", "shared memory", message, _more_shared_memory(facts))]
    size, free = facts.shared_memory
    if not facts.shared_memory_writable:
        message = "/dev/shm cannot be written: loader workers could not hand over their batches"
        return [Finding("warning", "shared memory", message, "sudo mount -o remount,rw,mode=1777 /dev/shm")]
    room = f"{show_size(free)} of {show_size(size)} free"
    if free >= PUBLISHED_CACHE_BYTES:
        return [Finding("ok", "shared memory", room)]
    workers = free // LOADER_BYTES
    needs = f"{PUBLISHED_CACHE_BYTES / 1e6:.0f} MB on the track published"
    if free < CACHE_BYTES:
        needs = f"{CACHE_BYTES / 1e6:.0f} MB, {needs}"
    message = (
        f"{room}: the batches of {workers} loader workers fit (batch_size={BATCH_SIZE}),"
        f" a cache of CIFAR-100 does not ({needs})"
    )
    return [Finding("warning", "shared memory", message, _more_shared_memory(facts))]


def _more_shared_memory(facts: MachineFacts) -> str:
    if facts.container:
        return "start the container with --shm-size=8g, or with --ipc=host"
    if facts.shared_memory is None:
        return "sudo mount -t tmpfs -o mode=1777 tmpfs /dev/shm"
    return "sudo mount -o remount,size=8g /dev/shm"


def _judge_load(conditions: Conditions) -> list[Finding]:
    """What a run that began now would be warned of; a training of our own is not to be ended."""
    if conditions.workers:
        message = "a training of tfpt-tui is running on this machine: another one would wait for it"
        return [Finding("note", "other load", message, "check again when it is over")]
    warnings = judge_start(conditions)
    findings = [
        Finding(
            "warning",
            TOPICS[warning.code],
            warning.message.replace("before the start", "just now"),
            warning.advice.removesuffix(" and repeat the run"),
        )
        for warning in warnings
    ]
    if findings or not conditions.cores:
        return findings
    return [Finding("ok", "other load", f"others use {conditions.busy_share:.0%} of the processor")]
