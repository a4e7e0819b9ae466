"""Read a file that another process appends to: whole lines only, from where the last reading ended."""

from __future__ import annotations

from pathlib import Path

from tfpt_tui.events import MalformedEventError, Stamped, decode

# A burst is read in parts, so that whoever reads can answer a key press in between.
CHUNK_BYTES = 1 << 18


class LineTail:
    """The lines that were added since the last call; half a line is kept until it is whole.

    ``last_bytes`` begins so far before the present end of a file that is longer.
    """

    def __init__(self, path: Path, last_bytes: int | None = None) -> None:
        self._path = path
        self.offset = 0  # bytes that were read
        self._rest = b""
        if last_bytes is not None and path.exists():
            self.offset = max(0, path.stat().st_size - last_bytes)

    def read(self) -> list[str]:
        """At most a quarter of a mebibyte of new lines; none while there is no file."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self.offset:
                    self.offset, self._rest = 0, b""  # the file was begun anew
                file.seek(self.offset)
                chunk = file.read(CHUNK_BYTES)
        except FileNotFoundError:
            return []
        self.offset += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]


class EventTail:
    """The events that were added since the last call; ``malformed`` counts lines that are none."""

    def __init__(self, path: Path) -> None:
        self._lines = LineTail(path)
        self.malformed = 0

    def read(self) -> list[Stamped]:
        """One portion of new events, none where it holds no whole event."""
        events = []
        for line in self._lines.read():
            try:
                event = decode(line)
            except MalformedEventError:
                self.malformed += 1
                continue
            if event:
                events.append(event)
        return events

    def read_all(self) -> list[Stamped]:
        """All events up to the present end of the file."""
        events: list[Stamped] = []
        while True:
            before = self._lines.offset
            events += self.read()
            if self._lines.offset == before:
                return events
