"""Sample pictures of a dataset, or one line in their place; the strips are drawn in a worker."""

from __future__ import annotations

import locale

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

WITHOUT_COLOUR = "pictures need colours: NO_COLOR is set, or the terminal has none"
WITHOUT_BLOCKS = "pictures need a UTF-8 locale"
WITHOUT_ROOM = "no room for pictures here: f shows them on the whole screen"


class ContactSheet(Widget):
    """Its height is set from outside; what it shows is drawn for that size, so it tells of another one."""

    class Resized(Message):
        """The pictures must be drawn anew."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._strips: tuple[Strip, ...] = ()

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def obstacle(self) -> str:
        """Why this terminal cannot show pictures, "" where it can."""
        if self.app.no_color or self.app.console.color_system is None:
            return WITHOUT_COLOUR
        utf8 = locale.getpreferredencoding(False).upper().replace("-", "") == "UTF8"
        return "" if utf8 else WITHOUT_BLOCKS

    def show(self, strips: tuple[Strip, ...]) -> None:
        if strips != self._strips:
            self._strips = strips
            self.refresh()

    def say(self, text: str) -> None:
        """Show a line in place of pictures."""
        self.show((Strip([Segment(text)]),))

    def render_line(self, y: int) -> Strip:
        strip = self._strips[y] if y < len(self._strips) else Strip([])
        return strip.apply_style(self.rich_style).adjust_cell_length(self.size.width, self.rich_style)
