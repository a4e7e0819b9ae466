"""Fetch one known file over HTTP, going on where an earlier try stopped, and check its MD5.

Its size and its MD5 are known, so what an earlier try left is good for every server that offers it, and another
file is refused before it is fetched.

Not with pooch: it throws its temporary file away, so that a cut connection costs the whole file again.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from tfpt_tui.errors import MissingError, UsageError, cannot
from tfpt_tui.files import free_bytes, lock

if TYPE_CHECKING:
    from requests import Response

BLOCK = 1 << 16  # bytes read at once, at most
GZIP = b"\x1f\x8b"  # what every gzip file begins with
WAITS = (1, 2, 4, 8)  # pauses between the tries of one call, in units of pause_s
PACE = 0.15  # seconds between two calls of on_progress
MAX_SAID = 60  # characters of what a server says that are shown

Progress = Callable[[int, int], None]  # bytes so far, and of the whole file


class _TryError(Exception):
    """This try failed. Another may do better."""


@dataclass
class _Part:
    """What came so far, in ``path``: the beginning of the file, unless its MD5 says otherwise at the end."""

    url: str
    path: Path
    total: int
    handle: FileIO
    timeouts: tuple[float, float]
    on_progress: Progress
    joined: bool = False  # of pieces from several answers
    answered: bool = False  # in this call: there is a network, and another try may do better
    reported: float = float("-inf")  # when on_progress was called last

    @property
    def size(self) -> int:
        return os.fstat(self.handle.fileno()).st_size

    def forget(self) -> None:
        self.handle.truncate(0)
        self.joined = False


def download(
    url: str,
    md5: str,
    size: int,
    file: Path,
    on_progress: Progress = lambda done, total: None,
    *,
    timeouts: tuple[float, float] = (10, 30),
    pause_s: float = 1,
) -> None:
    """Fetch the gzip file of that MD5 (hexadecimal) and size from the URL, resuming what an earlier try left.

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
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise MissingError(f"{path}: is in the way of the download and is not a file; remove it")
        # Unbuffered: what is written is in the file however this process ends, and a full disk shows at once.
        with path.open("ab", buffering=0) as handle, _claimed(path, handle):
            _get_right(_Part(url, path, size, handle, timeouts, on_progress), md5, pause_s)
            os.replace(path, file)
    except OSError as error:
        raise cannot("write", error.filename or file, error) from None
    on_progress(size, size)


def kept_bytes(file: Path) -> int:
    """How much of the file is on the disk already: all of it, or what earlier calls have left.

    Raises:
        MissingError: its directory cannot be read.
    """
    for path in (file, file.with_name(file.name + ".part")):
        try:
            return path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise cannot("read what is fetched", path, error) from None
    return 0


def md5_of(file: Path) -> str:
    """The MD5 of a file, in hexadecimal: against damage, not against anybody. Raises OSError."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def check_url(url: str) -> None:
    """Raise UsageError where nothing can be fetched from the URL. It may hold a password, and is not repeated."""
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0 and not any(map(str.isspace, url))
    except ValueError:
        raise UsageError("--url: not an address; write it as https://HOST/FILE") from None
    if parts.scheme not in ("http", "https") or not usable:
        raise UsageError("--url: has no http:// or https:// with a host; a file is given with --archive")


def shown_url(url: str) -> str:
    """The URL without what may be secret in it: user and password, and the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def _claimed(path: Path, handle: FileIO) -> Iterator[None]:
    """Hold the part against a second download. On the way out it is removed where nothing came."""
    try:
        # Between our opening and our lock, the other one may have renamed the file or removed it.
        ours = lock(handle.fileno()) and os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        ours = False
    if not ours:
        raise MissingError(f"{path}: another tfpt-tui is fetching it; wait for that one")
    try:
        yield
    finally:
        if not os.fstat(handle.fileno()).st_size:
            path.unlink(missing_ok=True)


def _get_right(part: _Part, md5: str, pause_s: float) -> None:
    if part.size > part.total:
        part.forget()
    part.joined = part.size > 0
    _get_all(part, pause_s)
    got = md5_of(part.path)
    if got != md5 and part.joined:  # the pieces may be of different files
        part.forget()
        _get_all(part, pause_s)
        got = md5_of(part.path)
    if got != md5:
        part.forget()
        raise _problem(part, f"what came is damaged or another file: its MD5 is {got}, expected {md5}")


def _get_all(part: _Part, pause_s: float) -> None:
    """Bring the part to its full length, in several tries where the server answers at all."""
    _check_room(part)
    for wait in (*WAITS, None):
        try:
            return _get_rest(part)
        except _TryError as error:
            if wait is None or not part.answered:
                raise _problem(part, str(error)) from None
        time.sleep(wait * pause_s)


def _get_rest(part: _Part) -> None:
    if part.size == part.total:  # the last call ended before the file got its name
        return
    part.joined = part.size > 0
    with _ask(part) as response:
        # A server without ranges sends all of it again: what is there already is passed over.
        place, begun = (part.size, []) if response.status_code == 206 else (0, [_begin(part, response)])
        for block in chain(begun, iter(lambda: _read(part, response), b"")):
            _write(part, block[max(part.size - place, 0) : part.total - place])
            place += len(block)
            if part.size == part.total:
                return
    raise _TryError("the server ended early")


def _ask(part: _Part, whole: bool = False) -> Response:
    """The server's answer: 206 with exactly what the part lacks, or 200 with everything."""
    from http.client import responses

    import requests
    from urllib3.exceptions import HTTPError

    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not packed once more
    if part.size and not whole:
        headers["Range"] = f"bytes={part.size}-"
    try:
        response = requests.get(
            part.url, headers=headers, stream=True, timeout=part.timeouts, hooks={"response": _leave_redirect}
        )
    except (OSError, ValueError, HTTPError) as error:
        raise _TryError(_why(error)) from None
    status = response.status_code
    ranged = "Range" in headers
    if status == 200 or (ranged and status == 206 and _fits(part, response)):
        return response
    response.close()
    if ranged and status in (206, 416):  # it has another file, or does not know ranges: see what the whole one is
        return _ask(part, whole=True)
    answer = f"the server or a proxy answers {status} {responses.get(status, '')}".rstrip()
    if status >= 500 or status == 429:
        part.answered = True
        raise _TryError(answer)
    raise _problem(part, answer)


def _leave_redirect(response: Response, **_: object) -> None:
    """Do not read what comes with a redirect: requests would take all of it into memory."""
    if response.is_redirect:
        response.close()


def _fits(part: _Part, response: Response) -> bool:
    return response.headers.get("Content-Range", "") == f"bytes {part.size}-{part.total - 1}/{part.total}"


def _begin(part: _Part, response: Response) -> bytes:
    """The first bytes of a whole file, which is of the right kind and size: no login page, and no other file."""
    first = b""
    while len(first) < len(GZIP) and (block := _read(part, response)):
        first += block
    if not first:
        raise _problem(part, f"{urlsplit(response.url).hostname} sent nothing")
    if not first.startswith(GZIP):
        kind = response.headers.get("Content-Type", "no type").partition(";")[0][:MAX_SAID]
        came = f"{urlsplit(response.url).hostname} sent {'a web page' if kind == 'text/html' else 'something'}"
        raise _problem(part, f"{came} ({kind!a}) instead of a gzip file, perhaps a proxy's login page")
    length = response.headers.get("Content-Length", "").strip()
    if length.isdecimal() and length.lstrip("0") != str(part.total):
        said = f"{length[:MAX_SAID]} bytes in place of {part.total}"
        raise _problem(part, f"the server has another file ({said})")
    return first


def _read(part: _Part, response: Response) -> bytes:
    """What has come, at least a byte unless it is the end."""
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        # Not iter_content: it unpacks what a server calls gzip-encoded, and loses a block that was cut.
        block: bytes = response.raw.read1(BLOCK, decode_content=False)
    except ReadTimeoutError:
        raise _TryError(f"no data for {part.timeouts[1]:g} s") from None
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
    if time.monotonic() - part.reported >= PACE:
        part.reported = time.monotonic()
        part.on_progress(part.size, part.total)


def _check_room(part: _Part) -> None:
    needed = part.total - part.size
    free = free_bytes(part.path.parent)
    if free is not None and free < needed:
        raise MissingError(
            f"{part.path.parent}: {needed / 1e6:,.1f} MB are needed and {free / 1e6:,.1f} MB are free;"
            f" free some room or choose another directory{_go_on(part, ', then ')}"
        )


def _why(error: BaseException) -> str:
    """Why there is no answer: what the system said, not what the libraries wrapped around it."""
    from requests import exceptions

    if isinstance(error, exceptions.InvalidHeader):
        return "no proper answer"
    if isinstance(error, exceptions.InvalidSchema) and "SOCKS" in str(error):
        return "the proxy that is set is one for SOCKS; install what that needs: pip install pysocks"
    if isinstance(error, ValueError) and not isinstance(error, exceptions.InvalidProxyURL):
        proxy = ", or the proxy that is set is not one" if getproxies() else ""
        return f"it leads to something that is not an address{proxy}"
    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    said = [c for c in causes if isinstance(c, OSError) and not isinstance(c, exceptions.ConnectionError)]
    reason = str(said[-1].strerror or said[-1]).rstrip(".") if said else "no proper answer"
    reason = reason[:1].lower() + reason[1:]
    if said and isinstance(said[-1], socket.gaierror):
        reason = f"the name cannot be looked up: {reason}"
    if isinstance(error, exceptions.ProxyError | exceptions.InvalidProxyURL):
        return f"the proxy cannot be used: {reason}"
    if isinstance(error, exceptions.SSLError):
        reason = re.sub(r"^\[SSL.*?\] |\.? \(_ssl\.c:\d+\)$", "", reason)
        if reason == "wrong version number":
            return "the server speaks no TLS at this address; it may be http:// in place of https://"
        return f"TLS fails: {reason}; REQUESTS_CA_BUNDLE can name a file of certificates to trust"
    if "CA certificate bundle" in reason:  # requests names the path, not who set it
        reason += " (set by REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE)"
    return reason


def _problem(part: _Part, why: str) -> MissingError:
    advice = f"{_go_on(part, after=', or ')}fetch it on a machine with network and give it with --archive FILE"
    return MissingError(f"{shown_url(part.url)}: cannot be fetched: {why}; {advice}")


def _go_on(part: _Part, before: str = "", after: str = "") -> str:
    kept = f"{part.size / 1e6:,.1f} of {part.total / 1e6:,.1f} MB are kept"
    return f"{before}the same command resumes it ({kept}){after}" if part.size else ""
