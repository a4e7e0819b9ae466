"""``python -m tfpt_tui`` and ``tfpt-tui`` are the same program."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from tfpt_tui.errors import INTERRUPTED


def main() -> NoReturn:
    """Run the command line; a Ctrl-C while it is still loaded is no traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: sys.exit(INTERRUPTED))
    from tfpt_tui.cli import main as commands

    signal.signal(signal.SIGINT, before)
    commands.main()


if __name__ == "__main__":
    main()
