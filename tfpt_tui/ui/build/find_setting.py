"""Settings by their names in the command palette, which finds them fuzzily."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tfpt_tui.config.schema import Setting
from tfpt_tui.ui.build.draft_form import DraftForm


class SettingFinder(Provider):
    """Each command goes to the field of a setting that applies to the plan."""

    async def discover(self) -> Hits:
        for setting in self._form.applying:
            yield DiscoveryHit(_title(setting), partial(self._form.go_to, setting.key), help=setting.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for setting in self._form.applying:
            # Whoever knows what it is about, but not its name, finds it by its help.
            score = max(matcher.match(setting.key), matcher.match(setting.help) / 2)
            if score > 0:
                go = partial(self._form.go_to, setting.key)
                yield Hit(score, matcher.highlight(_title(setting)), go, help=setting.help)

    @property
    def _form(self) -> DraftForm:
        return self.screen.query_one(DraftForm)


def _title(setting: Setting) -> str:
    return f"{setting.key}: go to its field"
