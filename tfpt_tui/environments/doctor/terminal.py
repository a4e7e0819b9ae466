"""The terminal that the app draws on: letters, colours, size, and what lies between it and us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.terminal import DUMB, STDOUT, character_set, has_colours, is_utf8, terminal_size

TMUX_TIMEOUT_S = 2
TMUX_OPTIONS = ("default-terminal", "escape-time", "set-clipboard")
SLOW_ESCAPE_MS = 50
COLUMNS, LINES = 80, 24


@dataclass(frozen=True)
class TerminalFacts:
    """``locale`` is the variable that decides over letters and its value; the rest counts on a terminal alone.

    ``size`` is columns and lines, None where stdout is no terminal; ``tmux`` has tmux's options by name, as far as
    it told them, and is None outside of tmux.
    """

    locale: tuple[str, str] = ("LANG", "")
    size: tuple[int, int] | None = None
    term: str = ""
    colorterm: str = ""
    no_color: bool = False
    tmux: Mapping[str, str] | None = None
    screen: bool = False
    ssh: bool = False


def read_terminal(variables: Mapping[str, str] = os.environ, stream: int = STDOUT) -> TerminalFacts:
    """What the environment, the terminal that the ``stream`` (a file descriptor) is, and tmux tell."""
    return TerminalFacts(
        locale=character_set(variables),
        size=terminal_size(stream),
        term=variables.get("TERM", ""),
        colorterm=variables.get("COLORTERM", ""),
        no_color=not has_colours(variables),
        tmux=_ask_tmux(variables) if variables.get("TMUX") else None,
        screen=bool(variables.get("STY")),
        ssh=bool(variables.get("SSH_CONNECTION")),
    )


def judge_terminal(facts: TerminalFacts) -> list[Finding]:
    """What makes the app hard to read or to use. Without a terminal the letters alone count."""
    findings = [_judge_locale(facts.locale)]
    if facts.size is None:
        return findings
    if facts.term in DUMB:
        return [*findings, _judge_dumb(facts.term)]
    return [
        *findings,
        *_judge_colours(facts),
        _judge_size(*facts.size),
        *_judge_tmux(facts.tmux),
        *_judge_screen(facts.screen),
        *_judge_connection(facts),
    ]


def _judge_locale(locale: tuple[str, str]) -> Finding:
    name, value = locale
    if is_utf8(value):
        return Finding("ok", "locale", f"UTF-8 ({name}={value})")
    set_to = f"{name}={value} is not UTF-8" if value else "no locale is set"
    message = f"{set_to}: frames, charts and names of files may come out as question marks"
    return Finding("warning", "locale", message, "export LC_ALL=C.UTF-8")


def _judge_dumb(term: str) -> Finding:
    message = f"{f'TERM={term}' if term else 'TERM is not set'}: the app cannot draw; the command line works"
    return Finding("warning", "terminal", message, "export TERM=xterm-256color")


def _judge_colours(facts: TerminalFacts) -> list[Finding]:
    findings = []
    if facts.no_color:
        findings.append(Finding("note", "colours", "NO_COLOR is set: the app draws in greys", "unset NO_COLOR"))
    if facts.colorterm in ("truecolor", "24bit"):
        return findings or [Finding("ok", "colours", f"all of them (COLORTERM={facts.colorterm})")]
    # What rich takes for 256 colours, and rich paints for textual.
    if facts.term.endswith(("256color", "-kitty")):
        return findings or [Finding("ok", "colours", f"256 (TERM={facts.term})")]
    message = f"16 at most (TERM={facts.term}): frameworks are hard to tell apart in charts"
    # These say themselves how little they can; most others are emulators of xterm that have more than they say.
    few = facts.term.startswith(("linux", "vt", "ansi", "screen"))
    remedy = "use a terminal with more colours" if few else "export COLORTERM=truecolor"
    return [*findings, Finding("note", "colours", message, remedy)]


def _judge_size(columns: int, lines: int) -> Finding:
    if columns >= COLUMNS and lines >= LINES:
        return Finding("ok", "terminal size", f"{columns} x {lines}")
    message = f"{columns} x {lines}: less than {COLUMNS} x {LINES}, so parts are cut off"
    return Finding("note", "terminal size", message, "enlarge the window, or choose a smaller font")


def _judge_tmux(options: Mapping[str, str] | None) -> list[Finding]:
    """The options that matter to the app (tmux(1)); what tmux did not tell is passed over."""
    if not options:
        return []
    findings = []
    terminal = options.get("default-terminal", "")
    if terminal and "256color" not in terminal and "direct" not in terminal:
        message = f"default-terminal is {terminal}: programs inside of tmux get few colours"
        remedy = "tmux set -g default-terminal tmux-256color \\; new-window"
        findings.append(Finding("warning", "tmux", message, remedy))
    escape_ms = options.get("escape-time", "")
    if escape_ms.isdecimal() and int(escape_ms) > SLOW_ESCAPE_MS:
        message = f"escape-time is {escape_ms} ms: the app answers the Esc key so much later"
        findings.append(Finding("note", "tmux", message, "tmux set -sg escape-time 10"))
    clipboard = options.get("set-clipboard", "")
    if clipboard and clipboard != "on":
        # "external", the default, lets tmux itself copy, and no program inside of it.
        message = f"set-clipboard is {clipboard}: what the app copies does not reach your clipboard"
        findings.append(Finding("note", "tmux", message, "tmux set -s set-clipboard on"))
    return findings or [Finding("ok", "tmux", "nothing to fix")]


def _judge_screen(screen: bool) -> list[Finding]:
    if not screen:
        return []
    message = "GNU screen shows few colours, and what the app copies does not reach your clipboard"
    return [Finding("note", "screen", message, "use tmux, or no multiplexer: runs continue without a terminal")]


def _judge_connection(facts: TerminalFacts) -> list[Finding]:
    if not facts.ssh or facts.screen or facts.tmux is not None:
        return []
    return [Finding("ok", "SSH", "runs continue when the connection breaks; reopen them with tfpt-tui")]


def _ask_tmux(variables: Mapping[str, str]) -> dict[str, str]:
    """The options that the server of our session tells; none where tmux is not at hand or does not answer."""
    found: dict[str, str] = {}
    for name in TMUX_OPTIONS:
        try:
            answer = subprocess.run(
                ["tmux", "show-options", "-gv", name],
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TMUX_TIMEOUT_S,
            )
        except (OSError, subprocess.TimeoutExpired):
            return found
        if answer.returncode == 0:
            found[name] = answer.stdout.strip()
    return found
