"""An index of the runs that are over, so that ten thousand of them are listed at once.

The run directories stay the truth: a result that is new, gone or changed since the last look is read again, and an
index that is missing, damaged or of another version is made anew from all of them, or done without. It may be
deleted at any time. It keeps answers, too, that took long to work out.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from tfpt_tui.config.paths import Paths
from tfpt_tui.documents import finite
from tfpt_tui.hardware.machine_snapshot import snapshot_from
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory, by_age, list_runs
from tfpt_tui.runs.record.result import ENVIRONMENT, RunResult, result_from, whole_document

NAME = ".index.sqlite"  # in the directory of the runs, which passes over it
VERSION = 12  # of the tables and of what they hold
BUSY_S = 5.0
MEMORY = ":memory:"
# What lists, filters and choices look at; the rest of a result is read for those that were chosen.
SUMMARY = (
    *("run", "status", "preset", "sweep", "burn_in", "machine", "started", "worker_version"),
    *("config", "phases", "training", "test", "warnings", "notes"),
)
# Fewer are read in no time: nobody need be told.
MANY_RUNS = 500

Progress = Callable[[int, int], None]
Found = TypeVar("Found")


def read_summaries(paths: Paths, on_progress: Progress = lambda done, total: None) -> list[RunResult]:
    """The gist of every run's result, newest first: the fields of ``SUMMARY``, the fingerprint of its machine, and
    its part in a duel.

    ``on_progress`` is called while results are read that the index has not: their number so far, and of all.
    """

    def look(index: sqlite3.Connection) -> list[RunResult]:
        runs = list_runs(paths)
        live = _refresh(index, runs, on_progress, [run.id for run in runs])
        found = {run: _decode(text) for run, text in index.execute("SELECT id, summary FROM runs")}
        found |= live
        return [found[run] for run in sorted(found, key=by_age, reverse=True)]

    return _with_index(paths, look)


def read_gists(paths: Paths, runs: Sequence[RunDirectory]) -> list[RunResult]:
    """The gist of the results of these runs, in their order, as :func:`read_summaries` has it of all."""

    def look(index: sqlite3.Connection) -> list[RunResult]:
        live = _refresh(index, runs, lambda done, total: None)
        found = dict(live)
        for run in runs:
            row = index.execute("SELECT summary FROM runs WHERE id = ?", (run.id,)).fetchone()
            if row and run.id not in found:
                found[run.id] = _decode(row[0])
        return [found[run.id] for run in runs if run.id in found]

    return _with_index(paths, look) if runs else []


def read_results(paths: Paths, runs: Sequence[RunDirectory]) -> list[RunResult]:
    """The whole results of these runs, in their order, each as :func:`read_result` reads it."""

    def look(index: sqlite3.Connection) -> list[RunResult]:
        live = _refresh(index, runs, lambda done, total: None)
        return [live.get(run.id) or _kept(index, run) or read_result(run) for run in runs]

    return _with_index(paths, look)


def stream_documents(paths: Paths, on_progress: Progress = lambda done, total: None) -> Iterator[str]:
    """The whole results of all runs, newest first, each as an object of JSON, one in memory at a time."""
    runs = list_runs(paths)
    live = _in_file(paths, lambda index: _refresh(index, runs, on_progress, [run.id for run in runs])) or {}
    with closing(_open_any(paths.runs / NAME)) as index:
        for run in runs:
            yield _encode(whole_document(live[run.id])) if run.id in live else _document(index, run)


def recall(paths: Paths, question: str, work_out: Callable[[], str]) -> str:
    """The answer to a question, kept since it was first worked out. The question names all that it depends on."""

    def look(index: sqlite3.Connection) -> str | None:
        row = index.execute("SELECT answer FROM answers WHERE question = ?", (question,)).fetchone()
        return row and str(row[0])

    def keep(index: sqlite3.Connection) -> None:
        with index:
            index.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (question, answer))

    known = _with_index(paths, look)
    if known is not None:
        return known
    answer = work_out()
    _in_file(paths, keep)
    return answer


def _kept(index: sqlite3.Connection, run: RunDirectory) -> RunResult | None:
    row = index.execute("SELECT document FROM runs WHERE id = ?", (run.id,)).fetchone()
    return _decode(row[0]) if row else None


def _document(index: sqlite3.Connection, run: RunDirectory) -> str:
    """The text in the index where it is there and sound, else what the files of the run say."""
    with suppress(sqlite3.DatabaseError):
        row = index.execute("SELECT document, checksum FROM runs WHERE id = ?", (run.id,)).fetchone()
        if row and isinstance(row[0], str) and zlib.crc32(row[0].encode()) == row[1]:
            return str(row[0])
    return _encode(whole_document(read_result(run)))


def _with_index(paths: Paths, look: Callable[[sqlite3.Connection], Found]) -> Found:
    """What ``look`` finds in the index, or in one that is made for it where it cannot be kept or is damaged."""
    found = _in_file(paths, look)
    if found is not None:
        return found
    with closing(_open(MEMORY)) as index:
        return look(index)


def _in_file(paths: Paths, look: Callable[[sqlite3.Connection], Found]) -> Found | None:
    """What ``look`` finds in the index on the disk; None where that cannot be used."""
    file = paths.runs / NAME
    try:
        with closing(_open(file)) as index:
            return look(index)
    except sqlite3.OperationalError:
        return None  # no directory, a disk that is full or read-only, or somebody else is writing
    except (sqlite3.DatabaseError, LookupError, TypeError, ValueError):
        with suppress(OSError):  # damaged, whatever its rows hold: the next look makes it anew
            file.unlink()
        return None


def _open_any(file: Path) -> sqlite3.Connection:
    """The index, or one without a run where it cannot be used."""
    try:
        return _open(file)
    except sqlite3.Error:
        return _open(MEMORY)


def _open(place: Path | str) -> sqlite3.Connection:
    """Raises sqlite3.OperationalError where it cannot be opened, another DatabaseError where it is none."""
    if os.path.lexists(place) and not stat.S_ISREG(os.lstat(place).st_mode):
        raise sqlite3.OperationalError(f"{place}: a link or a pipe that somebody put there")
    index = sqlite3.connect(place, timeout=BUSY_S)
    try:
        (version,) = index.execute("PRAGMA user_version").fetchone()
        tables = {name for (name,) in index.execute("SELECT name FROM sqlite_master")}
        if version != VERSION or not {"runs", "answers"} <= tables:
            with index:
                index.execute("DROP TABLE IF EXISTS runs")
                index.execute("DROP TABLE IF EXISTS answers")
                index.execute(
                    "CREATE TABLE runs"
                    " (id TEXT PRIMARY KEY, stamp TEXT, summary TEXT, document TEXT, checksum INTEGER)"
                )
                index.execute("CREATE TABLE answers (question TEXT PRIMARY KEY, answer TEXT)")
                index.execute(f"PRAGMA user_version = {VERSION}")
    except sqlite3.Error:
        index.close()
        raise
    return index


def _refresh(
    index: sqlite3.Connection,
    runs: Sequence[RunDirectory],
    on_progress: Progress,
    all_ids: Collection[str] | None = None,
) -> dict[str, RunResult]:
    """Bring these runs up to date; the results of those that are not over, which the index does not keep.

    With ``all_ids``, those of all runs that there are, it forgets the others.
    """
    stamps = {run.id: _stamp(run) for run in runs}
    known = dict(index.execute("SELECT id, stamp FROM runs"))
    gone = known.keys() - set(all_ids) if all_ids is not None else set()
    new = [run for run in runs if stamps[run.id] and known.get(run.id) != stamps[run.id]]
    live = {run.id: read_result(run) for run in runs if not stamps[run.id]}
    report_progress: Progress = on_progress if len(new) >= MANY_RUNS else lambda done, total: None
    try:
        with index:
            index.executemany("DELETE FROM runs WHERE id = ?", [(run,) for run in gone])
            index.executemany(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)", _rows(new, stamps, report_progress)
            )
    except sqlite3.OperationalError:
        # A disk that is full or read-only: what is new is read each time.
        live |= {run.id: read_result(run) for run in new}
    return live


def _rows(
    runs: Sequence[RunDirectory], stamps: dict[str, str], on_progress: Progress
) -> Iterator[tuple[str, str, str, str, int]]:
    for number, run in enumerate(runs, start=1):
        result = read_result(run)
        document = whole_document(result)
        text = _encode(document)
        yield run.id, stamps[run.id], _encode(_summary(document)), text, zlib.crc32(text.encode())
        on_progress(number, len(runs))


def _stamp(run: RunDirectory) -> str:
    """A mark of a run's result that changes with it, "" where it has none yet."""
    result = _stamp_of(run.result)
    return result and f"{result} {_stamp_of(run.environment)} {_stamp_of(run.notes)}"


def _stamp_of(file: Path) -> str:
    try:
        found = os.stat(file)
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    gist = {key: document[key] for key in SUMMARY if key in document}
    known = {key: part for key, part in document[ENVIRONMENT].items() if key in ("fingerprint", "duel")}
    return {**gist, ENVIRONMENT: known}


def _encode(document: dict[str, Any]) -> str:
    """JSON as events have it: what is not finite as text."""
    return json.dumps(finite(document), separators=(",", ":"))


def _decode(text: str) -> RunResult:
    document = json.loads(text)
    return result_from(document, snapshot_from(document[ENVIRONMENT]))
