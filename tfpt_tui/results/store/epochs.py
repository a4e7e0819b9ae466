"""The epochs of a run, for its curves: loss and accuracy of the training."""

from __future__ import annotations

import csv

from tfpt_tui.runs.record.directory import RunDirectory


def read_epochs(run: RunDirectory) -> list[dict[str, float]]:
    """The epochs that trained, by the names of ``epochs.csv``; ``at_s`` are the seconds at which each ended."""
    try:
        with run.epochs.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        epochs = [{name: float(value) for name, value in row.items() if name and value} for row in rows]
    except (OSError, TypeError, ValueError):
        return []
    at_s = 0.0
    for epoch in epochs:
        at_s += epoch.get("seconds", 0.0)
        epoch["at_s"] = at_s
    return [epoch for epoch in epochs if {"epoch", "train_loss", "train_accuracy"} <= epoch.keys()]
