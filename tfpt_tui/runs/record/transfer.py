"""Carry recorded runs to another machine in one file: the results of a GPU box, looked at on a laptop."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.toml import beside
from tfpt_tui.errors import MissingError, UsageError, cannot
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.record.directory import RUN_ID, RunDirectory
from tfpt_tui.runs.record.state import status_of

FOLDER = "runs"
MEMBER = re.compile(rf"{FOLDER}/({RUN_ID.pattern})/([^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*)")
# Processes and requests of the machine that it ran on.
LEFT_BEHIND = ("state.toml", "stop")
NEEDED = ("config.toml", "result.toml")
# A run has a few megabytes; an hour of events some more.
MAX_MEMBER_BYTES = 1 << 30
MAX_TOTAL_BYTES = 8 << 30
CHUNK_BYTES = 1 << 20


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
        with _written_whole(out) as temporary, tarfile.open(temporary, "w:gz") as tar:
            for run in runs:
                for file in sorted(run.path.iterdir()):
                    name = f"{FOLDER}/{run.id}/{file.name}"
                    if _is_carried(file) and MEMBER.fullmatch(name):
                        tar.add(file, name, recursive=False, filter=_anonymous)
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
        with tarfile.open(archive, "r:gz") as tar:
            _unpack(tar, scratch, archive)
        found = [RunDirectory(path) for path in sorted(scratch.iterdir())]
        _check_whole(found, archive)
        new = [run for run in found if not (paths.runs / run.id).exists()]
        for run in new:
            run.path.rename(paths.runs / run.id)
    return Imported(tuple(run.id for run in new), tuple(run.id for run in found if run not in new))


@contextmanager
def _written_whole(out: Path) -> Iterator[Path]:
    """A name beside the file, renamed to it at the end; errors name the file, and nothing is left of them."""
    temporary = beside(out)
    try:
        yield temporary
        temporary.rename(out)
    except OSError as error:
        with suppress(OSError):  # the very directory may be none
            temporary.unlink()
        if error.filename == str(temporary):
            error.filename = str(out)
        raise


def _is_carried(file: Path) -> bool:
    return file.is_file() and not file.is_symlink() and file.name not in LEFT_BEHIND


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the names and numbers of whoever exports."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


@contextmanager
def _scratch(paths: Paths) -> Iterator[Path]:
    """A hidden directory beside the runs, so that they come in by a rename."""
    paths.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=paths.runs) as name:
        yield Path(name)


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if error.filename != str(archive):
            raise cannot("import", error.filename, error) from None
        raise MissingError(f"{archive}: no such file") from None
    except tarfile.ReadError:
        raise UsageError(f"{archive}: not a tfpt-tui export, or truncated") from None
    except (EOFError, tarfile.TarError, zlib.error) as error:
        raise UsageError(f"{archive}: not a tfpt-tui export, or damaged ({error})") from None
    except OSError as error:
        raise cannot("import", error.filename or archive, error) from None


def _unpack(tar: tarfile.TarFile, scratch: Path, archive: Path) -> None:
    left = MAX_TOTAL_BYTES
    for member in tar:
        name = MEMBER.fullmatch(member.name)
        left -= member.size
        if name is None or not member.isreg():
            raise UsageError(f"{archive}: {member.name!r} is not a file of a run; nothing was imported")
        if member.size > MAX_MEMBER_BYTES or left < 0:
            raise UsageError(
                f"{archive}: {member.name!r} is larger than a run's files can be; nothing was imported"
            )
        target = scratch / name[1] / name[2]
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            raise UsageError(f"{archive}: holds {member.name!r} twice; nothing was imported")
        source = tar.extractfile(member)
        assert source is not None
        with target.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK_BYTES)


def _check_whole(runs: Sequence[RunDirectory], archive: Path) -> None:
    if not runs:
        raise UsageError(f"{archive}: holds no run")
    for run in runs:
        for name in NEEDED:
            if not (run.path / name).exists():
                raise UsageError(f"{archive}: {run.id} has no {name}; nothing was imported")
