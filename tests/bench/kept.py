"""A series that can be continued: a line a trial in a file beside its bench."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfpt_tui.hardware.processor import describe_processor


def machine() -> str:
    """What was measured on: figures of two machines are no series."""
    processor = describe_processor()
    return f"{processor.get('processor', 'unknown')}, cores {processor['allowed_cores']}"


def append(file: Path, columns: Sequence[str], line: Mapping[str, object]) -> None:
    """Add a line to a file of comma-separated values, with its header where it is new."""
    new = not file.exists()
    with file.open("a", newline="") as lines:
        table = csv.DictWriter(lines, columns, lineterminator="\n")
        if new:
            table.writeheader()
        table.writerow(line)
