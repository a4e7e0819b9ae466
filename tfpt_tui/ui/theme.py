"""The app's themes, in colours of the 256-colour cube exactly: SSH seldom leaves a terminal more."""

from __future__ import annotations

from collections.abc import Sequence

from textual.theme import Theme

# One colour a framework, everywhere: Okabe and Ito's vermilion and blue, moved to the nearest cube entries.
FRAMEWORK_COLOURS = {"pytorch": "#ff8700", "tensorflow": "#5fafff"}
# Runs that are drawn beside each other: the first of a framework has its colour, the others one of these.
RUN_COLOURS = ("#5fd787", "#d787af", "#ffd75f", "#af87ff", "#00afaf", "#d7875f", "#afafaf", "#87af5f")
GPU_COLOURS = ("#5fd787", "#d787af", "#ffd75f", "#af87ff", "#00afaf", "#d7875f", "#afafaf", "#87af5f")
SMOOTHED_COLOUR = "#585858"  # of the raw points that lie below a smoothed curve
CURSOR_COLOUR = "#808080"

GLYPHS = {
    "queued": "○",
    "running": "●",
    "completed": "✓",
    "failed": "✗",
    "out_of_memory": "✗",
    "timeout": "✗",
    "crashed": "✗",
    "stopped": "■",
    "warning": "!",
}

STATUS_STYLES = {
    "queued": "$foreground-muted",
    "running": "bold $success",
    "completed": "$text",
    "stopped": "$warning",
}
BAD_STYLE = "bold $error"

# By the level of a doctor's finding.
FINDING_GLYPHS = {"error": "✗", "warning": "!", "note": "·", "ok": "✓"}
FINDING_STYLES = {"error": BAD_STYLE, "warning": "bold $warning", "note": "$text", "ok": "$success"}

THEMES = (
    Theme(
        name="tfpt-dark",
        primary="#5fafff",
        secondary="#87afaf",
        accent="#ffaf00",
        warning="#ffaf00",
        error="#ff5f5f",
        success="#5fd787",
        foreground="#d0d0d0",
        background="#121212",
        surface="#1c1c1c",
        panel="#262626",
        dark=True,
    ),
    Theme(
        name="tfpt-light",
        primary="#005faf",
        secondary="#5f8787",
        accent="#af5f00",
        warning="#af5f00",
        error="#af0000",
        success="#005f00",
        foreground="#1c1c1c",
        background="#ffffff",
        surface="#eeeeee",
        panel="#dadada",
        dark=False,
    ),
)
DEFAULT_THEME = THEMES[0].name


def colours_of(runs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A colour for each run, given as ID and framework: the framework's own for its first one."""
    colours: dict[str, str] = {}
    free = iter(RUN_COLOURS)
    for run, framework in runs:
        own = FRAMEWORK_COLOURS.get(framework)
        colours[run] = own if own and own not in colours.values() else next(free)
    return colours


def status_style(status: str) -> str:
    return STATUS_STYLES.get(status, BAD_STYLE)
