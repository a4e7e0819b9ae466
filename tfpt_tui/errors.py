"""The problems that a user can fix: each is one clear line and knows its exit code.

The exit codes are part of the command line's contract:
0 done, 1 a run failed, 2 wrong usage or configuration, 3 something missing on this machine, 4 the condition of a
gate is proven, 130 interrupted.
"""

import errno

GATE_PROVEN = 4  # the exit code of compare --fail-if
INTERRUPTED = 130  # the exit code after Ctrl-C


class TfptError(Exception):
    """Something went wrong that the message explains: what, where, why, and what to do."""

    exit_code = 1


class UsageError(TfptError):
    """The command line, a preset or a configuration is wrong."""

    exit_code = 2


class MissingError(TfptError):
    """This machine lacks something: a framework, a dataset, a device, room on a disk."""

    exit_code = 3


def cannot(doing: str, path: object, error: OSError) -> MissingError:
    """The line for a file system that refused: what was tried, where, why, and what to do."""
    permitted = (
        "choose one that you may read" if doing.startswith("read") else "choose a directory that you may write"
    )
    advice = {
        errno.ENOSPC: "free some room or choose another directory",
        errno.EDQUOT: "free some of your quota or choose another directory",
        errno.EROFS: "choose a directory that can be written",
        errno.EACCES: permitted,
        errno.EPERM: permitted,
        errno.EFBIG: "raise the limit of file sizes (ulimit -f)",
        errno.EEXIST: "choose another name",
        errno.ENOTDIR: "choose another directory",
        errno.EISDIR: "choose another name",
        errno.ENAMETOOLONG: "choose a shorter path",
        errno.ELOOP: "fix the link",
        errno.EAGAIN: "end some processes, or raise their number (ulimit -u)",
        errno.EMFILE: "raise the limit of open files (ulimit -n)",
    }.get(error.errno or 0)
    reason = (error.strerror or str(error)).lower()
    return MissingError(f"{path}: cannot {doing}: {reason}" + (f"; {advice}" if advice else ""))


def printable(text: str) -> str:
    """The text with everything escaped that a terminal would obey, hide or refuse: it may come from anywhere.

    Newlines are escaped too: what is shown so is a name, or one line.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
