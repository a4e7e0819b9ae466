"""The drafts of one sitting: nothing that was typed is lost by looking at another preset."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tfpt_tui.config.presets import Preset
from tfpt_tui.runs.plan.draft import Draft, begin, carry_over, look_at


class Drafts:
    """By the file that each began with, the latest last."""

    def __init__(self) -> None:
        self._drafts: dict[Path, Draft] = {}
        self._datasets: tuple[Path, ...] = ()

    def know(self, datasets: Iterable[Path]) -> None:
        self._datasets = tuple(datasets)

    def open(self, path: Path, preset: Preset) -> Draft:
        """The draft of that file as it was left, or a fresh one; what goes on comes from the latest."""
        left = self._drafts.get(path)
        draft = left if left and left.preset == preset else self.fresh(preset)
        latest = next(reversed(self._drafts.values()), None)
        return self._with_data(carry_over(latest, draft) if latest else draft)

    def fresh(self, preset: Preset) -> Draft:
        return self._with_data(begin(preset))

    def keep(self, path: Path, draft: Draft) -> None:
        self._drafts.pop(path, None)
        self._drafts[path] = draft

    def forget(self, path: Path) -> None:
        self._drafts.pop(path, None)

    def _with_data(self, draft: Draft) -> Draft:
        """The dataset that was made last, where none is named."""
        data = look_at(draft).fields.get("data")
        lacks_data = data is not None and data.problem and not data.text
        return draft.type("data", str(self._datasets[0])) if lacks_data and self._datasets else draft
