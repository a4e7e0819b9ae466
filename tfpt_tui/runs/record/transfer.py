"""Carry recorded runs to another machine in one file: the results of a GPU box, looked at on a laptop."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.toml import dump_toml, read_record
from tfpt_tui.documents import DocumentError
from tfpt_tui.errors import MissingError, TfptError, UsageError, cannot
from tfpt_tui.events import ALIVE
from tfpt_tui.files import open_regular, scratch_directory, written_where_asked
from tfpt_tui.hardware.machine_snapshot import NO_SNAPSHOT, snapshot_document
from tfpt_tui.runs.record.directory import RUN_ID, RunDirectory
from tfpt_tui.runs.record.result import SCHEMA, result_from
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.record.sweep import read_environment

FOLDER = "runs"
MEMBER = re.compile(rf"{FOLDER}/({RUN_ID.pattern})/([^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*)")
# Processes and requests of the machine that it ran on.
LEFT_BEHIND = ("state.toml", "stop")
NEEDED = ("config.toml", "result.toml")
LEAST_RESULT = {"run": "", "status": "", "config": {}, "phases": {}}
# A run has a few megabytes; an hour of events some more.
MAX_MEMBER_BYTES = 1 << 30
MAX_TOTAL_BYTES = 8 << 30
# The header of a long name, or the fields of a file, which are read at once.
MAX_HEADER_BYTES = 1 << 16
HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)
# An archive may hold so many files, and one more for so many bytes: compressed, none of ours takes less.
FEW_FILES, LEAST_BYTES = 1000, 64
CHUNK_BYTES = 1 << 20
# The field of a file in which its digest stands; archives of earlier versions have none.
DIGEST = "TFPT.sha256"


@dataclass(frozen=True)
class Imported:
    """IDs of the runs that came in, and of those that were there already and stay as they are."""

    new: tuple[str, ...]
    kept: tuple[str, ...]


def export_runs(runs: Sequence[RunDirectory], out: Path) -> None:
    """Write the files of the runs to a gzipped tar file, whole or not at all.

    Raises:
        UsageError: a run is not over yet.
        MissingError: a run cannot be read, or the file cannot be written.
    """
    for run in runs:
        if status_of(run) in ALIVE or not run.result.exists():
            raise UsageError(f"{run.id}: is {status_of(run)}, and only runs with a result can be exported")
    try:
        with (
            written_where_asked(out) as temporary,
            tarfile.open(temporary, "w:gz", format=tarfile.PAX_FORMAT) as tar,
        ):
            for run in runs:
                for file in sorted(run.path.iterdir()):
                    name = f"{FOLDER}/{run.id}/{file.name}"
                    if _is_carried(file) and MEMBER.fullmatch(name):
                        _add(tar, name, run, file)
    except OSError as error:
        raise cannot("export the runs", error.filename or out, error) from None


def import_runs(archive: Path, paths: Paths) -> Imported:
    """Take the runs of an export in; a run that is there already is left as it is.

    Nothing comes in unless all of the archive is as an export makes it.

    Raises:
        UsageError: it is no export, damaged, or holds what has no place in one.
        MissingError: it is not there, or the runs cannot be written.
    """
    with _explained(archive), _scratch(paths) as scratch:
        with gzip.open(archive) as stream:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=Member) as tar:
                _unpack(tar, scratch, archive)
            while rest := stream.read(CHUNK_BYTES):  # to its very end, where gzip has the checksum of it all
                if rest.strip(b"\0"):
                    raise UsageError("damaged, something follows its end")
        found = [RunDirectory(path) for path in sorted(scratch.iterdir())]
        _check_whole(found)
        new = [run for run in found if not (paths.runs / run.id).exists()]
        for run in new:
            run.path.rename(paths.runs / run.id)
    return Imported(tuple(run.id for run in new), tuple(run.id for run in found if run not in new))


def _is_carried(file: Path) -> bool:
    return file.is_file() and not file.is_symlink() and file.name not in LEFT_BEHIND


class Member(tarfile.TarInfo):
    """A header of an archive, judged before anything is read because of it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Raises UsageError for what no export holds."""
        member = super().frombuf(buf, encoding, errors)
        limit = MAX_HEADER_BYTES if member.type in HEADERS else MAX_MEMBER_BYTES
        if member.type not in (*HEADERS, tarfile.REGTYPE, tarfile.AREGTYPE):
            raise UsageError(f"{member.name!r} is not a file of a run")
        if not 0 <= member.size <= limit:
            raise UsageError(f"{member.name!r} is larger than a run's files can be")
        return member


def _add(tar: tarfile.TarFile, name: str, run: RunDirectory, file: Path) -> None:
    """Add a file with its digest, without the names and numbers of whoever exports."""
    with _to_export(run, file) as content:
        member = tarfile.TarInfo(name)
        member.size, member.mtime = content.seek(0, io.SEEK_END), file.stat().st_mtime
        content.seek(0)
        member.pax_headers = {DIGEST: hashlib.file_digest(content, "sha256").hexdigest()}
        content.seek(0)
        tar.addfile(member, content)


def _to_export(run: RunDirectory, file: Path) -> io.BufferedReader | io.BytesIO:
    """The file; of its environment only what this version would record, as earlier ones recorded more."""
    if file == run.environment and (environment := read_environment(run)) != NO_SNAPSHOT:
        return io.BytesIO(dump_toml(snapshot_document(environment)).encode())
    return open_regular(file)


@contextmanager
def _scratch(paths: Paths) -> Iterator[Path]:
    """A hidden directory beside the runs, so that they come in by a rename."""
    paths.runs.mkdir(parents=True, exist_ok=True)
    with scratch_directory(paths.runs, "import") as scratch:
        yield scratch


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{archive}: {error}; nothing was imported") from None
    except FileNotFoundError as error:
        if error.filename != str(archive):
            raise cannot("import", error.filename, error) from None
        raise MissingError(f"{archive}: no such file") from None
    except tarfile.ReadError:
        raise UsageError(f"{archive}: not a tfpt-tui export, or truncated") from None
    except gzip.BadGzipFile as error:
        raise UsageError(f"{archive}: not a tfpt-tui export, or damaged ({error})") from None
    # The last three: numbers in headers that are none.
    except (EOFError, tarfile.TarError, zlib.error, ValueError, LookupError, OverflowError) as error:
        raise UsageError(f"{archive}: not a tfpt-tui export, or damaged ({error})") from None
    except OSError as error:
        raise cannot("import", error.filename or archive, error) from None


def _unpack(tar: tarfile.TarFile, scratch: Path, archive: Path) -> None:
    left = MAX_TOTAL_BYTES
    most = FEW_FILES + archive.stat().st_size // LEAST_BYTES
    for number, member in enumerate(tar, start=1):
        name = MEMBER.fullmatch(member.name)
        left -= member.size
        if name is None or not member.isreg() or member.issparse():
            raise UsageError(f"{member.name!r} is not a file of a run")
        if left < 0 or number > most:
            raise UsageError(f"{member.name!r} is one file more than a run's can be")
        target = scratch / name[1] / name[2]
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            raise UsageError(f"holds {member.name!r} twice")
        source = tar.extractfile(member)
        assert source is not None
        digest = hashlib.sha256()
        with target.open("xb") as file:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
        if member.pax_headers.get(DIGEST, digest.hexdigest()) != digest.hexdigest():
            raise UsageError(f"{member.name!r} is damaged")


def _check_whole(runs: Sequence[RunDirectory]) -> None:
    if not runs:
        raise UsageError("holds no run")
    for run in runs:
        for name in NEEDED:
            if not (run.path / name).exists():
                raise UsageError(f"{run.id} has no {name}")
        try:
            # What is missing is said where the run is listed.
            result_from({**LEAST_RESULT, **read_record(run.result, SCHEMA)}, NO_SNAPSHOT)
        except (TfptError, DocumentError):
            raise UsageError(f"the result of {run.id} cannot be read") from None
