"""One lock per machine: two plans that trained at the same time would measure each other."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tfpt_tui.errors import MissingError, cannot

# The same for every user and every directory of runs, which TMPDIR and XDG variables are not.
DEFAULT_LOCK = "/tmp/tfpt-tui.lock"
OWNER_BYTES = 200
POLL_S = 0.5


def lock_path() -> Path:
    return Path(os.environ.get("TFPT_TUI_LOCK") or DEFAULT_LOCK)


class MachineLock:
    """Held from :meth:`acquire` until :meth:`release` or the end of the process, however it ends."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or lock_path()
        self._handle = _open(self._path)

    def acquire(self, owner: str) -> bool:
        """Take the lock if it is free, and leave ``owner`` in it for those who wait."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # Another user's lock file can be held but not written.
        with suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, owner.encode(), 0)
        return True

    def owner(self) -> str:
        """What the holder left."""
        return _owner(self._handle)

    def release(self) -> None:
        os.close(self._handle)


def holder() -> str:
    """Who trains on this machine now, "" where nobody does.

    The look shares the lock for an instant: a plan that tries just then tries again a moment later.
    """
    try:
        handle = os.open(lock_path(), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""  # nobody has trained yet; what else is wrong the plan itself will say
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(handle)
    finally:
        os.close(handle)
    return ""


def _owner(handle: int) -> str:
    return os.pread(handle, OWNER_BYTES, 0).decode("utf-8", "replace").strip() or "another plan"


def _open(path: Path) -> int:
    # Linux refuses O_CREAT on another user's file in /tmp, so the file is opened as it is first.
    for flags in (os.O_RDWR, os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_RDWR):
        try:
            handle = os.open(path, flags | os.O_NOFOLLOW, 0o666)
        except (FileNotFoundError, FileExistsError, PermissionError):
            continue
        except OSError as error:
            raise cannot("lock the machine", path, error) from None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise MissingError(f"{path}: cannot lock the machine: not a regular file; remove it")
        if flags & os.O_CREAT:
            os.fchmod(handle, 0o666)  # whatever the umask: every user of the machine must be able to lock it
        return handle
    raise MissingError(f"{path}: cannot lock the machine: permission denied; remove it or set TFPT_TUI_LOCK")


@contextmanager
def machine_lock(owner: str, say: Callable[[str], None]) -> Iterator[None]:
    """Wait until no plan trains on this machine, and hold the lock: two would measure each other."""
    lock = MachineLock()
    announced = False
    while not lock.acquire(owner):
        if not announced:
            say(f"waiting: a plan is training on this machine ({lock.owner()})")
            announced = True
        time.sleep(POLL_S)
    try:
        yield
    finally:
        lock.release()
