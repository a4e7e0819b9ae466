"""Where a plan may start: the presets, shipped and the user's own, and the runs that were recorded last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import load_preset, preset_files
from tfpt_tui.errors import TfptError
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.result import RunResult

SHIPPED, OWN, RECORDED = "presets", "your presets", "recorded runs"
# Older ones are found by their ID: tfpt-tui runs rerun.
RECENT_RUNS = 40


@dataclass(frozen=True)
class Source:
    """A file of rows. ``framework`` and ``status`` are a recorded run's, ``problem`` a broken preset's."""

    group: str
    name: str
    path: Path
    detail: str = ""
    framework: str = ""
    status: str = ""
    problem: str = ""


def list_sources(paths: Paths, summaries: Sequence[RunResult]) -> list[Source]:
    """All presets, and the newest of the runs in ``summaries``; one that is broken is listed with the reason."""
    presets = [_preset(name, path, paths) for name, path in preset_files(paths).items()]
    runs = [_run(summary, paths) for summary in summaries[:RECENT_RUNS]]
    return [*sorted(presets, key=lambda source: source.group == OWN), *runs]


def _preset(name: str, path: Path, paths: Paths) -> Source:
    group = OWN if path.parent == paths.user_presets else SHIPPED
    try:
        preset = load_preset(path)
    except TfptError as error:
        return Source(group, name, path, problem=str(error))
    rows = len(preset.rows)
    return Source(group, name, path, f"{rows} row{'' if rows == 1 else 's'}")


def _run(summary: RunResult, paths: Paths) -> Source:
    run, config = RunDirectory(paths.runs / summary.run), summary.config
    day, time, framework, _ = run.id.split("-")
    detail = f"b{config.batch_size} e{config.epochs}" if config.is_known else ""
    when = f"{day[4:6]}-{day[6:8]} {time[:2]}:{time[2:4]}"
    return Source(RECORDED, when, run.config, detail, framework, summary.status)
