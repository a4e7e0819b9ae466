"""For terminals that show nothing but ASCII: what the app draws with, in other letters."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Letters for the app's own glyphs; box drawing and blocks follow below.
GLYPHS = {
    "✓": "v",
    "✗": "x",
    "●": "*",
    "○": "o",
    "■": "#",
    "□": "o",
    "▪": "*",
    # The bars of the cores, the higher the fuller.
    "▁": "_",
    "▂": ".",
    "▃": ":",
    "▅": "+",
    "▆": "=",
    "▇": "%",
    "█": "#",
    "◆": "#",
    "◇": "o",
    "·": ".",
    "→": ">",
    "…": "~",
    "±": "~",
    "▏": "|",
    "▐": "|",
    "▌": "|",
    "░": ":",
    "▀": "^",
    "▄": "-",
    "━": "=",
    "─": "-",
    "│": "|",
    "┃": "|",
    "▼": "v",
    "▲": "^",
    "▶": ">",
    "◀": "<",
    "⭘": "O",
}
BOX_DRAWING = range(0x2500, 0x2580)
BLOCKS = range(0x2580, 0x25A0)
BRAILLE = range(0x2801, 0x2900)


class AsciiFilter(LineFilter):
    """Puts letters of one cell in place of everything else; names that are not ASCII become question marks."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else Segment(to_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def to_ascii(text: str) -> str:
    """The text in ASCII, as wide as it was."""
    return "".join(letter if letter.isascii() else _letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if letter in GLYPHS:
        return GLYPHS[letter]
    for letters, substitute in ((BOX_DRAWING, "+"), (BLOCKS, "#"), (BRAILLE, "*")):
        if ord(letter) in letters:
            return substitute
    return "?" * cell_len(letter) if ord(letter) != 0x2800 else " "
