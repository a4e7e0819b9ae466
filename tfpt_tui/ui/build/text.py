"""The Build screen in words: rows of a preset, fields of a form, and what a draft amounts to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from textual.content import Content

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.presets import Preset
from tfpt_tui.config.schema import DEFAULT_ENVIRONMENT, GROUPS, HERE, SETTINGS
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.errors import printable
from tfpt_tui.results.comparison.preset_table import show_setting
from tfpt_tui.results.store.plan_sources import RECORDED, Source
from tfpt_tui.results.table import Cell, Column, Table, numeric_columns, printed_cells
from tfpt_tui.runs.plan.draft import FIELDS, Field, Outcome, is_path, takes_many
from tfpt_tui.ui.build.plan_preview import PlanPreview
from tfpt_tui.ui.theme import BAD_STYLE, GLYPHS, framework_style, status_style
from tfpt_tui.wording import show_duration

# What is changed most comes first, then the settings in the order of the schema.
# They say nothing to whoever has one machine.
ELSEWHERE = ("on", "provide")
FIRST = ("data", "framework", "epochs", "batch_size", "repeats", "duel", "until", "budget", *ELSEWHERE)
FORM: Mapping[str, tuple[str, ...]] = {
    "most used": FIRST,
    **{
        group: tuple(key for key, setting in FIELDS.items() if setting.group == group and key not in FIRST)
        for group in GROUPS
    },
}
# Side by side where there is room for two columns: about as many settings in each.
_BEGIN_OF_SECOND = list(FORM).index("input")
COLUMNS = (tuple(FORM)[:_BEGIN_OF_SECOND], tuple(FORM)[_BEGIN_OF_SECOND:])
CHOSEN, LEFT_OUT = "■", "□"
BEST = "*"
MUTED = "$foreground-muted"
SEARCH_BEGINS = "checking dataset and frameworks"
SEARCHES = "its races are in the Monitor; the preset that it leaves will be among yours here"
NO_DATA_TO_ADVISE_ON = "name a dataset first: what is fastest depends on it"


def source_line(source: Source) -> Content:
    """One line of the list on the left."""
    if source.group == RECORDED:
        framework = title_of(source.framework)
        return Content.assemble(
            (f"{GLYPHS.get(source.status, '?')} ", status_style(source.status)),
            source.name,
            (
                f" {framework}",
                framework_style(source.framework),
            ),
            (f" {source.detail}", MUTED),
        )
    mark = (f" {GLYPHS['warning']} broken", BAD_STYLE) if source.problem else (f"  {source.detail}", MUTED)
    return Content.assemble(f"  {printable(source.name)}", mark)


def heading(preset: Preset, source: Source) -> Content:
    """The preset's name and title, and where its printed numbers come from; or which run it is."""
    name, title = preset.name, preset.title
    if source.group == RECORDED:
        name, title = source.path.parent.name, f"a run of {preset.name}"
    title_line = Content.assemble((printable(name), "bold"), f"  {printable(title)}")
    if not any(row.published for row in preset.rows):
        return title_line
    where = f" ({printable(preset.hardware)})" if preset.hardware else ""
    return title_line + Content.styled(f"\nprinted seconds{where}; {BEST} best", MUTED)


def row_lines(preset: Preset) -> tuple[str, list[str]]:
    """The heading and a line for every row: the settings in which rows differ, and what was printed for them."""
    resolved = [row.resolved() for row in preset.rows]
    keys = [key for key in SETTINGS if key != "framework" and len({str(row[key]) for row in resolved}) > 1]
    printed = any(row.published for row in preset.rows)
    columns = [Column("row", "#"), Column("framework", "framework"), *(Column(key, _short(key)) for key in keys)]
    columns += [Column("training_s", "train"), Column("evaluation_s", "test"), Column("best", "")] * printed
    rows: list[dict[str, Cell]] = [
        {
            "row": number,
            "framework": title_of(str(values["framework"]), "none"),
            **{key: show_setting(key, values) for key in keys},
            **{key: row.published.get(key) for key in ("training_s", "evaluation_s")},
            "best": BEST if row.published.get("marked_best") else "",
        }
        for number, (row, values) in enumerate(zip(preset.rows, resolved, strict=True), start=1)
    ]
    table = Table(tuple(columns), tuple(rows))
    first, *lines = _align(printed_cells(table), numeric_columns(table))
    return first, [printable(line) for line in lines]


def row_line(line: str, framework: str, chosen: bool) -> Content:
    """A row that is left out is muted and has another mark."""
    if not chosen:
        return Content.styled(f"{LEFT_OUT} {line}", MUTED)
    title = title_of(framework, "")
    before, _, after = line.partition(title) if title else (line, "", "")
    return Content.assemble(f"{CHOSEN} {before}", (title, framework_style(framework)), after)


def field_note(field: Field) -> Content:
    """What stands beside a field: why its text is refused, how many values it has, or its unit."""
    if field.problem:
        return Content.styled(f"{GLYPHS['failed']} {printable(field.problem)}", BAD_STYLE)
    if len(field.values) > 1:
        return Content.styled(f"{len(field.values):,} values", "$primary")
    return Content.styled(field.setting.unit, MUTED)


def field_help(field: Field) -> Content:
    """The setting in words: what it is, and which values it takes, or why its text is refused."""
    setting = field.setting
    unit = f" ({setting.unit})" if setting.unit else ""
    taken = "a path" if is_path(setting) else setting.allowed
    taken += ", several by commas" if takes_many(setting) else ""
    # First: the rest may be cut where the screen is narrow.
    taken = f"Enter or double-click to choose: {taken}" if is_listed(setting.key) else taken
    below = (f"{GLYPHS['failed']} {printable(field.problem)}", BAD_STYLE) if field.problem else (taken, MUTED)
    return Content.assemble((setting.key, "bold"), f"  {setting.help}{unit}\n", below)


def summary(outcome: Outcome, preview: PlanPreview | None, waiting: str) -> Content:
    """How many runs, how long they take and when they start; or why nothing can start."""
    if outcome.problem:
        return Content.styled(f"{GLYPHS['failed']} {printable(outcome.problem)}", BAD_STYLE)
    runs = _runs(outcome.runs)
    if preview and preview.problem:
        return Content.assemble((runs, "bold"), (f"  {GLYPHS['failed']} {printable(preview.problem)}", BAD_STYLE))
    verb, after = ("queues", f" after {printable(waiting)}") if waiting else ("starts", "")
    if outcome.elsewhere:
        verb, after = "starts", f" on {printable(', '.join(outcome.on))}"
        runs += " each" if len(outcome.on) > 1 else ""
    text = Content.assemble((f"f9 {verb} {runs}", "bold"), f" ({_time(preview)}){after}")
    for warning in preview.warnings if preview else ():
        text += Content.styled(f"\n{GLYPHS['warning']} {printable(warning)}", "$warning")
    return text


def with_search(plan: Content, line: str) -> Content:
    """What a plan amounts to, below the last line of a search that is under way."""
    return Content.styled(f"advise: {printable(line)}\n", "$primary") + plan if line else plan


def is_listed(key: str) -> bool:
    """Whether the values of a setting are few and known."""
    setting = FIELDS[key]
    return bool(setting.choices) or setting.type is bool or key in ("data", "environment", "on")


def known_values(
    key: str, datasets: Mapping[Path, Manifest], environments: Iterable[str], machines: Iterable[str]
) -> list[tuple[str, str]]:
    """The values to choose from, each with a word on it; the schema does not know what is on this machine."""
    if key == "data":
        return [
            (str(path), f"{len(manifest.classes)} classes, {manifest.total('train'):,} training images")
            for path, manifest in datasets.items()
        ]
    if key == "environment":
        return [(name, "") for name in (DEFAULT_ENVIRONMENT, *environments)]
    if key == "on":
        return [(name, "this machine" if name == HERE else "") for name in (HERE, *machines)]
    return [(value, "") for value in FIELDS[key].choices or ("true", "false")]


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def _time(preview: PlanPreview | None) -> str:
    if preview is None:
        return "estimating"
    return "time not known" if preview.seconds is None else f"about {show_duration(preview.seconds)}"


def _short(key: str) -> str:
    """A heading as narrow as what stands below it."""
    return key.removeprefix("num_").removesuffix("_size")


def _align(cells: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        " ".join(
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
