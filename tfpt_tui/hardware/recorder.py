"""``hardware.csv``: one row a second while a worker runs."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tfpt_tui.files import append_to
from tfpt_tui.hardware.cpu import CpuReader
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.hardware.processor import online_cores
from tfpt_tui.hardware.sample import Sample, columns, to_row

INTERVAL_S = 1.0


class Recorder:
    """Appends samples to ``hardware.csv``. Use it as a context manager; call :meth:`tick` often."""

    def __init__(self, path: Path, worker: int, gpu: GpuReader) -> None:
        self._gpu = gpu
        self._cpu = CpuReader(worker)
        self._cores = online_cores()
        self._header = columns(self._cores, len(gpu.latest().gpus))
        self._started = time.perf_counter()
        self._due = self._started
        self._file = io.TextIOWrapper(append_to(path), encoding="utf-8", newline="", write_through=True)
        self._write(self._header)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def begin(self) -> None:
        """Let the next sample cover the time from here on, as the worker was stopped until now."""
        self._cpu.read()
        self._due = time.perf_counter() + INTERVAL_S / 2

    def tick(self) -> None:
        """Take a sample if a second has passed since the last one."""
        now = time.perf_counter()
        if now < self._due:
            return
        # Readings that were missed while this process had to wait are not made up for.
        self._due = self._due + INTERVAL_S if self._due + INTERVAL_S > now else now + INTERVAL_S
        fields = self._cpu.read()
        sample = Sample(
            time.time(), now - self._started, gpus=self._gpu.latest().gpus, cores=self._cores, **fields
        )
        with suppress(OSError):  # a full disk: a reading less is no reason to end a run
            self._write(to_row(sample, self._header))

    def _write(self, cells: Sequence[str]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        self._file.write(line.getvalue())
