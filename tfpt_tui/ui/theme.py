"""The app's themes, in colours of the 256-colour cube exactly: SSH seldom leaves a terminal more."""

from __future__ import annotations

from textual.theme import Theme

# One colour a framework, everywhere: Okabe and Ito's vermilion and blue, moved to the nearest cube entries.
FRAMEWORK_COLOURS = {"pytorch": "#ff8700", "tensorflow": "#5fafff"}

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


def status_style(status: str) -> str:
    return STATUS_STYLES.get(status, BAD_STYLE)
