"""Whether a process that this one cannot see still lives: by whether the file that it touches changes.

Machines and containers that share a directory see each other's files, not each other's processes. Their clocks
differ, so nothing is concluded from how old a file looks: whoever reads it notes when it last saw it change, by a
clock of its own, and keeps the note, so that two looks of one user some minutes apart are enough.
"""

from __future__ import annotations

import atexit
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tfpt_tui.config.paths import find_paths
from tfpt_tui.documents import build
from tfpt_tui.files import open_regular, write_atomically
from tfpt_tui.runs.record.processes import boot_id

BEAT_S = 15.0
# A network file system tells of a change up to a minute late (nfs(5), acdirmax).
SILENT_S = 10 * BEAT_S
SAVED_EVERY_S = 5.0


@dataclass(frozen=True)
class Sight:
    """A file as it was last seen to change: its mark, and seconds of this boot of the reader's machine."""

    mark: str
    since: float


@dataclass(frozen=True)
class Kept:
    """What the file of notes holds; those of another boot are of another clock."""

    boot_id: str = ""
    sights: Mapping[str, Sight] = field(default_factory=dict)


@dataclass
class Notes:
    """What this reader saw, by path; ``saved`` is when it was last kept."""

    sights: dict[str, Sight]
    saved: float = 0.0


# Read at the first need: most readers never see a process of another machine.
_notes: list[Notes] = []


def beat(states: Iterable[Path]) -> None:
    """Touch these files, for others to see; what cannot be touched is left."""
    for state in states:
        with suppress(OSError):
            os.utime(state)


def is_silent(trace: Path) -> bool:
    """Whether this reader has watched the file for ten heartbeats without seeing it change."""
    notes, now = _read_notes(), _now()
    seen, mark = notes.sights.get(str(trace)), _mark(trace)
    if seen and seen.mark == mark:
        return now - seen.since >= SILENT_S
    notes.sights[str(trace)] = Sight(mark, now)
    if now - notes.saved >= SAVED_EVERY_S:
        _save()
    return False


def _now() -> float:
    """Seconds since the start of this machine, also those that it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _mark(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "gone"
    return f"{found.st_mtime_ns} {found.st_ino} {found.st_size}"


def _read_notes() -> Notes:
    if not _notes:
        kept = Kept()
        # None, or damaged: a cache.
        with suppress(OSError, ValueError, RecursionError), open_regular(find_paths().heartbeats) as file:
            kept = build(Kept, json.load(file))
        _notes.append(Notes(dict(kept.sights) if kept.boot_id == boot_id() else {}))
        atexit.register(_save)
    return _notes[0]


def _save() -> None:
    """Keep what was seen; without room for it a later look begins anew."""
    notes = _notes[0]
    notes.saved = _now()
    # A copy, for other threads look, too.
    kept = Kept(boot_id(), {path: sight for path, sight in list(notes.sights.items()) if os.path.exists(path)})
    file = find_paths().heartbeats
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(asdict(kept)))
