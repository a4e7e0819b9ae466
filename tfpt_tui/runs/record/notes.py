"""``notes.toml``: a user's note and tags on a run. It may be written at any time, also while the run goes on."""

from __future__ import annotations

import re
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
    """Empty where nothing was noted, or the file is broken: no run is unreadable for a remark on it."""
    try:
        return build(Notes, read_record(run.notes, SCHEMA))
    except (TfptError, DocumentError):
        return NO_NOTES


def write_note(run: RunDirectory, text: str) -> None:
    """Keep one line of text beside the run in place of the one before; an empty one takes it away.

    Raises:
        UsageError: the text is too long.
        MissingError: the directory cannot be written.
    """
    note = " ".join(text.split())
    if len(note) > MOST_LETTERS:
        raise UsageError(f"a note has at most {MOST_LETTERS} letters, not {len(note):,}; keep longer ones in a file")
    _write(run, replace(read_notes(run), note=note))


def write_tags(run: RunDirectory, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
    """Add tags to a run, and take others away; the order is that in which they came.

    Raises:
        UsageError: what is to be added is no tag.
        MissingError: the directory cannot be written.
    """
    for tag in add:
        if not TAG.fullmatch(tag):
            raise UsageError(
                f"tag {tag!r}: a tag has up to 40 letters, digits, dots, underscores and hyphens, and no blanks"
            )
    notes = read_notes(run)
    kept = [tag for tag in dict.fromkeys((*notes.tags, *add)) if tag not in remove]
    _write(run, replace(notes, tags=tuple(kept)))


def _write(run: RunDirectory, notes: Notes) -> None:
    try:
        if notes == NO_NOTES:
            run.notes.unlink(missing_ok=True)
        else:
            write_toml(run.notes, {"schema": SCHEMA, "note": notes.note or None, "tags": notes.tags or None})
    except OSError as error:
        raise cannot("keep the note", run.path, error) from None
