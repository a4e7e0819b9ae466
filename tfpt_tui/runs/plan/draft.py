"""A draft of a plan: rows chosen from a preset, settings as one types them, and what both amount to."""

from __future__ import annotations

import dataclasses
import itertools
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tfpt_tui.config.paths import absolute
from tfpt_tui.config.presets import MAX_ROWS, NOT_A_ROW, SPEED, Preset, PresetRow
from tfpt_tui.config.schema import HERE, PLAN, SETTINGS, RunConfig, Setting, plain
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError, printable
from tfpt_tui.runs.plan.duel import Duel, why_no_duel
from tfpt_tui.runs.plan.plan import MAX_RUNS, Plan, duel_of, make_plan, usual_cooldown_s, usual_repeats

FIELDS: Mapping[str, Setting] = {**SETTINGS, **PLAN}
OF_A_DUEL = ("duel", "until", "budget")
# They decide which of the others apply.
DECIDING = ("framework", "track")


@dataclass(frozen=True)
class Draft:
    """``chosen`` are indices of the preset's rows; a text that is empty leaves its setting as the rows have it."""

    preset: Preset
    chosen: frozenset[int]
    texts: Mapping[str, str] = field(default_factory=dict)

    def type(self, key: str, text: str) -> Draft:
        return dataclasses.replace(self, texts={**self.texts, key: text})

    def choose(self, rows: Iterable[int]) -> Draft:
        return dataclasses.replace(self, chosen=frozenset(rows))

    @property
    def rows(self) -> list[PresetRow]:
        return [self.preset.rows[index] for index in sorted(self.chosen)]


@dataclass(frozen=True)
class Field:
    """A setting of the draft. ``inherited`` is what holds where nothing is typed, ``values`` what was typed."""

    setting: Setting
    text: str
    inherited: str
    values: tuple[Value, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a draft amounts to.

    ``flaw`` says why it can neither be kept nor started, "" where it can; ``problem`` why it cannot be started: a
    preset need not name its data. ``on`` are the machines that are to run it, and ``provide`` says how they get
    the data that they lack.
    """

    fields: Mapping[str, Field]
    rows: tuple[PresetRow, ...]
    flaw: str = ""
    problem: str = ""
    repeats: int = 1
    cooldown_s: float | None = None
    burn_in: bool = False
    duel: Duel | None = None
    on: tuple[str, ...] = ()
    provide: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether it is for other machines than this one alone."""
        return bool(self.on) and self.on != (HERE,)

    @property
    def runs(self) -> int:
        return len(self.rows) * self.repeats + (self.burn_in and bool(self.rows))

    @property
    def pauses_s(self) -> float:
        pause_s = usual_cooldown_s(self.repeats, bool(self.duel)) if self.cooldown_s is None else self.cooldown_s
        pauses = self.repeats if self.duel else self.runs
        return pause_s * max(0, pauses - 1)


def begin(preset: Preset) -> Draft:
    """All rows of a preset, as they are."""
    return Draft(preset, frozenset(range(len(preset.rows))))


def carry_over(before: Draft, draft: Draft) -> Draft:
    """The draft with what goes on from the one before: the plan, and what its preset leaves open, as data."""
    given = [key for key in SETTINGS if all(key in row.settings for row in draft.preset.rows)]
    carried = [key for key, setting in FIELDS.items() if key in PLAN or (setting.required and key not in given)]
    kept = {key: before.texts[key] for key in carried if key in before.texts}
    return dataclasses.replace(draft, texts={**draft.texts, **kept})


def look_at(draft: Draft) -> Outcome:
    """Read every text, and make the rows of the plan: those chosen, with every combination of what was typed."""
    fields = {**_setting_fields(draft), **_plan_fields(draft)}
    typed = {key: found.values for key, found in fields.items() if found.values and key in SETTINGS}
    repeats, cooldown_s, burn_in = (_only(fields[key]) for key in ("repeats", "cooldown_s", "burn_in"))
    combinations = math.prod(map(len, typed.values())) * len(draft.chosen)
    rows = _expand(draft.rows, typed) if combinations <= MAX_ROWS else ()
    missing = [f"{key} {found.problem}" for key, found in fields.items() if found.problem]
    if fields["duel"].values == (False,):
        missing += [f"{key} is of a duel: leave duel=false out" for key in OF_A_DUEL[1:] if fields[key].values]
    wanted = _wanted_duel(draft, {key: fields[key].values for key in PLAN})
    no_duel = _why_no_duel(rows) if wanted and not missing else ""
    duel = None if no_duel and not any(fields[key].values for key in OF_A_DUEL) else wanted
    runs = int(repeats or usual_repeats(draft.preset, duel))
    on = tuple(str(name) for name in fields["on"].values)
    provide = str(_only(fields["provide"]) or "")
    outcome = Outcome(fields, rows, "", "", runs, _seconds(cooldown_s), bool(burn_in), duel, on, provide)
    flaw = _flaw(draft, outcome, combinations)
    problem = flaw or next(iter(missing), "") or (f"duel: {no_duel}" if duel and no_duel else "")
    return dataclasses.replace(outcome, flaw=flaw, problem=problem)


def preset_of(draft: Draft, outcome: Outcome, name: str = "") -> Preset:
    """The draft as a preset; where no row is left as it was printed, its source is no longer one.

    How often its rows are run, and whether by turns, goes with it; how a duel ends is for the command line.
    """
    changes = _changes(outcome)
    repeats, duel = (outcome.fields[key].values for key in ("repeats", "duel"))
    preset = dataclasses.replace(
        draft.preset,
        repeats=int(repeats[0]) if repeats else draft.preset.repeats,
        duel="" if duel == (False,) else draft.preset.duel or (SPEED if outcome.duel else ""),
        name=name or draft.preset.name,
        title=f"{draft.preset.name} with {changes}" if changes and name else draft.preset.title,
        rows=outcome.rows,
    )
    if any(row.published for row in outcome.rows):
        return preset
    return dataclasses.replace(preset, source="", hardware="", train_images=0, test_images=0)


def plan_of(draft: Draft, outcome: Outcome) -> Plan:
    """The plan that starts when the draft does; raises what :func:`make_plan` raises."""
    return make_plan(
        preset_of(draft, outcome),
        repeats=outcome.repeats,
        cooldown_s=outcome.cooldown_s,
        burn_in=outcome.burn_in,
        duel=outcome.duel,
    )


def command_of(draft: Draft, outcome: Outcome, name: str) -> str:
    """The command line that runs the draft once it is a preset of that name."""
    preset, duel = preset_of(draft, outcome, name), outcome.duel
    usual = usual_repeats(preset, duel)
    options = ["--duel" if duel else "--no-duel"] * (bool(duel) != bool(preset.duel))
    options += [f"--until {100 * duel.until:g}%"] if duel and duel.until else []
    options += [f"--budget {duel.budget_s:g}s"] if duel and duel.budget_s else []
    options += [f"--repeats {outcome.repeats}"] * (outcome.repeats != usual)
    options += [f"--cooldown {outcome.cooldown_s:g}"] if outcome.cooldown_s is not None else []
    options += ["--burn-in"] * outcome.burn_in
    options += [f"--on {shlex.quote(printable(','.join(outcome.on)))}"] if outcome.elsewhere else []
    options += [f"--provide {outcome.provide}"] if outcome.provide and outcome.elsewhere else []
    return " ".join(["tfpt-tui run", shlex.quote(printable(name)), *options])


def show_value(value: Value | None) -> str:
    """A value as one types it, nothing for none."""
    return "" if value is None else plain(value)


def takes_many(setting: Setting) -> bool:
    """Whether a comma parts values: in a path it may be a letter, and a plan has one number of repeats."""
    return (setting.key in SETTINGS and not is_path(setting)) or setting.key == "on"


def is_path(setting: Setting) -> bool:
    return setting.type is str and not setting.choices and not setting.pattern


def _setting_fields(draft: Draft) -> dict[str, Field]:
    """The fields of the settings that apply to what is chosen."""
    deciding = {key: _parse(SETTINGS[key], draft.texts.get(key, ""))[0] for key in DECIDING}
    fields = {}
    for key, setting in SETTINGS.items():
        rows = [row for row in draft.rows or draft.preset.rows if _applies(setting, row, deciding)]
        if not rows:
            continue
        text = draft.texts.get(key, "")
        values, problem = _parse(setting, text)
        if setting.required and not text.strip() and not all(key in row.settings for row in rows):
            problem = f"is missing: {setting.help}"
        inherited = dict.fromkeys(show_value(row.resolved()[key]) for row in rows)
        fields[key] = Field(setting, text, ", ".join(filter(None, inherited)), values, problem)
    return fields


def _plan_fields(draft: Draft) -> dict[str, Field]:
    parsed = {key: _parse(setting, draft.texts.get(key, "")) for key, setting in PLAN.items()}
    values = {key: found for key, (found, _) in parsed.items()}
    duel = _wanted_duel(draft, values)
    usual = usual_repeats(draft.preset, duel)
    repeats = int(values["repeats"][0]) if values["repeats"] else usual
    inherited = dict.fromkeys(PLAN, "0") | {
        "repeats": str(usual),
        "burn_in": "false",
        "cooldown_s": f"{usual_cooldown_s(repeats, bool(duel)):g}",
        "duel": show_value(bool(duel)),
        "on": HERE,
        "provide": "",
    }
    return {
        key: Field(setting, draft.texts.get(key, ""), inherited[key], *parsed[key])
        for key, setting in PLAN.items()
    }


def _wanted_duel(draft: Draft, values: Mapping[str, Sequence[Value]]) -> Duel | None:
    """The duel that is typed, as ``--until`` and ``--budget`` want one, too; else that of the preset."""
    typed, until, budget = (float(values[key][0]) if values[key] else None for key in OF_A_DUEL)
    wanted = typed or until or budget or (draft.preset.duel and typed is None)
    if not wanted:
        return None
    return dataclasses.replace(duel_of(draft.preset), until=(until or 0.0) / 100, budget_s=60 * (budget or 0.0))


def _applies(setting: Setting, row: PresetRow, deciding: Mapping[str, Sequence[Value]]) -> bool:
    resolved = row.resolved()
    frameworks, tracks = (deciding[key] or (str(resolved[key]),) for key in DECIDING)
    pairs = itertools.product(frameworks, tracks)
    return any(setting.applies_to(str(framework), str(track)) for framework, track in pairs)


def _parse(setting: Setting, text: str) -> tuple[tuple[Value, ...], str]:
    """The values that the text gives, none where it is empty or refused, and why it is refused."""
    if not text.strip():
        return (), ""
    if is_path(setting):
        return (absolute(text.strip()),), ""
    parts = [part.strip() for part in text.split(",")] if takes_many(setting) else [text.strip()]
    try:
        values = tuple(dict.fromkeys(setting.parse(part) for part in parts if part))
    except ValueError as error:
        return (), str(error)
    return values, "" if values else f"must be {setting.allowed}"


def _expand(rows: Sequence[PresetRow], typed: Mapping[str, Sequence[Value]]) -> tuple[PresetRow, ...]:
    """Each row with each combination; rows that become the same are one, with its printed numbers."""
    made: dict[tuple[object, ...], PresetRow] = {}
    for row in rows:
        for values in itertools.product(*typed.values()):
            changed = _change(row, dict(zip(typed, values, strict=True)))
            same = tuple(changed.resolved().values())
            if same not in made or not made[same].published:
                made[same] = changed
    return tuple(made.values())


def _change(row: PresetRow, typed: Mapping[str, Value]) -> PresetRow:
    """A setting that is none of the row's framework stays as it is; printed numbers go with what they are of."""
    changed = PresetRow({**row.settings, **typed}, {})
    framework, track = (str(changed.resolved()[key]) for key in DECIDING)
    foreign = [key for key in typed if not SETTINGS[key].applies_to(framework, track)]
    kept = {key: row.settings[key] for key in foreign if key in row.settings}
    settings = {key: value for key, value in changed.settings.items() if key not in foreign} | kept
    new, old = PresetRow(settings, {}).resolved(), row.resolved()
    same = all(new[key] == old[key] for key in SETTINGS if key not in NOT_A_ROW)
    return PresetRow(settings, row.published if same else {})


def _flaw(draft: Draft, outcome: Outcome, combinations: int) -> str:
    if not draft.chosen:
        return "no row is chosen"
    for key, found in outcome.fields.items():
        if found.problem and found.text.strip():
            return f"{key} {found.problem}"
    if combinations > MAX_ROWS:
        return f"{combinations:,} combinations: more than {MAX_ROWS:,}; shorten a list or choose fewer rows"
    if outcome.runs > MAX_RUNS:
        return f"{outcome.runs:,} runs: more than {MAX_RUNS:,}; repeat them less often"
    return ""


def _why_no_duel(rows: Sequence[PresetRow]) -> str:
    """Why the rows, which are complete, cannot take turns; settings may contradict each other."""
    try:
        return why_no_duel([RunConfig.from_mapping(row.settings, "the draft") for row in rows])
    except UsageError as error:
        return str(error)


def _changes(outcome: Outcome) -> str:
    """What was typed, such as ``batch_size 16, 32``; where the images lie is no change of the preset."""
    changed = [
        f"{key} {', '.join(map(show_value, found.values))}"
        for key, found in outcome.fields.items()
        if found.values and key in SETTINGS and not is_path(found.setting)
    ]
    return "; ".join(changed)


def _only(found: Field) -> Value | None:
    return found.values[0] if found.values else None


def _seconds(value: Value | None) -> float | None:
    return None if value is None else float(value)
