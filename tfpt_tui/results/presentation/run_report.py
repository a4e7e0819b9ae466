"""One run in words and figures, for ``runs show`` and for a single run's end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import SETTINGS
from tfpt_tui.events import ModelSummary
from tfpt_tui.results.comparison.groups import version_of
from tfpt_tui.results.table import Cell, Column, Table, as_text
from tfpt_tui.runs.record.fold import throughput, warnings_of
from tfpt_tui.runs.record.scaling import scaled_note
from tfpt_tui.wording import wrap

WIDTH = 18  # of the names
TIMED = ("training", "evaluation")
WIDE = 10_000  # columns, for what breaks no lines


def report_run(result: Mapping[str, Any], width: int = WIDE) -> str:
    """What the run was to do, what it did, and what came out; parts that were not reached are left out.

    Lines are broken at ``width`` columns, below where their values begin.
    """
    indent = " " * (WIDTH + 3)
    # An error may have lines of its own.
    lines = [line for part in _report(result) for line in part.split("\n")]
    return "".join(f"{line}\n" for part in lines for line in wrap(part, width, indent=indent) or [""])


def _report(result: Mapping[str, Any]) -> list[str]:
    config = result["config"]
    lines = [f"run {result['run']}: {result['status']}"]
    if message := result.get("error", {}).get("message"):
        lines.append(f"  {message}")
    lines += [f"  warning: {warning}" for warning in warnings_of(result)]
    if result.get("started"):
        lines.append(_line("started", f"{datetime.fromtimestamp(result['started']):%Y-%m-%d %H:%M:%S}"))
    lines += [_line("framework", _framework(result)), *_settings(config)]
    if interpreter := result.get("environment", {}).get("interpreter"):
        lines.append(_line("interpreter", interpreter))
    if spared := result.get("environment", {}).get("spared_cores"):
        cores = ", ".join(map(str, spared))
        lines.append(_line("left to tfpt-tui", f"core{'' if len(spared) == 1 else 's'} {cores}"))
    if effective := result.get("effective"):
        device, name = effective.get("device"), effective.get("device_name")
        lines.append(_line("device used", str(device) if device == name else f"{device} ({name})"))
        lines.append(_line("applied", _applied(effective)))
    if model := result.get("model"):
        lines.append(_line("parameters", f"{model['total']:,} ({model['trainable']:,} trainable)"))
    lines += [
        _line(phase, f"{seconds:.2f} s{_processor(result, phase)}") for phase, seconds in result["phases"].items()
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


def _framework(result: Mapping[str, Any]) -> str:
    name = result["config"].get("framework", "")
    return f"{title_of(name)} {version_of(result)}".strip()


def _settings(config: Mapping[str, Any]) -> list[str]:
    """The settings that say what was run: those without default, and those that differ from it."""
    always = ("data", "batch_size", "epochs", "seed")
    return [
        _line(key, str(config[key]) + (f" {setting.unit}" if setting.unit else ""))
        for key, setting in SETTINGS.items()
        if key != "framework" and key in config and (key in always or config[key] != setting.default)
    ]


def _applied(effective: Mapping[str, Any]) -> str:
    """What the framework says it applies, but for the device, as ``threads 2, compile no``."""
    applied = {name: value for name, value in effective.items() if name not in ("device", "device_name")}
    words = {True: "yes", False: "no", "": "none"}
    shown = [
        f"{name} {words.get(value, value) if isinstance(value, bool | str) else value}"
        for name, value in applied.items()
    ]
    return ", ".join(shown)


def _processor(result: Mapping[str, Any], phase: str) -> str:
    """What the kernel counted while it was timed, such as ``, processor 15.6 s user, 0.9 s system``."""
    counters = result.get("counters", {}).get(phase)
    if not counters or phase not in TIMED:
        return ""
    faults = counters["minor_faults"] + counters["major_faults"]
    switches = counters["voluntary_switches"] + counters["involuntary_switches"]
    return (
        f", processor {counters['user_s']:.1f} s user, {counters['system_s']:.1f} s system,"
        f" {faults:,.0f} page faults, {switches:,.0f} context switches"
    )


def _figures(result: Mapping[str, Any]) -> list[str]:
    lines = []
    if training := result.get("training"):
        lines.append(
            _line(
                "throughput",
                f"{throughput(training) or 0:.1f} images/s in the"
                f" median epoch {training['epoch_s_median']:.2f} s, first {training['first_epoch_s']:.2f} s",
            )
        )
        if "loss" in training:
            lines.append(_line("training", f"loss {training['loss']:.4f}, accuracy {training['accuracy']:.4f}"))
    if test := result.get("test"):
        lines.append(_line("test", f"loss {test['loss']:.4f}, accuracy {test['accuracy']:.4f}"))
    if clock := result.get("article_clock"):
        seconds = f"training {clock['training_s']:.1f} s, evaluation {clock['evaluation_s']:.1f} s"
        lines.append(_line("article's clock", seconds))
    if scaled := result.get("scaled"):
        seconds = f"{scaled['training_s']:.1f} s for {scaled['to_epochs']} epochs, {scaled_note(result)}"
        lines.append(_line("training time", seconds))
    if peak := result.get("memory", {}).get("peak_rss_bytes"):
        lines.append(_line("peak memory", f"{peak / 1e6:.0f} MB"))
    for artifact in result.get("artifacts", []):
        lines.append(_line(artifact["name"], f"{artifact['bytes'] / 1e3:.0f} kB"))
    return lines


def _line(name: str, value: str) -> str:
    return f"  {name:<{WIDTH}} {value}"
