"""The prepared datasets that we know of: those in our own directory, and those that recorded runs used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.data.manifest import Manifest, read_manifest
from tfpt_tui.errors import TfptError
from tfpt_tui.results.table import Cell, Column, Table
from tfpt_tui.runs.directory import list_runs
from tfpt_tui.runs.sweep import read_config

# Datasets change seldom: the newest runs know those in use.
RECENT_RUNS = 50


def known_datasets(paths: Paths) -> dict[Path, Manifest]:
    """Complete datasets by directory."""
    directories = [path.parent for path in sorted(paths.datasets.glob("*/manifest.toml"))]
    for run in list_runs(paths)[:RECENT_RUNS]:
        try:
            directories.append(Path(read_config(run).data))
        except TfptError:
            continue  # a run without valid configuration names no dataset
    found = {}
    for directory in dict.fromkeys(directories):
        try:
            found[directory] = read_manifest(directory)
        except TfptError:
            continue  # it was moved or deleted since
    return found


def datasets_table(datasets: Mapping[Path, Manifest]) -> Table:
    columns = (
        Column("classes", "classes"),
        Column("train", "training"),
        Column("test", "test"),
        Column("size", "size"),
        Column("path", "dataset"),
        Column("source", "made from"),
    )
    rows: list[dict[str, Cell]] = [
        {
            "classes": len(manifest.classes),
            "train": manifest.total("train"),
            "test": manifest.total("test"),
            "size": f"{manifest.image['width']}x{manifest.image['height']}",
            "path": str(path),
            "source": str(manifest.request["source"]),
        }
        for path, manifest in datasets.items()
    ]
    return Table(columns, tuple(rows))
