"""The app's themes, in colours of the 256-colour cube exactly: SSH seldom leaves a terminal more."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from textual.theme import Theme

from tfpt_tui.config.frameworks import FRAMEWORKS

# One colour a framework, everywhere. Styles name them as $NAME: on white they are darker.
FRAMEWORK_COLOURS = {name: framework.colours.on_black for name, framework in FRAMEWORKS.items()}
FRAMEWORK_COLOURS_ON_WHITE = {name: framework.colours.on_white for name, framework in FRAMEWORKS.items()}
# Runs that are drawn beside each other: the first of a framework has its colour, the others one of these. They are
# seen on black and on white.
RUN_COLOURS = ("#00875f", "#d75faf", "#af8700", "#875fff", "#0087af", "#af5f5f", "#878787", "#5f8700")
# More curves than these hide one another.
MAX_CURVES = len(RUN_COLOURS)
CURVE_LETTERS = ascii_uppercase[:MAX_CURVES]
GPU_COLOURS = RUN_COLOURS
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
ACTIVE = "bold reverse"  # of the tab that is shown: seen in a terminal's own colours and without any, too

# By the level of a doctor's finding.
FINDING_GLYPHS = {"error": "✗", "warning": "!", "note": "·", "ok": "✓"}
FINDING_STYLES = {"error": BAD_STYLE, "warning": "bold $warning", "note": "$text", "ok": "$success"}


def _row_under_cursor(ground: str) -> dict[str, str]:
    """The colour behind it, on which all texts are readable; without colours it stays Textual's own grey."""
    return {} if os.environ.get("NO_COLOR") else {"primary-muted": ground}


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
        variables=_row_under_cursor("#00005f"),
    ),
    Theme(
        name="tfpt-light",
        primary="#005faf",
        secondary="#005f5f",
        accent="#875f00",
        warning="#875f00",
        error="#af0000",
        success="#005f00",
        foreground="#1c1c1c",
        background="#ffffff",
        surface="#eeeeee",
        panel="#e4e4e4",
        dark=False,
        variables={
            **FRAMEWORK_COLOURS_ON_WHITE,
            "footer-key-foreground": "#005faf",
            **_row_under_cursor("#d7ffff"),
            "foreground-muted": "#626262",  # what Textual makes of the foreground is too pale on the panel
        },
    ),
    Theme(
        name="tfpt-contrast",
        primary="#00d7ff",
        secondary="#afd7ff",
        accent="#ffff00",
        warning="#ffff00",
        error="#ff5f5f",
        success="#5fff5f",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#262626",
        dark=True,
        text_alpha=1.0,
        variables=_row_under_cursor("#00005f"),
    ),
)
DEFAULT_THEME = THEMES[0].name


def framework_colours(dark: bool) -> Mapping[str, str]:
    """The colours of the frameworks on a dark or a light background, as #rrggbb."""
    return FRAMEWORK_COLOURS if dark else FRAMEWORK_COLOURS_ON_WHITE


def framework_style(framework: str) -> str:
    """The style of a framework's name, "" for one that is unknown."""
    return f"${framework}" if framework in FRAMEWORK_COLOURS else ""


def colours_of(runs: Sequence[tuple[str, str]], dark: bool) -> dict[str, str]:
    """A colour for each run, given as ID and framework: the framework's own for its first one.

    There are ``MAX_CURVES`` of them; of more runs some share one.
    """
    colours: dict[str, str] = {}
    free = itertools.cycle(RUN_COLOURS)
    for run, framework in runs:
        own = framework_colours(dark).get(framework)
        colours[run] = own if own and own not in colours.values() else next(free)
    return colours


def status_style(status: str) -> str:
    return STATUS_STYLES.get(status, BAD_STYLE)


# What a verdict and a phase look like; the words and letters say the same without colour.
VERDICT_STYLES = {
    "faster": "$text-success",
    "slower": "$text-error",
    "equivalent": "$text-primary",
    "inconclusive": "$text-warning",
    "single run": "$foreground-muted",
}
PHASE_MARKS = {
    "import": ("I", "$text-secondary on $secondary-muted"),
    "device_init": ("D", "$foreground-muted on $panel"),
    "data_loading": ("L", "$text-accent on $accent-muted"),
    "cache_fill": ("F", "$foreground-muted on $panel"),
    "model_building": ("B", "$text-secondary on $secondary-muted"),
    "compile": ("C", "$text-error on $error-muted"),
    "training": ("T", "$text-primary on $primary-muted"),
    "model_saving": ("S", "$foreground-muted on $panel"),
    "model_loading": ("R", "$text-secondary on $secondary-muted"),
    "evaluation": ("E", "$text-success on $success-muted"),
}
# Of the parts of a training step (events.STEP_PARTS).
STEP_MARKS = {
    "loading": ("L", "$text-accent on $accent-muted"),
    "host": ("H", "$foreground-muted on $panel"),
    "convolution": ("C", "$text-primary on $primary-muted"),
    "normalisation": ("N", "$text-error on $error-muted"),
    "pooling": ("P", "$text-success on $success-muted"),
    "activation": ("A", "$text-secondary on $secondary-muted"),
    "dense": ("D", "$text-accent on $accent-muted"),
    "loss": ("S", "$foreground-muted on $panel"),
    "optimiser": ("O", "$text-warning on $warning-muted"),
    "copies": ("Y", "$text-secondary on $secondary-muted"),
    "waiting": ("W", "$text-error on $error-muted"),
    "other": ("?", "$foreground-muted on $panel"),
}
