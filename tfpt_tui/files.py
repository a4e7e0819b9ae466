"""Files of ours: read only where they are files, written whole or not at all. Standard library only.

Who may write into a directory of ours could leave a link, a pipe or a file under a name that we are about to use.
Records are therefore opened without following links, and temporary files have names that nobody can foresee.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{16}-.+", re.DOTALL)
PACK = ".pack"  # the ending of a dataset's decoded images, which lie beside its splits
NAME_LENGTH = 200  # of the name that a temporary one ends with; a file system allows 255 bytes
# Where the file system has no locks, what is as old as that belongs to nobody.
FORGOTTEN_S = 86_400.0
# Longer ones than this are cut at their beginning.
LINE_BYTES = 1 << 12
MOST_LINKS = 40  # as the kernel follows
# A file system without locks says one of these to flock.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file of a record to read it: never a link, and no pipe, which would be waited for.

    Raises:
        OSError: it is no regular file, or cannot be opened.
    """
    return os.fdopen(_open(path, os.O_RDONLY), "rb")


def append_to(path: Path) -> io.FileIO:
    """Open a file of a record to append to it, unbuffered; it is made where it is not there.

    Raises:
        OSError: it is no regular file, or cannot be opened or made.
    """
    return os.fdopen(_open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab", buffering=0)


def _open(path: Path, flags: int) -> int:
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        raise
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return handle


def last_line(path: Path) -> str:
    """What a command said last in its log, such as a refusal, or a traceback's end; "" where it said nothing."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, file.seek(0, 2) - LINE_BYTES))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""


def write_atomically(path: Path, text: str, *, durable: bool = False) -> None:
    """Write ``text`` as UTF-8: what was there before, or all of it, never a half.

    ``durable`` also where the power is cut in the next seconds, which waits for the disk.

    Raises:
        OSError: the directory is read-only or the disk is full.
    """
    with written_whole(path) as temporary:
        _write(temporary, text)
        if durable:
            with temporary.open("rb") as file:
                os.fsync(file.fileno())


def write_where_asked(path: Path, text: str) -> None:
    """The same for a file that the user named, which may be a link, or /dev/stdout.

    Raises:
        OSError: it cannot be written.
    """
    with written_where_asked(path) as place:
        _write(place, text)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write under, with the same suffix; it is renamed to it at the end.

    Nothing is left of a failure, and what an earlier process that was killed left of the same file is removed.

    Raises:
        OSError: it cannot be written; its file name is that of ``path``.
    """
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = path
    try:
        remove_leftovers(path.parent, path.name)
        temporary, handle = _create(path)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            os.close(handle)
            with suppress(OSError):
                temporary.unlink()
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise


@contextmanager
def written_where_asked(path: Path) -> Iterator[Path]:
    """The same for a file that the user named: a link stays one, and what is there keeps its permissions.

    What was opened for us, such as /dev/stdout, is written to where it stands; so is a device or a pipe.

    Raises:
        OSError: it cannot be written.
    """
    mode = _mode(path)
    if (descriptor := _descriptor(path)) is not None:
        yield from _written_to(lambda: os.fdopen(os.dup(descriptor), "wb"), path)
    elif stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        yield from _written_to(lambda: path.open("wb"), path)
    else:
        with written_whole(Path(os.path.realpath(path))) as temporary:
            yield temporary
            if mode:
                temporary.chmod(stat.S_IMODE(mode))


@contextmanager
def scratch_directory(parent: Path, name: str) -> Iterator[Path]:
    """A hidden directory in ``parent``, removed at the end with all that is left in it.

    Raises:
        OSError: it cannot be made; its file name is that of ``parent``.
    """
    remove_leftovers(parent, name)
    path = parent / _temporary_name(name)
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        error.filename = str(parent)
        raise
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        lock(handle)
        yield path
    finally:
        os.close(handle)
        shutil.rmtree(path, ignore_errors=True)


def nearest_existing(path: Path) -> Path:
    """The path, or the first of its parents that is there: what is made at the path will be on the same disk."""
    # os.path: unlike Path.exists it calls a directory that we may not look into absent.
    return next(place for place in (path.absolute(), *path.absolute().parents) if os.path.exists(place))


def free_bytes(path: Path) -> int | None:
    """The room that we may fill where a path is, or would be; None where the file system does not tell (ramfs)."""
    room = os.statvfs(nearest_existing(path))
    return room.f_bavail * room.f_frsize if room.f_blocks else None


def remove_leftovers(directory: Path, name: str = "") -> None:
    """Remove what processes that were killed left in a directory under temporary names, or of one file there."""
    ending = f"-{name[-NAME_LENGTH:]}" if name else ""
    with suppress(OSError), os.scandir(directory) as entries:
        left = [entry.path for entry in entries if TEMPORARY.fullmatch(entry.name) and entry.name.endswith(ending)]
        for path in left:
            _remove_if_left(path)


def lock(handle: int) -> bool:
    """Hold an open file against other processes; False where another one does.

    Where the file system has no locks, nothing is held, and nobody is kept out.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    return True


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _written_to(open_stream: Callable[[], BinaryIO], path: Path) -> Iterator[Path]:
    """A name to write under; its content then goes to the stream."""
    with tempfile.TemporaryDirectory() as directory:
        temporary = Path(directory) / path.name
        yield temporary
        with open_stream() as stream, temporary.open("rb") as file:
            shutil.copyfileobj(file, stream)


def _descriptor(path: Path) -> int | None:
    """The number of the open file that a path means, such as 1 for /dev/stdout."""
    ours = os.path.realpath("/proc/self/fd")
    for _ in range(MOST_LINKS):
        parent = os.path.realpath(path.parent)
        if parent == ours and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(parent) / os.readlink(path)
    return None


def _mode(path: Path) -> int:
    """What is there, at the end of all links; 0 where nothing is."""
    with suppress(FileNotFoundError):
        return os.stat(path).st_mode
    return 0


def _create(path: Path) -> tuple[Path, int]:
    """A new file, open and locked, so that it is not taken for a leftover."""
    while True:
        temporary = path.with_name(_temporary_name(path.name))
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with suppress(FileNotFoundError):
            if lock(handle) and os.stat(temporary).st_ino == os.fstat(handle).st_ino:
                return temporary, handle
        os.close(handle)  # taken for a leftover before it was locked


def _temporary_name(name: str) -> str:
    return f".tmp-{secrets.token_hex(8)}-{name[-NAME_LENGTH:]}"


def _remove_if_left(path: str) -> None:
    """Remove a temporary file or directory that no process holds."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if _is_held(handle):
                return
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)
        finally:
            os.close(handle)


def _is_held(handle: int) -> bool:
    """Whether a process works on it; without locks, whether that may be."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return time.time() - os.fstat(handle).st_mtime < FORGOTTEN_S
    return False
