"""A published table beside this machine: theirs, yours, their ratio, and whether the same row wins."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.presets import NOT_A_ROW, Preset
from tfpt_tui.config.schema import HERE, SETTINGS
from tfpt_tui.documents import Value
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.comparability import NotComparableError, check_comparable, origins
from tfpt_tui.results.comparison.groups import flags_of, hardware_of, machine_of, version_of
from tfpt_tui.results.comparison.preset_table import show_setting
from tfpt_tui.results.comparison.provenance import versions_of
from tfpt_tui.results.comparison.statistics import MIN_RUNS
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.record.result import Evaluation, RunResult
from tfpt_tui.runs.record.scaling import usual_batch_s

NOT_RUN = "not run"


@dataclass(frozen=True)
class Yours:
    """One run as long as the printed one: ``basis`` says what it was scaled from, "" where nothing was scaled.

    ``images`` is how many it trained in all its epochs.
    """

    result: RunResult
    training_s: float
    evaluation_s: float | None
    basis: str
    images: int


def compare_with_published(preset: Preset, results: Sequence[RunResult], *, across: bool) -> Table:
    """The published table beside the runs that are of its rows.

    Raises:
        UsageError: the preset has no printed numbers, or the runs come from different machines or versions.
    """
    if not has_printed_numbers(preset):
        raise UsageError(f"{preset.path}: none of its rows has printed numbers (published)")
    own = of_its_rows(preset, results)
    if not across:
        check_comparable(own)
        if len(machines := dict.fromkeys(result.machine or HERE for result in own if result.completed)) > 1:
            raise NotComparableError(f"the runs of its rows come from several machines: {', '.join(machines)}")
    return published_table(preset, own)


def published_table(preset: Preset, results: Sequence[RunResult]) -> Table:
    """Every row of the preset with what its source printed and what this machine's runs say.

    Times are the article's clocks. Ratios are yours by theirs: below 1 is faster here. Of the runs of a row those
    that were scaled least count, by their median; a row without a completed run is shown as not run.
    """
    runs = [[result for result in results if _is_of(wanted, result)] for wanted in _wanted(preset)]
    done = [[result for result in row if result.completed] for row in runs]
    timed = [[you for result in row if (you := _yours(preset, result))] for row in done]
    yours = [_least_scaled(row) for row in timed]
    theirs_s = [_number(row.published.get("training_s")) for row in preset.rows]
    yours_s = [statistics.median(you.training_s for you in row) if row else None for row in yours]
    ranks, own_ranks = _ranks(theirs_s), _ranks(yours_s)
    keys = _differing(preset)
    rows: list[dict[str, Cell]] = []
    for number, row in enumerate(preset.rows):
        evaluations = [you.evaluation_s for you in yours[number] if you.evaluation_s is not None]
        theirs_eval_s = _number(row.published.get("evaluation_s"))
        own_eval_s = statistics.median(evaluations) if evaluations else None
        rows.append(
            {
                "row": number + 1,
                "framework": title_of(str(row.resolved()["framework"])),
                **{key: show_setting(key, row.resolved()) for key in keys},
                "theirs_training_s": theirs_s[number],
                "yours_training_s": yours_s[number],
                "training_ratio": _ratio(yours_s[number], theirs_s[number]),
                "theirs_evaluation_s": theirs_eval_s,
                "yours_evaluation_s": own_eval_s,
                "evaluation_ratio": _ratio(own_eval_s, theirs_eval_s),
                "theirs_rank": ranks[number],
                "yours_rank": own_ranks[number],
                "n": len(yours[number]),
                "status": _status(runs[number]),
                "track": str(row.resolved()["track"]),
                "version": next(iter(map(version_of, done[number])), None),
                "machine": next(iter(map(machine_of, done[number])), None),
                "yours_is": next((you.basis for you in yours[number] if you.basis), None),
                "flags": flags_of([you.result for you in yours[number]]),
            }
        )
    filled = [name for name in ("yours_is", "flags") if any(row[name] for row in rows)]
    columns = [
        column for column in _columns(keys) if column.name in filled or column.name not in ("yours_is", "flags")
    ]
    counted = [you.result for row in yours for you in row]
    notes = _notes(preset, rows, counted)
    if left_out := sum(map(len, timed)) - len(counted):
        excluded = f"{left_out} run{'' if left_out == 1 else 's'}"
        notes.insert(1, f"excluded, as other runs of the same rows were scaled less: {excluded}")
    return Table(tuple(columns), tuple(rows), tuple(notes))


def _least_scaled(runs: Sequence[Yours]) -> list[Yours]:
    """Those of one basis, that of the most work: a median of several would be of none of them."""
    most = max(runs, key=lambda you: (not you.basis, you.images), default=None)
    return [you for you in runs if most and you.basis == most.basis]


def of_its_rows(preset: Preset, results: Sequence[RunResult]) -> list[RunResult]:
    """Those, by their results or the gist of one, that ran a row of the preset."""
    rows = _wanted(preset)
    return [result for result in results if any(_is_of(row, result) for row in rows)]


def has_printed_numbers(preset: Preset) -> bool:
    return any(row.published for row in preset.rows)


def _columns(keys: Sequence[str]) -> list[Column]:
    return [
        Column("row", "row"),
        Column("framework", "framework"),
        *(Column(key, key) for key in keys),
        Column("theirs_training_s", "theirs: training s", 0),
        Column("yours_training_s", "yours", 1),
        Column("training_ratio", "ratio", 3),
        Column("theirs_evaluation_s", "theirs: evaluation s", 0),
        Column("yours_evaluation_s", "yours", 1),
        Column("evaluation_ratio", "ratio", 3),
        Column("theirs_rank", "rank theirs"),
        Column("yours_rank", "yours"),
        Column("n", "n"),
        Column("status", "status"),
        Column("yours_is", "yours is"),
        Column("flags", "flags"),
        *(Column(name, name, printed=False) for name in ("track", "version", "machine")),
    ]


def _wanted(preset: Preset) -> list[dict[str, Value | None]]:
    """What each row asks for; what the preset leaves open is the schema's default."""
    return [{key: value for key, value in row.resolved().items() if key not in NOT_A_ROW} for row in preset.rows]


def _is_of(wanted: Mapping[str, Value | None], result: RunResult) -> bool:
    """Whether the run has all the settings of a row."""
    return all(result.setting(key) == value for key, value in wanted.items())


def _yours(preset: Preset, result: RunResult) -> Yours | None:
    """The run's times as those of the printed number of epochs and images."""
    clock, training, scaled = result.article_clock, result.training, result.scaled
    if not clock or not training.epochs:
        return None
    images = round(training.images / training.epochs)
    more = preset.train_images / images if preset.train_images and images else 1.0
    whole_s = clock.training_s if scaled is None else scaled.article_training_s or scaled.training_s
    # What is compiled, or waited for between epochs, is not once an image.
    training_s = whole_s + (_epochs_s(result) - (training.once_s or 0.0)) * (more - 1)
    evaluation_s = clock.evaluation_s
    if tested := result.test.images:
        evaluated = preset.test_images / tested if preset.test_images else 1.0
        evaluation_s += _evaluation_s(result.test, tested, result.config.batch_size) * (evaluated - 1)
    basis = _basis(scaled.note if scaled else "", images, more)
    return Yours(result, training_s, evaluation_s, basis, training.images)


def _epochs_s(result: RunResult) -> float:
    """The epochs' own seconds, of all of them; early recordings do not tell them all."""
    training, scaled, clock = result.training, result.scaled, result.article_clock
    if scaled is None:
        whole_s = clock.training_s if clock else 0.0
        return whole_s if training.epochs_s is None else training.epochs_s
    if scaled.epochs_s is not None:
        return scaled.epochs_s
    return (training.first_epoch_s or 0.0) + (scaled.to_epochs - 1) * (training.epoch_s_median or 0.0)


def _evaluation_s(test: Evaluation, images: int, batch_size: int) -> float:
    """The evaluation's seconds that go with its images: without what is compiled in its first batch."""
    seconds, first_s = test.seconds or 0.0, test.first_batch_s or 0.0
    return seconds - max(first_s - usual_batch_s(seconds, first_s, images, batch_size), 0.0)


def _basis(epochs: str, images: int, more: float) -> str:
    """What was scaled, such as ``scaled from 1 epoch of 2,000 images``."""
    if more == 1:
        return epochs
    return f"{epochs or 'scaled from epochs'} of {images:,} images"


def _ranks(seconds: Sequence[float | None]) -> list[int | None]:
    """1 for the shortest time; equal times share a rank, and unknown ones have none."""
    known = sorted(time for time in seconds if time is not None)
    return [None if time is None else known.index(time) + 1 for time in seconds]


def _status(runs: Sequence[RunResult]) -> str:
    """Runs that failed are passed over where another one of the row completed."""
    statuses = dict.fromkeys(result.status for result in runs)
    return "completed" if "completed" in statuses else ", ".join(statuses) or NOT_RUN


def _notes(preset: Preset, rows: Sequence[Mapping[str, Cell]], counted: Sequence[RunResult]) -> list[str]:
    notes = [f"theirs: {preset.source}" + (f", on {preset.hardware}" if preset.hardware else "")]
    notes += [f"yours: {hardware}" for hardware in dict.fromkeys(map(hardware_of, counted))]
    notes += _winner(preset, rows)
    notes.append("ratio: your time by theirs, above 1 is slower here; both are the article's clocks")
    if any(row["yours_is"] for row in rows):
        notes.append("scaled: the times of few epochs or images, as if there had been as many as in theirs")
    if missing := [str(row["row"]) for row in rows if not row["n"]]:
        notes.append(f"without a completed run: row{'' if len(missing) == 1 else 's'} {', '.join(missing)}")
    notes += [f"{result.run}: {warning}" for result in counted for warning in result.warnings]
    notes += versions_of(counted)
    return notes + [f"comparing different machines or versions: {difference}" for difference in origins(counted)]


def _winner(preset: Preset, rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    best = [number for number, row in enumerate(preset.rows) if row.published.get("marked_best")]
    fastest = [row for row in rows if row["yours_rank"] == 1]
    if not best or not fastest:
        return []
    marked = rows[best[0]]
    if marked["yours_rank"] is None:
        return [f"their winner, row {marked['row']} ({marked['framework']}), was not run here"]
    run = sum(row["yours_rank"] is not None for row in rows)
    among = "" if run == len(rows) else f" among the {run} rows that were run"
    too = f", too,{among}" if among else ", too"
    if marked["yours_rank"] == 1:
        sentence = f"their winner, row {marked['row']} ({marked['framework']}), has the shortest median here{too}"
    else:
        first = fastest[0]
        sentence = (
            f"their winner, row {marked['row']} ({marked['framework']}), is number {marked['yours_rank']}"
            f" here{among}; row {first['row']} ({first['framework']}) has the shortest median"
        )
    return [sentence + _weakness(rows)]


def _weakness(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Why the ranks are no conclusion, "" where every row was run often and whole."""
    fewest = min(int(row["n"] or 0) for row in rows if row["n"])
    reasons = [f"{fewest} run{'' if fewest == 1 else 's'} of a row"] if fewest < MIN_RUNS else []
    reasons += ["scaled times"] if any(row["yours_is"] for row in rows) else []
    return f"; with {' and '.join(reasons)} that is no conclusion" if reasons else ""


def _differing(preset: Preset) -> list[str]:
    resolved = [row.resolved() for row in preset.rows]
    shown = [[show_setting(key, values) for values in resolved] for key in SETTINGS]
    return [
        key
        for key, values in zip(SETTINGS, shown, strict=True)
        if key not in ("framework", *NOT_A_ROW) and len(set(values)) > 1
    ]


def _ratio(own: float | None, theirs: float | None) -> float | None:
    return own / theirs if own is not None and theirs else None


def _number(value: Value | None) -> float | None:
    return float(value) if isinstance(value, int | float) else None
