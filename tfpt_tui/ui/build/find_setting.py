"""Settings by their names in the command palette, which finds them fuzzily."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tfpt_tui.config.schema import Setting
from tfpt_tui.ui.build.draft_form import DraftForm


class SettingFinder(Provider):
    """Each command goes to the field of a setting that applies to the plan."""

    async def discover(self) -> Hits:
        for form, setting in self._found():
            yield DiscoveryHit(_title(setting), partial(form.go_to, setting.key), help=setting.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for form, setting in self._found():
            # Whoever knows what it is about, but not its name, finds it by its help.
            score = max(matcher.match(setting.key), matcher.match(setting.help) / 2)
            if score > 0:
                go = partial(form.go_to, setting.key)
                yield Hit(score, matcher.highlight(_title(setting)), go, help=setting.help)

    def _found(self) -> list[tuple[DraftForm, Setting]]:
        """None while no form is shown."""
        forms = [form for form in self.screen.query(DraftForm) if form.size]
        return [(form, setting) for form in forms for setting in form.applying]


def _title(setting: Setting) -> str:
    return f"{setting.key}: go to its field"
