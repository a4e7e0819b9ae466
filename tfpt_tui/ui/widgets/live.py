"""Text that changes while one looks at it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Live(Static):
    """A line or block that is painted only when what it shows has changed."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, markup=False)
        self._shown: Content | None = None

    def show(self, content: Content) -> None:
        """Show the content; nothing is laid out anew, unless its height follows it and is another now."""
        if self._shown is None or not content.is_same(self._shown):
            self._shown = content
            self.update(content, layout=False)
            if self.styles.height and self.styles.height.is_auto and self._lines() != self.content_size.height:
                self.refresh(layout=True)

    def _lines(self) -> int:
        return self.get_content_height(self.screen.size, self.screen.size, self.content_size.width or 1)
