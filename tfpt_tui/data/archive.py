"""Read files out of a tar archive that may come from anywhere: nothing is unpacked to the disk."""

from __future__ import annotations

import gzip
import stat
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from tfpt_tui.data.download import md5_of
from tfpt_tui.errors import MissingError, UsageError, cannot

GZIP_MAGIC = b"\x1f\x8b"
PACKED = {
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    GZIP_MAGIC: "gzip twice",
    b"\x28\xb5\x2f\xfd": "zstd",
}
CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 512  # a tar file is made of such blocks, and the first one says that it is one
# CIFAR's archives unpack to 186 MB, and hold ten files; what grows far beyond is made to fill memory.
MAX_UNPACKED_BYTES = 1 << 28
MAX_MEMBERS = 100
MAX_NAME = 100  # characters of a member's name that are shown
FETCH_AGAIN = "fetch it again, or give another one with --archive FILE"


def read_members(archive: Path, wanted: Collection[str]) -> dict[str, bytes]:
    """The content of the wanted members of a tar file, plain or gzipped, that are in it.

    Every member is looked at, and the whole archive is read: gzip's checksum stands at its end.

    Raises:
        MissingError: no such file, or it cannot be read.
        UsageError: not an archive, truncated, damaged, too large, or with a member that has no place in one.
    """
    with _explained(archive), archive.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        content = gzip.GzipFile(fileobj=file) if zipped else file
        _check_kind(archive, content.read(BLOCK_BYTES))
        content.seek(0)
        return _read(archive, _Bounded(content, archive), wanted)


def checksum_of(archive: Path) -> str:
    """The MD5 of an archive that the user names.

    Raises:
        MissingError: no such file, or it cannot be read.
        UsageError: a device or a pipe, which would have no end or could not be read twice.
    """
    with _explained(archive):
        mode = archive.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise UsageError(f"{archive}: is a pipe or a device, not a file; save the archive to a file first")
        return md5_of(archive)


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """Turn what a library says of the file into one line that says what to do."""
    try:
        yield
    except FileNotFoundError:
        raise MissingError(f"{archive}: no such archive; correct --archive") from None
    except (EOFError, tarfile.ReadError):
        raise UsageError(f"{archive}: the archive is truncated; {FETCH_AGAIN}") from None
    # Headers that are nested, no numbers or too large end in errors of Python itself.
    except (gzip.BadGzipFile, zlib.error, tarfile.TarError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{archive}: the archive is damaged ({error}); {FETCH_AGAIN}") from None
    except OSError as error:
        raise cannot("read the archive", archive, error) from None


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Bounded:
    """The unpacked bytes, refused from a limit on."""

    def __init__(self, content: _Readable, archive: Path) -> None:
        self._content = content
        self._archive = archive
        self._left = MAX_UNPACKED_BYTES

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise _too_large(self._archive)
        part = self._content.read(size)
        self._left -= len(part)
        return part


def _too_large(archive: Path) -> UsageError:
    return UsageError(f"{archive}: unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB; {FETCH_AGAIN}")


def _check_kind(archive: Path, start: bytes) -> None:
    if start[257:262] == b"ustar":
        return
    kind = "is empty" if not start else "is not a tar archive"
    if start.lstrip()[:1] == b"<":
        kind = "is a web page, not an archive, perhaps a proxy's login page"
    for magic, packed in PACKED.items():
        if start.startswith(magic):
            kind = f"is packed with {packed}, unlike its authors' .tar.gz"
    raise UsageError(f"{archive}: {kind}; {FETCH_AGAIN}")


def _read(archive: Path, content: _Bounded, wanted: Collection[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=content, mode="r|") as tar:  # type: ignore[call-overload]
        for count, member in enumerate(tar):
            if count > MAX_MEMBERS:
                raise UsageError(f"{archive}: holds more files than CIFAR's archives; {FETCH_AGAIN}")
            if member.size > MAX_UNPACKED_BYTES:  # tarfile would go on reading at the end, for as long as it says
                raise _too_large(archive)
            _check_member(archive, member)
            name = str(PurePosixPath(member.name))
            if name in wanted and member.isreg():
                if name in found:
                    raise UsageError(f"{archive}: holds {name} twice; {FETCH_AGAIN}")
                file = tar.extractfile(member)
                assert file is not None
                found[name] = file.read()
    while content.read(CHUNK_BYTES):
        pass  # the checksum is compared at the end
    return found


def _check_member(archive: Path, member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        problem = "leads out of the archive"
    elif member.issparse() or (not member.isreg() and not member.isdir()):
        problem = "is a link" if member.islnk() or member.issym() else "is a device or the like"
    else:
        return
    raise UsageError(
        f"{archive}: {member.name[:MAX_NAME]!r} {problem}: CIFAR's archives hold plain files only; {FETCH_AGAIN}"
    )
