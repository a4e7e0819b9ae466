"""How we start processes of our own program. Standard library only."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent


def own_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours, wherever it is given (launch.py)."""
    return [sys.executable, "-P", str(PACKAGE / "launch.py"), module, *arguments]


def start_detached(module: str, *arguments: str, log: io.FileIO) -> subprocess.Popen[bytes]:
    """Start a module of ours in a session of its own, without a terminal: no hang-up and no Ctrl-C reaches it.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        own_command(module, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=PACKAGE.parent,
        start_new_session=True,
    )
