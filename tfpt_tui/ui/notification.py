"""Reaching users who look elsewhere: through their terminal, and through a command of their own."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping

from tfpt_tui.errors import TfptError, cannot, printable

TITLE = "tfpt-tui"
# These read OSC 777, as VTE does; iTerm2, kitty, WezTerm, Ghostty and Windows Terminal read OSC 9, and the others
# swallow it.
TITLED = ("foot", "rxvt")
PATIENCE_S = 10.0


def desktop_notification(text: str, environ: Mapping[str, str]) -> str:
    """The escape sequence with which a terminal shows the text on the desktop, through tmux or screen, too.

    tmux hands it on where its option allow-passthrough is on.
    """
    # A semicolon would begin another field.
    words = printable(text).replace(";", ",")
    term = environ.get("TERM", "")
    if environ.get("VTE_VERSION") or term.startswith(TITLED):
        sequence = f"\x1b]777;notify;{TITLE};{words}\x07"
    else:
        sequence = f"\x1b]9;{TITLE}: {words}\x07"
    if environ.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if term.startswith("screen"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence


def run_command(command: str, text: str) -> None:
    """Run the user's command without a shell, with the text as its last argument, and wait a while for its end.

    Raises:
        TfptError: it cannot be started, fails, or takes too long and is ended.
    """
    arguments = [*shlex.split(command), printable(text)]
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TfptError(f"[ui] notify: {arguments[0]} was ended after {PATIENCE_S:.0f} s") from None
    except OSError as error:
        raise cannot("run [ui] notify", arguments[0], error) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise TfptError(f"[ui] notify: {arguments[0]} failed ({done.returncode}){': ' + said[-1] if said else ''}")
