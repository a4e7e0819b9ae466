"""Text can be read on whatever it stands: by the contrast that WCAG 2.2 asks for, 4.5 of text and 3 of a curve."""

import pytest
from textual.color import Color

from tfpt_tui.ui.theme import FRAMEWORK_COLOURS, PHASE_MARKS, RUN_COLOURS, STEP_MARKS, THEMES

GROUNDS = ("background", "surface", "panel", "primary-muted")
TEXTS = (
    *("text", "text-muted", "foreground", "foreground-muted", "footer-key-foreground"),
    *("primary", "secondary", "accent", "success", "warning", "error"),
    *("text-primary", "text-secondary", "text-accent", "text-success", "text-warning", "text-error"),
)
MARKS = sorted({style for _, style in (*PHASE_MARKS.values(), *STEP_MARKS.values())})


def luminance(colour):
    """Relative luminance of sRGB (WCAG 2.2)."""
    parts = (part / 255 for part in colour.rgb)
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def palette(theme):
    """What the theme's variables amount to: a ground by its name, and a text on a ground."""
    known = {**FRAMEWORK_COLOURS, **theme.to_color_system().generate(), **theme.variables}
    background = Color.parse(known["background"])

    def ground(name):
        return background + Color.parse(known[name])

    def text(name, on):
        if known[name].startswith("auto"):
            return on.get_contrast_text(float(known[name].split()[1].rstrip("%")) / 100)
        return on + Color.parse(known[name])

    return ground, text


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_text_has_contrast_enough_on_every_ground(theme):
    ground, text = palette(theme)
    pairs = [(name, on) for name in (*TEXTS, *FRAMEWORK_COLOURS) for on in GROUNDS]
    pairs += [tuple(part.strip(" $") for part in style.split(" on ")) for style in MARKS]
    found = {(name, on): contrast(text(name, ground(on)), ground(on)) for name, on in pairs}
    assert {pair: round(value, 2) for pair, value in found.items() if value < 4.5} == {}


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_curve_is_seen_on_the_background(theme):
    ground, _ = palette(theme)
    found = {colour: contrast(Color.parse(colour), ground("background")) for colour in RUN_COLOURS}
    assert {colour: round(value, 2) for colour, value in found.items() if value < 3} == {}
