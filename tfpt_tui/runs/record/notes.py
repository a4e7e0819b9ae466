"""``notes.toml``: a user's note and tags on a run. It may be written at any time, also while the run goes on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tfpt_tui.config.toml import read_record, write_toml
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import TfptError, UsageError, cannot
from tfpt_tui.runs.record.directory import RunDirectory

SCHEMA = 1
MOST_LETTERS = 500
# Such that a tag can stand in a condition, in a list, and after a "#".
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True)
class Notes:
    note: str = ""
    tags: tuple[str, ...] = ()


NO_NOTES = Notes()


def read_notes(run: RunDirectory) -> Notes:
    """Empty where nothing was noted, or the file is broken: no run is unreadable for a remark on it.

    It may come from elsewhere: what is no tag is left out.
    """
    try:
        notes = build(Notes, read_record(run.notes, SCHEMA))
    except (TfptError, DocumentError):
        return NO_NOTES
    return replace(notes, tags=tuple(filter(TAG.fullmatch, notes.tags)))


def parse_note(text: str) -> str:
    """The text as one line. Raises UsageError where it is too long."""
    note = " ".join(text.split())
    if len(note) > MOST_LETTERS:
        raise UsageError(f"at most {MOST_LETTERS} letters in a note, not {len(note):,}; longer texts go elsewhere")
    return note


def parse_tags(words: Sequence[str]) -> tuple[str, ...]:
    """The words, each once. Raises UsageError where one is no tag."""
    for word in words:
        if not TAG.fullmatch(word):
            raise UsageError(
                f"tag {word!r}: a tag has up to 40 letters from a to z, digits, dots, underscores and hyphens"
            )
    return tuple(dict.fromkeys(words))


def write_note(run: RunDirectory, note: str) -> None:
    """Keep a line of text beside the run in place of the one before; an empty one takes it away.

    Raises:
        MissingError: the directory cannot be written.
    """
    _write(run, replace(read_notes(run), note=note))


def write_tags(run: RunDirectory, tags: Sequence[str]) -> None:
    """Give the run these tags, and no others.

    Raises:
        MissingError: the directory cannot be written.
    """
    _write(run, replace(read_notes(run), tags=tuple(tags)))


def _write(run: RunDirectory, notes: Notes) -> None:
    try:
        if notes == NO_NOTES:
            run.notes.unlink(missing_ok=True)
        else:
            write_toml(run.notes, {"schema": SCHEMA, "note": notes.note or None, "tags": notes.tags or None})
    except OSError as error:
        raise cannot("keep the note", run.path, error) from None
