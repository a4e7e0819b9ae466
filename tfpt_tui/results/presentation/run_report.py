"""One run in words and figures, for ``runs show`` and for a single run's end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.documents import Value
from tfpt_tui.events import ModelSummary
from tfpt_tui.results.comparison.groups import version_of
from tfpt_tui.results.presentation.listing import describe_notes
from tfpt_tui.results.table import Cell, Column, Table, as_text
from tfpt_tui.runs.record.duel_ratio import turns_that_count
from tfpt_tui.runs.record.result import RunResult
from tfpt_tui.wording import wrap

WIDTH = 18  # of the names
TIMED = ("training", "evaluation")
WIDE = 10_000  # columns, for what breaks no lines


def report_run(result: RunResult, width: int = WIDE) -> str:
    """What the run was to do, what it did, and what came out; parts that were not reached are left out.

    Lines are broken at ``width`` columns, below where their values begin.
    """
    indent = " " * (WIDTH + 3)
    # An error may have lines of its own.
    lines = [line for part in _report(result) for line in part.split("\n")]
    return "".join(f"{line}\n" for part in lines for line in wrap(part, width, indent=indent) or [""])


def _report(result: RunResult) -> list[str]:
    lines = [f"run {result.run}: {result.status}"]
    if result.error and result.error.message:
        lines.append(f"  {result.error.message}")
    lines += [f"  warning: {warning}" for warning in result.warnings]
    if notes := describe_notes(result.notes):
        lines.append(_line("notes", notes))
    if result.started:
        lines.append(_line("started", f"{datetime.fromtimestamp(result.started):%Y-%m-%d %H:%M:%S}"))
    lines += [_line("framework", f"{title_of(result.framework)} {version_of(result)}".strip()), *_settings(result)]
    if interpreter := result.environment.interpreter:
        lines.append(_line("interpreter", interpreter))
    if spared := result.environment.spared_cores:
        cores = ", ".join(map(str, spared))
        lines.append(_line("left to tfpt-tui", f"core{'' if len(spared) == 1 else 's'} {cores}"))
    if result.effective:
        device, name = result.device, result.effective.get("device_name")
        lines.append(_line("device used", device if device == name else f"{device} ({name})"))
        lines.append(_line("applied", _applied(result.effective)))
    if model := result.model:
        lines.append(_line("parameters", f"{model.total:,} ({model.trainable:,} trainable)"))
    lines += [
        _line(phase, f"{seconds:.2f} s{_processor(result, phase)}") for phase, seconds in result.phases.items()
    ]
    return lines + _figures(result)


def report_layers(model: ModelSummary) -> str:
    """The layer table, as the article prints it."""
    columns = (
        Column("name", "layer"),
        Column("type", "type"),
        Column("output_shape", "output shape"),
        Column("parameters", "parameters"),
    )
    rows: list[dict[str, Cell]] = [
        {
            "name": layer.name,
            "type": layer.type,
            "output_shape": f"({', '.join(map(str, layer.output_shape))})",
            "parameters": f"{layer.parameters:,}".rjust(10),
        }
        for layer in model.layers
    ]
    totals = f"{model.total:,} parameters: {model.trainable:,} trainable, {model.non_trainable:,} not"
    return as_text(Table(columns, tuple(rows), (totals,)))


def _settings(result: RunResult) -> list[str]:
    """The settings that say what was run: those without default, and those that differ from it."""
    always = ("data", "batch_size", "epochs", "seed")
    values = result.config.to_mapping() if result.config.is_known else {}
    return [
        _line(key, str(value) + (f" {SETTINGS[key].unit}" if SETTINGS[key].unit else ""))
        for key, value in values.items()
        if key != "framework" and (key in always or value != SETTINGS[key].default)
    ]


def _applied(effective: Mapping[str, Value]) -> str:
    """What the framework says it applies, but for the device, as ``threads 2, compile no``."""
    applied = {name: value for name, value in effective.items() if name not in ("device", "device_name")}
    words = {True: "yes", False: "no", "": "none"}
    shown = [
        f"{name} {words.get(value, value) if isinstance(value, bool | str) else value}"
        for name, value in applied.items()
    ]
    return ", ".join(shown)


def _processor(result: RunResult, phase: str) -> str:
    """What the kernel counted while it was timed, such as ``, processor 15.6 s user, 0.9 s system``."""
    if phase not in TIMED or not result.counters.get(phase):
        return ""
    counters = defaultdict(float, result.counters[phase])  # a damaged record may lack some
    faults = counters["minor_faults"] + counters["major_faults"]
    switches = counters["voluntary_switches"] + counters["involuntary_switches"]
    return (
        f", processor {counters['user_s']:.1f} s user, {counters['system_s']:.1f} s system,"
        f" {faults:,.0f} page faults, {switches:,.0f} context switches"
    )


def _figures(result: RunResult) -> list[str]:
    lines = []
    training, test = result.training, result.test
    if result.slices:
        turns = f"the median of {len(turns_that_count(result.slices))} turns"
        lines.append(_line("throughput", f"{training.throughput or 0:.1f} images/s in {turns}"))
    elif training.epoch_s_median is not None and training.first_epoch_s is not None:
        lines.append(
            _line(
                "throughput",
                f"{training.throughput or 0:.1f} images/s in the"
                f" median epoch {training.epoch_s_median:.2f} s, first {training.first_epoch_s:.2f} s",
            )
        )
    if training.loss is not None and training.accuracy is not None:
        lines.append(_line("training", f"loss {training.loss:.4f}, accuracy {training.accuracy:.4f}"))
    if test.loss is not None and test.accuracy is not None:
        lines.append(_line("test", f"loss {test.loss:.4f}, accuracy {test.accuracy:.4f}"))
    if result.profile.shares:
        parts = sorted(result.profile.shares.items(), key=lambda part: -part[1])
        shares = ", ".join(f"{part} {share:.0%}" for part, share in parts)
        lines.append(_line("a step", f"{1000 * result.profile.step_s:.1f} ms: {shares}; {result.profile.trace}"))
    if clock := result.article_clock:
        seconds = f"training {clock.training_s:.1f} s, evaluation {clock.evaluation_s:.1f} s"
        lines.append(_line("article's clock", seconds))
    if scaled := result.scaled:
        lines.append(
            _line("training time", f"{scaled.training_s:.1f} s for {scaled.to_epochs} epochs, {scaled.note}")
        )
    if peak := result.memory.peak_rss_bytes:
        lines.append(_line("peak memory", f"{peak / 1e6:.0f} MB"))
    for artifact in result.artifacts:
        lines.append(_line(artifact.name, f"{artifact.bytes / 1e3:.0f} kB"))
    return lines


def _line(name: str, value: str) -> str:
    return f"  {name:<{WIDTH}} {value}"
