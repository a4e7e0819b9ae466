"""A plan: every run of a preset in the order to be run. Nothing here knows the machine that it will run on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfpt_tui.config.paths import absolute
from tfpt_tui.config.presets import ACCURACY, Preset
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError
from tfpt_tui.runs.plan.duel import MOST_RESTARTS, RESTARTS, Duel, NoDuelError, why_no_duel

# Fixed, so that every run begins alike; a worker's imports are as long again.
COOLDOWN_S = 5.0
MAX_RUNS = 10_000

# Framework and environment: what an interpreter is chosen by.
Place = tuple[str, str]


@dataclass(frozen=True)
class PlannedRun:
    """``row`` and ``repeat`` count from 1; ``published`` is what the source of the row printed.

    A burn-in, whose figures are not compared, is repeat 0.
    """

    config: RunConfig
    row: int
    repeat: int
    published: Mapping[str, Value] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return self.config.framework, self.config.environment

    @property
    def burn_in(self) -> bool:
        return self.repeat == 0


@dataclass(frozen=True)
class Plan:
    """``cooldown_s`` passes between two runs, or between two restarts of a ``duel``.

    ``submission`` is what it shares with the plans that one command began with it, on several machines.
    """

    preset: str
    title: str
    runs: tuple[PlannedRun, ...]
    cooldown_s: float = 0.0
    duel: Duel | None = None
    submission: str = ""


def make_plan(
    preset: Preset,
    *,
    data: str | None = None,
    rows: Sequence[int] | None = None,
    overrides: Mapping[str, Value] | None = None,
    repeats: int | None = None,
    cooldown_s: float | None = None,
    burn_in: bool = False,
    duel: Duel | None = None,
) -> Plan:
    """Expand a preset into runs, interleaved over the repeats (A B B A); those of one repeat of a duel take turns.

    ``rows`` are indices from 0. Seeds count up from the row's own with each repeat, so that they pair between the
    frameworks. ``cooldown_s`` is by default 5 s where runs are repeated, and nothing else. ``burn_in`` puts a run
    of the first row in front, which warms the machine up and is not compared.

    Raises:
        UsageError: a row's configuration is refused or names no dataset, or there are too many runs.
        NoDuelError: the rows cannot take turns.
    """
    chosen = list(range(len(preset.rows))) if rows is None else list(rows)
    configs = {row: _configure(preset, row, data, overrides or {}) for row in chosen}
    if duel and (reason := why_no_duel(list(configs.values()))):
        raise NoDuelError(reason)
    repeats = repeats or usual_repeats(preset, duel)
    if repeats * len(chosen) > MAX_RUNS:
        raise UsageError(
            f"{repeats * len(chosen):,} runs: more than {MAX_RUNS:,}; repeat them less often, or choose fewer rows"
        )
    runs = []
    for repeat in range(repeats):
        # Arms of a duel change places in every round.
        for row in chosen if duel or repeat % 2 == 0 else reversed(chosen):
            config = configs[row].replace(seed=_seed(configs[row], repeat, preset))
            runs.append(PlannedRun(config, row + 1, repeat + 1, preset.rows[row].published))
    if burn_in:
        runs.insert(0, dataclasses.replace(runs[0], repeat=0))
    pause_s = usual_cooldown_s(repeats, bool(duel)) if cooldown_s is None else cooldown_s
    return Plan(preset.name, preset.title, tuple(runs), pause_s, duel)


def duel_of(preset: Preset) -> Duel:
    """A duel of the preset's rows, of planned length."""
    return Duel(accuracy=preset.duel == ACCURACY)


def usual_repeats(preset: Preset, duel: Duel | None) -> int:
    """How often each row is run where nobody says it: the restarts of a duel, as many as an answer may take."""
    if duel and duel.ends_early:
        return MOST_RESTARTS
    return preset.repeats or (RESTARTS if duel else 1)


def usual_cooldown_s(repeats: int, duel: bool) -> float:
    """The pause between two runs where none is given; of a duel all arms feel the heat alike."""
    return COOLDOWN_S if repeats > 1 and not duel else 0.0


def _configure(preset: Preset, row: int, data: str | None, overrides: Mapping[str, Value]) -> RunConfig:
    where = f"{preset.path}: row {row + 1}"
    values: dict[str, Value] = {**preset.rows[row].settings, **overrides}
    if data == "":
        raise UsageError("--data: is empty; name a dataset's directory")
    if data is not None:
        values["data"] = data
    if "data" not in values:
        raise UsageError(f"{where}: no dataset: name one with --data DIR (tfpt-tui prepare makes one)")
    values["data"] = _absolute(str(values["data"]))
    return RunConfig.from_mapping(values, where)


def _absolute(data: str) -> str:
    path = absolute(data)
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "backslashreplace").decode()
        raise UsageError(f"{shown}: a dataset's path must be UTF-8 to be recorded; rename it") from None
    return path


def _seed(config: RunConfig, repeat: int, preset: Preset) -> int:
    seed = config.seed + repeat
    if seed >= 2**32:
        raise UsageError(f"{preset.path}: seed {config.seed} leaves no room for {repeat + 1} repeats")
    return seed
