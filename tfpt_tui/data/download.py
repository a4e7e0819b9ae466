"""Fetch one file over HTTP, going on where an earlier try stopped, and check its MD5.

Not with pooch: it throws its temporary file away, so that a cut connection costs the whole file again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import MissingError, TfptError, cannot

if TYPE_CHECKING:
    from requests import Response

BLOCK = 1 << 16  # bytes read at once, at most
GZIP = b"\x1f\x8b"  # what every gzip file begins with
MOST_BYTES = 1 << 30  # six times what is fetched here: a server that sends more sends something else
WAITS = (1, 2, 4, 8)  # pauses between the tries of one call, in units of pause_s
PACE = 0.15  # seconds between two calls of on_progress

Progress = Callable[[int, int], None]  # bytes so far and of the whole file, 0 where the server does not say


class _TryError(Exception):
    """This try failed. Another may do better."""


@dataclass
class _Part:
    """What came so far, in ``path``; ``memo`` stands beside it exactly where going on is safe."""

    url: str
    path: Path
    memo: Path
    handle: FileIO
    timeouts: tuple[float, float]
    on_progress: Progress
    total: int = 0
    validator: str = ""  # the server's name for this version of the file, "" where going on is not safe
    resumed: bool = False
    answered: bool = False  # in this call: there is a network, and another try may do better
    told: float = float("-inf")  # when on_progress was called last

    @property
    def size(self) -> int:
        return os.fstat(self.handle.fileno()).st_size

    def forget(self) -> None:
        # The memo goes first: after a kill between the two, the bytes must not look safe to continue.
        self.memo.unlink(missing_ok=True)
        self.handle.truncate(0)
        self.total, self.validator, self.resumed = 0, "", False

    def recall(self) -> None:
        """Take up what an earlier call left of the same URL, or forget it."""
        try:
            memo = read_toml(self.memo)
        except TfptError:
            memo = {}
        if memo.get("url") != self.url or not 0 < self.size <= memo["total"]:
            return self.forget()
        self.total, self.validator, self.resumed = memo["total"], memo["validator"], True


def download(
    url: str,
    md5: str,
    file: Path,
    on_progress: Progress = lambda done, total: None,
    *,
    timeouts: tuple[float, float] = (10, 30),
    pause_s: float = 1,
) -> None:
    """Fetch a gzip file from the URL, resuming what an earlier try left, and check its MD5 (hexadecimal).

    Nothing is done when the file is there with that checksum; with another one it is replaced.
    ``timeouts`` are the seconds to connect and to wait for the next byte.

    Raises:
        MissingError: the server, the network, the content or the disk refused; the line says what is kept.
    """
    try:
        if file.exists() and md5_of(file) == md5:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        path = file.with_name(file.name + ".part")
        memo = file.with_name(file.name + ".part.toml")
        # Unbuffered: what is written is in the file however this process ends, and a full disk shows at once.
        with path.open("ab", buffering=0) as handle, _claimed(path, memo, handle):
            part = _Part(url, path, memo, handle, timeouts, on_progress)
            _get_right(part, md5, pause_s)
            size = part.size
            os.replace(path, file)
            memo.unlink(missing_ok=True)
    except OSError as error:
        raise cannot("write", error.filename or file, error) from None
    on_progress(size, size)


def md5_of(file: Path) -> str:
    """The MD5 of a file, in hexadecimal: against damage, not against anybody. Raises OSError."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def _claimed(path: Path, memo: Path, handle: FileIO) -> Iterator[None]:
    """Hold the part against a second download. On the way out it is removed unless going on is safe."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between our opening and our lock, the other one may have renamed the file or removed it.
        ours = os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        ours = False
    if not ours:
        raise MissingError(f"{path}: another tfpt-tui is fetching it; wait for that one")
    try:
        yield
    finally:
        if not memo.exists():
            path.unlink(missing_ok=True)


def _get_right(part: _Part, md5: str, pause_s: float) -> None:
    part.recall()
    _get_all(part, pause_s)
    got = md5_of(part.path)
    if got != md5 and part.resumed:  # the pieces may be of different versions
        part.forget()
        _get_all(part, pause_s)
        got = md5_of(part.path)
    if got != md5:
        part.forget()
        raise _problem(part, f"what came is damaged or another file: its MD5 is {got}, expected {md5}")


def _get_all(part: _Part, pause_s: float) -> None:
    """Bring the part to its full length, in several tries where the server answers at all."""
    for wait in (*WAITS, None):
        try:
            return _get_rest(part)
        except _TryError as error:
            if wait is None or not part.answered:
                raise _problem(part, str(error)) from None
        time.sleep(wait * pause_s)


def _get_rest(part: _Part) -> None:
    if part.total and part.size == part.total:  # the last call ended before the file got its name
        return
    with _ask(part) as response:
        if response.status_code == 206:
            part.resumed = True
            _check_room(part)
        else:
            _begin(part, response)
        while block := _read(part, response):
            _write(part, block)
            if part.size > (part.total or MOST_BYTES):
                part.forget()
                raise _TryError("the server sends more bytes than the file has")
    if part.size < part.total:
        raise _TryError("the server ended early")


def _ask(part: _Part) -> Response:
    """The server's answer: 206 with exactly what the part lacks, or 200 with everything."""
    from http.client import responses

    import requests
    from urllib3.exceptions import HTTPError

    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not packed once more
    if part.validator:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
    try:
        response = requests.get(part.url, headers=headers, stream=True, timeout=part.timeouts)
    except (OSError, HTTPError) as error:
        raise _TryError(_why(error)) from None
    status = response.status_code
    if status == 200 or (part.validator and _continues(part, response)):
        return response
    response.close()
    if part.validator and status in (206, 416):
        part.forget()  # it has another version: ask once more, now for everything
        return _ask(part)
    answer = f"the server or a proxy answers {status} {responses.get(status, '')}".rstrip()
    if status >= 500 or status == 429:
        part.answered = True
        raise _TryError(answer)
    raise _problem(part, answer)


def _continues(part: _Part, response: Response) -> bool:
    place = response.headers.get("Content-Range", "")
    fits = place.startswith(f"bytes {part.size}-") and place.endswith(f"/{part.total}")
    header = "ETag" if part.validator.startswith('"') else "Last-Modified"
    return response.status_code == 206 and fits and response.headers.get(header) in (None, part.validator)


def _begin(part: _Part, response: Response) -> None:
    """Take the first bytes of a whole file. What is kept is given up only for a file, not for a login page."""
    first = b""
    while len(first) < len(GZIP) and (block := _read(part, response)):
        first += block
    if not first.startswith(GZIP):
        kind = response.headers.get("Content-Type", "no type").partition(";")[0]
        came = f"{urlsplit(response.url).hostname} sent {'a web page' if kind == 'text/html' else 'something'}"
        raise _problem(part, f"{came} ({kind!a}) instead of a gzip file, perhaps a proxy's login page")
    part.forget()
    length = response.headers.get("Content-Length", "")
    part.total = int(length) if length.isdecimal() and len(length) < 20 else 0
    if part.total > MOST_BYTES:
        size, part.total = part.total, 0
        raise _problem(part, f"the server announces {size / 1e6:,.0f} MB, which is another file")
    _check_room(part)
    _write(part, first)
    tag = response.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")  # W/"..." is weak
    if part.total and validator:
        write_toml(part.memo, {"url": part.url, "total": part.total, "validator": validator})
        part.validator = validator


def _read(part: _Part, response: Response) -> bytes:
    """What has come, at least a byte unless it is the end."""
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        # Not iter_content: it unpacks what a server calls gzip-encoded, and loses a block that was cut.
        block: bytes = response.raw.read1(BLOCK, decode_content=False)
    except ReadTimeoutError:
        raise _TryError(f"nothing came for {part.timeouts[1]:g} s") from None
    except HTTPError:
        raise _TryError("the connection was cut") from None
    return block


def _write(part: _Part, block: bytes) -> None:
    left = memoryview(block)
    try:
        while left:
            left = left[part.handle.write(left) :]
    except OSError as error:
        raise MissingError(f"{cannot('write', part.path, error)}{_go_on(part, ', then ')}") from None
    part.answered = True
    if time.monotonic() - part.told >= PACE:
        part.told = time.monotonic()
        part.on_progress(part.size, part.total)


def _check_room(part: _Part) -> None:
    needed = part.total - part.size
    free = shutil.disk_usage(part.path.parent).free
    if free < needed:
        raise MissingError(
            f"{part.path.parent}: {needed / 1e6:,.1f} MB are needed and {free / 1e6:,.1f} MB are free;"
            f" free some room or choose another directory{_go_on(part, ', then ')}"
        )


def _why(error: BaseException) -> str:
    """Why there is no answer: what the system said, not what the libraries wrapped around it."""
    from requests import exceptions

    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    said = [c for c in causes if isinstance(c, OSError) and not isinstance(c, exceptions.ConnectionError)]
    reason = str(said[-1].strerror or said[-1]).rstrip(".") if said else "no proper answer"
    reason = reason[:1].lower() + reason[1:]
    if said and isinstance(said[-1], socket.gaierror):
        reason = f"the name cannot be looked up: {reason}"
    if isinstance(error, exceptions.ProxyError):
        return f"the proxy cannot be used: {reason}"
    if isinstance(error, exceptions.SSLError):
        reason = re.sub(r"^\[SSL.*?\] |\.? \(_ssl\.c:\d+\)$", "", reason)
        return f"TLS fails: {reason}; REQUESTS_CA_BUNDLE can name a file of certificates to trust"
    return reason


def _problem(part: _Part, why: str) -> MissingError:
    advice = f"{_go_on(part, after=', or ')}fetch it on a machine with network and give it with --archive FILE"
    return MissingError(f"{part.url}: cannot be fetched: {why}; {advice}")


def _go_on(part: _Part, before: str = "", after: str = "") -> str:
    kept = f"{part.size / 1e6:,.1f} of {part.total / 1e6:,.1f} MB are kept"
    return f"{before}the same command goes on where it stopped ({kept}){after}" if part.validator else ""
