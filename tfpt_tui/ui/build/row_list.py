"""The rows of a preset, each chosen or left out."""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.presets import Preset
from tfpt_tui.ui.build.text import row_line, row_lines


class RowList(OptionList):
    """A line a row with its mark. Only lines whose mark changed are painted."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, compact=True, markup=False)
        self._preset: Preset | None = None
        self._texts: list[str] = []
        self._chosen: Collection[int] = frozenset()

    def show(self, preset: Preset, chosen: Collection[int]) -> None:
        if preset != self._preset:
            self._preset = preset
            self._texts = row_lines(preset)[1]
            self.clear_options()
            self.add_options(Option(self._line(row, row in chosen)) for row in range(len(preset.rows)))
            self.highlighted = 0
        else:
            for row in range(len(preset.rows)):
                if (row in chosen) != (row in self._chosen):
                    self.replace_option_prompt_at_index(row, self._line(row, row in chosen))
        self._chosen = chosen

    def _line(self, row: int, chosen: bool) -> Content:
        framework = self._preset.rows[row].resolved()["framework"] if self._preset else None
        return row_line(self._texts[row], str(framework), chosen)
