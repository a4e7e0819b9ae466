"""What the tfpt-tui of two machines say to each other: lines of JSON, each with bytes of a file behind it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, get_args

from tfpt_tui.config.machines import Machine
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.contact import Contact

# The first line of the other side, behind whatever a shell prints there when it starts.
GREETING = "tfpt_tui"
MAX_GREETED = 1000
MAX_LINE_BYTES = 1 << 22
CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class Greeting:
    """``tfpt_tui`` is the version; ``time`` is the wall clock's."""

    tfpt_tui: str
    host: str
    time: float


@dataclass(frozen=True)
class Mark:
    """What a copy has of a file: its bytes, and the checksum of all, or of the last ones of what only grows."""

    size: int
    checksum: int


@dataclass(frozen=True)
class Request:
    """What is wanted there: one of the words that agent.py knows, with what it needs.

    ``machine`` is how the user describes that machine, ``known`` what a copy has of its open sweeps: the marks of
    files by sweep, then by name, with the run's ID in front of a run's. ``trace`` is the name of something that
    is among the runs of whoever asks: there, too, where both record in one directory.
    """

    do: str
    machine: Machine = field(default_factory=Machine)
    known: Mapping[str, Mapping[str, Mark]] = field(default_factory=dict)
    plan: Plan | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    number: int = 0
    words: tuple[str, ...] = ()
    sweep: str = ""
    run: str = ""
    trace: str = ""


@dataclass(frozen=True)
class FilePart:
    """Bytes of a file of a run, or of the sweep itself, from ``start`` on; of one that is sent whole ``more`` says
    that they are not the last.
    """

    sweep: str
    file: str
    run: str = ""
    start: int = 0
    more: bool = False


@dataclass(frozen=True)
class SweepStatus:
    """The runs of a sweep, each with its status, "" before its files were sent; nothing follows of one that is
    ``over``.
    """

    sweep: str
    runs: Mapping[str, str] = field(default_factory=dict)
    burn_in: tuple[str, ...] = ()
    message: str = ""
    over: bool = False


@dataclass(frozen=True)
class Submitted:
    """The sweeps that were begun there; or what of the data is ``missing`` there, and nothing was begun."""

    sweeps: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A line for the user, with the exit code that goes with it."""

    problem: str
    code: int


@dataclass(frozen=True)
class Done:
    """What was wanted is done."""


Frame = Request | FilePart | SweepStatus | Contact | Finding | Submitted | Refused | Done
KINDS: Mapping[str, type[Frame]] = {kind.__name__: kind for kind in get_args(Frame)}


def write_frame(stream: BinaryIO, frame: Frame, content: bytes = b"") -> None:
    """Say one thing.

    Raises:
        OSError: nobody listens any more.
        UsageError: it is too long.
    """
    head = {"frame": type(frame).__name__, "bytes": len(content), **dataclasses.asdict(frame)}
    line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise UsageError(
            f"{len(line) / 1e6:.1f} MB are more than can be said at once ({MAX_LINE_BYTES / 1e6:.1f} MB);"
            " take fewer runs in one plan"
        )
    stream.write(line + content)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[Frame, bytes] | None:
    """The next thing that is said; None at the end, also in the middle of one: what was cut off is not there.

    Raises:
        MissingError: it is not a frame of ours.
    """
    line = stream.readline(MAX_LINE_BYTES)
    if not line.endswith(b"\n"):
        return None
    head = _parse(line)
    size = head.get("bytes", 0)
    if not isinstance(size, int) or not 0 <= size <= CHUNK_BYTES:
        raise MissingError(f"it says what no tfpt-tui says: {line[:80]!r}")
    try:
        frame = build(KINDS[str(head.get("frame"))], head)
    except (DocumentError, KeyError) as error:
        raise MissingError(f"it says what no tfpt-tui says: {error}") from None
    content = stream.read(size)
    return (frame, content) if len(content) == size else None


def write_greeting(stream: BinaryIO, greeting: Greeting) -> None:
    # A shell's own start may have left a line without its end.
    stream.write(b"\n" + json.dumps(dataclasses.asdict(greeting)).encode() + b"\n")
    stream.flush()


def read_greeting(stream: BinaryIO) -> Greeting | None:
    """The greeting of the other side; None where it ends without.

    Raises:
        MissingError: it is not one that we understand.
    """
    for _ in range(MAX_GREETED):
        line = stream.readline(MAX_LINE_BYTES)
        if not line:
            return None
        if line.startswith(f'{{"{GREETING}":'.encode()):
            try:
                return build(Greeting, _parse(line))
            except DocumentError as error:
                raise MissingError(f"it greets as no tfpt-tui does: {error}") from None
    return None


def _parse(line: bytes) -> Mapping[str, Any]:
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict):
        raise MissingError(f"it says what no tfpt-tui says: {line[:80]!r}")
    return head
