"""The rows of a preset, each chosen or left out."""

from __future__ import annotations

from collections.abc import Collection

from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tfpt_tui.config.presets import Preset
from tfpt_tui.ui.draft_text import row_line, row_lines


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
            self.add_options(Option(row_line(line, row in chosen)) for row, line in enumerate(self._texts))
            self.highlighted = 0
        else:
            for row, line in enumerate(self._texts):
                if (row in chosen) != (row in self._chosen):
                    self.replace_option_prompt_at_index(row, row_line(line, row in chosen))
        self._chosen = chosen
