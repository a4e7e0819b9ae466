"""What the doctor says of one thing: how bad it is, what it is, and the line that fixes it."""

from __future__ import annotations

from dataclasses import dataclass

# error: a run could not work; warning: its figures could mislead, or the app would be hard to use;
# note: good to know; ok: looked at, nothing to fix.
LEVELS = ("error", "warning", "note", "ok")


@dataclass(frozen=True)
class Finding:
    """``topic`` is a word or two for a list, such as ``shared memory``, and has one finding.

    ``remedy`` is the fix: a command, or what to do.
    """

    level: str
    topic: str
    message: str
    remedy: str = ""
