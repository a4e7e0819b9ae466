"""One lock per machine: two plans that trained at the same time would measure each other."""

from __future__ import annotations

import fcntl
import hashlib
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
    """The lock that all users of the machine share."""
    return Path(os.environ.get("TFPT_TUI_LOCK") or DEFAULT_LOCK)


def own_lock_path() -> Path:
    """The lock of all our own plans, where nobody else can remove or replace it.

    The runtime directory is our own and private (XDG base directory specification, pam_systemd(8)).
    """
    user = os.getuid()
    name = f"tfpt-tui-{hashlib.sha256(os.fsencode(lock_path())).hexdigest()[:12]}.lock"
    for directory in (os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{user}"):
        with suppress(OSError):
            if os.path.isabs(directory) and os.stat(directory).st_uid == user:
                return Path(directory, name)
    return Path("/tmp", f"{user}-{name}")


class MachineLock:
    """Held from :meth:`acquire` until :meth:`release` or the end of the process, however it ends.

    It is two: one of the user and one of the machine, as either may be out of reach. ``problem`` says what keeps
    others from seeing that we hold it, "" where nothing does.
    """

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}
        self._busy = lock_path()
        self.problem = ""

    def acquire(self, owner: str) -> bool:
        """Take the lock if it is free, and leave ``owner`` in it for those who wait.

        Raises:
            MissingError: neither of the two can be used.
        """
        problems = []
        for path in (own_lock_path(), lock_path()):
            try:
                handle = _lock(path)
            except MissingError as error:
                problems.append(str(error))  # somebody else's, or no file: the other one still keeps plans apart
                continue
            if handle is None:
                self._busy = path
                self.release()
                return False
            self._held[path] = handle
            # Another user's file can be held but not written.
            with suppress(OSError):
                os.ftruncate(handle, 0)
                os.pwrite(handle, owner.encode(), 0)
        if not self._held:
            raise MissingError(problems[-1])
        self.problem = "; ".join(problems)
        return True

    def owner(self) -> str:
        """What the holder left."""
        return _owner(self._busy)

    def release(self) -> None:
        for path, handle in self._held.items():
            if path != lock_path():
                with suppress(OSError):
                    path.unlink()  # while it is held: whoever waits for it finds that its name is another file's
            os.close(handle)
        self._held.clear()


def holder() -> str:
    """Who trains on this machine now, "" where nobody does.

    The look shares the lock for an instant: a plan that tries just then tries again a moment later.
    """
    return next((_owner(path) for path in (own_lock_path(), lock_path()) if _is_held(path)), "")


def _is_held(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # nobody has trained yet; what else is wrong the plan itself will say
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _owner(path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "another plan"
    try:
        return os.pread(handle, OWNER_BYTES, 0).decode("utf-8", "replace").strip() or "another plan"
    except OSError:
        return "another plan"
    finally:
        os.close(handle)


def _lock(path: Path) -> int | None:
    """Hold the file that has this name now; None where another process does.

    Raises:
        MissingError: it cannot be opened, or is not a lock file of tfpt-tui.
    """
    while True:
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Removed or replaced meanwhile, and held by whoever found the new one: the name decides.
            if _is_at(path, handle):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError as error:
            os.close(handle)
            raise cannot("lock the machine", path, error) from None
        os.close(handle)


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


def _open(path: Path) -> int:
    # Linux refuses O_CREAT on another user's file in /tmp, so the file is opened as it is first.
    for flags in (os.O_RDWR, os.O_RDONLY, os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_RDWR):
        try:
            handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        except (FileNotFoundError, FileExistsError, PermissionError):
            continue
        except OSError as error:
            raise cannot("lock the machine", path, error) from None
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(handle)
            what = "it has another name, too" if stat.S_ISREG(found.st_mode) else "not a regular file"
            raise MissingError(f"{path}: cannot lock the machine: {what}; remove it")
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
