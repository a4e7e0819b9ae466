"""Keeps the copies of other machines' runs up to date while somebody looks, and carries requests to stop there.

Each machine has a thread, which reads a pipe; what it learns stands in files, as all that is shown. A connection
that is lost is taken up again where the copy ends. Of several programs of ours that want to follow, one does.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

from tfpt_tui.config.machines import SSH, Machine
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import HERE
from tfpt_tui.errors import MissingError, TfptError, cannot
from tfpt_tui.files import append_to, lock
from tfpt_tui.machines.connection import connected
from tfpt_tui.machines.mirror import Mirror, TakenError
from tfpt_tui.machines.wire import FilePart, Request, SweepStatus
from tfpt_tui.runs.record.contact import Contact, read_contact, write_contact
from tfpt_tui.runs.record.directory import SweepDirectory
from tfpt_tui.runs.record.state import machine_of
from tfpt_tui.runs.record.sweep import Sweep, read_sweep

# From one try to reach a machine to the next; each waits twice as long as the one before.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
LOCK_WAIT_S = 1.0
# A machine tells of a plan within seconds of the connection; half a minute is a bad line's.
FIRST_WORD_S = 60.0
POLL_S = 0.2
# Within that a cluster says how its jobs ended: its scheduler is asked beside the first looks.
JOBS_KNOWN_S = 15.0


@contextmanager
def following(machines: Sequence[Machine], paths: Paths) -> Iterator[None]:
    """Follow these machines until the end of the block; this one needs no following."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_follow_always, args=(machine, paths, over), name=machine.name, daemon=True)
        for machine in machines
        if machine.name != HERE
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()


def fetch(machine: Machine, paths: Paths) -> int:
    """Bring the copies of the machine's runs up to date once; returns how many of its sweeps go on.

    Raises:
        MissingError: it cannot be reached, or the copies cannot be written.
        UsageError: what was wanted is refused there.
    """
    mirror = Mirror(machine.name, paths)
    with _held(machine.name, paths) as held:
        if held:
            with closing(_beats(machine, mirror, paths)) as beats:
                knows_jobs = time.monotonic() + (0.0 if machine.kind == SSH else JOBS_KNOWN_S)
                next(beat for beat in beats if time.monotonic() >= knows_jobs)
        elif not (contact := read_contact(machine.name, paths)).is_heard(time.time()):
            raise MissingError(contact.problem or f"{machine.name}: is followed already, and not heard")
    return len(mirror.open_sweeps())


def await_copy(directory: SweepDirectory, paths: Paths, is_there: Callable[[Sweep], bool]) -> Sweep:
    """The copy of a sweep that was begun on a machine that is followed, once all that is wanted of it is here.

    Raises:
        MissingError: nothing is heard of it; it goes on there.
    """
    deadline = time.monotonic() + FIRST_WORD_S
    while time.monotonic() < deadline:
        if directory.plan.exists() and is_there(sweep := read_sweep(directory, paths)):
            return sweep
        time.sleep(POLL_S)
    raise MissingError(
        f"{machine_of(directory)}: nothing is heard of sweep {directory.id}, which was begun there; see: tfpt-tui"
        f" machines check {machine_of(directory)}"
    )


def _follow_always(machine: Machine, paths: Paths, over: threading.Event) -> None:
    """Follow the machine, and try again where it cannot be reached or its copies cannot be written."""
    wait_s = FIRST_WAIT_S
    while not over.is_set():
        try:
            with _held(machine.name, paths) as held:
                if not held:
                    over.wait(LOCK_WAIT_S)
                    continue
                with closing(_beats(machine, Mirror(machine.name, paths), paths)) as beats:
                    for _ in beats:
                        wait_s = FIRST_WAIT_S
                        if over.is_set():
                            return
        except TfptError as error:
            write_contact(machine.name, replace(read_contact(machine.name, paths), problem=str(error)), paths)
        over.wait(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)


def _beats(machine: Machine, mirror: Mirror, paths: Paths) -> Generator[None]:
    """Take in what is said there, once around at every beat, to the end of the connection.

    Raises:
        TfptError: as :func:`connected`, or the copies cannot be written.
    """
    asked: set[tuple[str, str]] = set()
    problem = ""
    with connected(machine, Request("follow", known=mirror.known())) as connection:
        for frame, content in connection.hear():
            match frame:
                case FilePart() | SweepStatus():
                    try:
                        mirror.take(frame, content)
                    except TakenError as error:  # two hosts with one home, say: their other sweeps go on
                        problem = problem or str(error)
                case Contact():
                    write_contact(machine.name, replace(frame, heard=time.time(), problem=problem), paths)
                    wanted = set(mirror.requests_to_stop())
                    for sweep, run in wanted - asked:
                        connection.say(Request("stop", sweep=sweep, run=run))
                    asked = wanted  # one that was fulfilled may be made again, of what was resumed
                    yield
    raise MissingError(f"{machine.name}: the connection was lost")


@contextmanager
def _held(name: str, paths: Paths) -> Iterator[bool]:
    """Whether it is this process that follows the machine for these runs."""
    place = hashlib.sha256(os.fsencode(paths.runs)).hexdigest()[:12]
    try:
        paths.machines.mkdir(parents=True, exist_ok=True)
        file = append_to(paths.machines / f"{name}-{place}.lock")
    except OSError as error:
        raise cannot("follow the machine", paths.machines, error) from None
    with file:
        yield lock(file.fileno())
