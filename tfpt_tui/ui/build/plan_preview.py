"""What is looked up for a draft while one types: its file, the time it takes, and whether all is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.writing import preset_text
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.environments.interpreters import interpreter_of
from tfpt_tui.errors import TfptError
from tfpt_tui.results.requests.duration import Pace, duel_s, expect_s
from tfpt_tui.runs.plan.draft import Draft, Outcome, command_of, preset_of
from tfpt_tui.runs.plan.shortness import too_short


@dataclass(frozen=True)
class PlanPreview:
    """``seconds`` is None where nothing like the runs is recorded; ``problem`` says what is missing, ``warnings``
    what will make the figures of the runs doubtful.
    """

    text: str = ""
    seconds: float | None = None
    problem: str = ""
    warnings: tuple[str, ...] = ()


def look_up(
    draft: Draft, outcome: Outcome, name: str, paces: Sequence[Pace], settings: UserSettings
) -> PlanPreview:
    """``name`` is the one under which the draft would be kept. It reads manifests: not on the event loop."""
    text = "" if outcome.flaw else file_of(draft, outcome, name)
    if outcome.problem:
        return PlanPreview(text)
    if outcome.elsewhere:  # what is there, and how fast, those machines know
        return PlanPreview(text)
    try:
        configs = [RunConfig.from_mapping(row.settings, name) for row in outcome.rows]
        for framework, environment in dict.fromkeys((config.framework, config.environment) for config in configs):
            interpreter_of(framework, settings, environment)
        seconds = expect_s(configs, paces)
        duel = outcome.duel
        fought_s = duel_s(configs, outcome.repeats, duel.accuracy, paces) if duel else None
        if duel and duel.budget_s:
            fought_s = min(fought_s or duel.budget_s, duel.budget_s)
        warnings = tuple(too_short(configs, [read_manifest(Path(config.data)) for config in configs], duel))
    except TfptError as error:
        return PlanPreview(text, problem=str(error))
    known = [one for one in seconds if one is not None]
    if len(known) < len(seconds):
        return PlanPreview(text, warnings=warnings)
    burn_in_s = known[0] if outcome.burn_in else 0.0
    runs_s = sum(known) * outcome.repeats if fought_s is None else fought_s
    return PlanPreview(text, runs_s + burn_in_s + outcome.pauses_s, warnings=warnings)


def file_of(draft: Draft, outcome: Outcome, name: str) -> str:
    """The preset file that the draft is kept in."""
    return preset_text(preset_of(draft, outcome, name), command_of(draft, outcome, name))
