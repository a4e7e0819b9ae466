"""Read a file that another process appends to: whole lines only, from where the last reading ended."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfpt_tui.events import MalformedEventError, Progress, Stamped, decode
from tfpt_tui.files import open_regular

# A burst is read in parts, so that whoever reads can answer a key press in between.
CHUNK_BYTES = 1 << 18
# No line of ours is as long: one that is belongs to a damaged file, and is passed over.
MAX_LINE_BYTES = 1 << 20
# Of more progress than that in one portion only some is read: nobody sees thousands of points, and decoding a line
# takes fifty times as long as passing over it.
MAX_PROGRESS = 200
PROGRESS = f'"kind":"{Progress.kind}"'.encode()


class LineTail:
    """The lines that were added since the last call; half a line is kept until it is whole.

    ``last_bytes`` begins so far before the present end of a file that is longer. ``overlong`` counts lines that
    were passed over because nothing of ours is so long.
    """

    def __init__(self, path: Path, last_bytes: int | None = None) -> None:
        self._path = path
        self.offset = 0  # bytes that were read
        self.overlong = 0
        self._rest = b""
        self._passing = False  # within a line that is too long
        if last_bytes is not None and os.path.exists(path):
            self.offset = max(0, path.stat().st_size - last_bytes)

    def read(self) -> list[str]:
        """At most a quarter of a mebibyte of new lines; none while there is no file."""
        return [line.decode("utf-8", "replace") for line in self.read_bytes()]

    def read_bytes(self) -> list[bytes]:
        """The same, not decoded yet."""
        try:
            with open_regular(self._path) as file:
                if file.seek(0, 2) < self.offset:
                    self.offset, self._rest, self._passing = 0, b"", False  # the file was begun anew
                file.seek(self.offset)
                chunk = file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return []
        self.offset += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if self._passing and lines:
            self._passing = False
            del lines[0]  # the end of the line that is too long
        if self._passing or len(self._rest) > MAX_LINE_BYTES:
            self.overlong += not self._passing
            self._passing, self._rest = True, b""
        return lines


class EventTail:
    """The events that were added since the last call; ``malformed`` counts lines that are none."""

    def __init__(self, path: Path) -> None:
        self._lines = LineTail(path)
        self._malformed = 0

    @property
    def malformed(self) -> int:
        return self._malformed + self._lines.overlong

    def read(self) -> list[Stamped]:
        """One portion of new events, none where it holds no whole event."""
        events = []
        for line in _thinned(self._lines.read_bytes()):
            try:
                event = decode(line.decode("utf-8", "replace"))
            except MalformedEventError:
                self._malformed += 1
                continue
            if event:
                events.append(event)
        return events

    def portions(self) -> Iterator[list[Stamped]]:
        """All events up to the present end of the file, so many at a time as may be held in memory."""
        while True:
            before = self._lines.offset
            yield self.read()
            if self._lines.offset == before:
                return

    def stream(self) -> Iterator[Stamped]:
        """All events up to the present end of the file, one by one."""
        return (event for portion in self.portions() for event in portion)


def _thinned(lines: Sequence[bytes]) -> list[bytes]:
    """Without most of the progress, where there is very much; what comes last before another event stays."""
    if len(lines) <= MAX_PROGRESS:
        return list(lines)
    stride = -(-len(lines) // MAX_PROGRESS)
    progress = [PROGRESS in line for line in lines]
    more_follows = [one and after for one, after in zip(progress, [*progress[1:], False], strict=True)]
    return [line for place, line in enumerate(lines) if place % stride == 0 or not more_follows[place]]
