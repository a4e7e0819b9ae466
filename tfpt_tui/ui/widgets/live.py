"""Text that changes while one looks at it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Live(Static):
    """A line or block of fixed size that is painted only when what it shows has changed."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, markup=False)
        self._shown: Content | None = None

    def show(self, content: Content) -> None:
        """Show the content; nothing is laid out anew, as the size stays."""
        if self._shown is None or not content.is_same(self._shown):
            self._shown = content
            self.update(content, layout=False)
