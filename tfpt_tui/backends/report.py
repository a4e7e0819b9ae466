"""What a worker tells the world: it appends events to ``events.jsonl`` and never waits for a reader.

The training loop only tells how many images each step took. A thread of its own turns their number into at most
five progress events a second, so that no input or output and no lock stands in the loop.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tfpt_tui.counters import read_counters
from tfpt_tui.events import EpochEnd, Event, Heartbeat, PhaseEnd, PhaseStart, Progress, RunWarning, Stamped, encode
from tfpt_tui.files import append_to

PROGRESS_S = 0.2
HEARTBEAT_S = 5.0


def clock() -> float:
    """Monotonic seconds, from the one clock that every figure of a run is taken with."""
    return time.perf_counter_ns() / 1e9


class Report:
    """The event stream of one run. Use it as a context manager: leaving it ends its thread.

    ``done`` are the images of the phase under way; ``step_done`` is called with those of every training step, and
    with the number of steps where several are taken at once.
    ``endless`` if the training has no last epoch: the duel ends it. ``quiet`` while neither phases nor
    epochs are recorded, and ``epoch_s`` the seconds of the last one.
    """

    def __init__(self, path: Path) -> None:
        self.done = 0
        self.endless = False
        self.quiet = False
        self.epoch_s = 0.0
        self.step_done: Callable[[int, int], None] = lambda images, steps: None
        self._stopped: float | None = None
        self._stopped_s = 0.0
        self._epoch = 0
        self._epochs = 0
        self._total = 0
        self._phase = ""
        self._since = 0.0
        self._seq = 0
        self._started = clock()
        self._seen_infinite_loss = False
        self._file = append_to(path)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="report", daemon=True)

    def __enter__(self) -> Report:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()
        self._file.close()

    def emit(self, event: Event) -> None:
        """Append the event, as one write, so that a reader sees whole lines.

        Raises:
            OSError: the disk is full.
        """
        with self._lock:
            line = encode(Stamped(self._seq, time.time(), clock() - self._started, event))
            self._file.write(line.encode())
            self._seq += 1

    def count(self, images: int, steps: int = 1) -> None:
        """One training step more, of so many images, or some that were taken at once."""
        self.done += images
        self.step_done(images, steps)

    def clock(self) -> float:
        """The clock of the training: it stands still while another arm of a duel has its turn."""
        stopped = self._stopped  # once: a thread asks, too
        return (clock() if stopped is None else stopped) - self._stopped_s

    def stop_clock(self) -> float:
        """What the clock shows until it goes on."""
        self._stopped = clock()
        return self.clock()

    def start_clock(self) -> float:
        """Let the clock go on from where it stopped."""
        if self._stopped is not None:
            self._stopped_s += clock() - self._stopped
            self._stopped = None
        return self.clock()

    @contextmanager
    def phase(self, name: str, total: int = 0) -> Iterator[None]:
        """Tell start and end of a phase; ``total`` images are to be done in it, 0 where nothing is counted."""
        if self.quiet:
            yield
            return
        self._begin(name, total=total)
        self.emit(PhaseStart(name))
        before = read_counters()
        started = self.clock()
        yield
        seconds = self.clock() - started
        counters = read_counters() - before
        self._begin("")
        self.emit(PhaseEnd(name, seconds, counters.to_mapping()))

    def begin_epoch(self, epoch: int, epochs: int, total: int) -> None:
        """Count from 0 again, towards the ``total`` images of this epoch; ``epoch`` counts from 1."""
        self._begin("training", epoch, 0 if self.endless else epochs, total)

    def end_epoch(self, loss: float | None, accuracy: float | None, seconds: float, first_batch_s: float) -> None:
        """Tell an epoch's figures; loss and accuracy are None where nothing was trained."""
        self.epoch_s = seconds
        if self.quiet:
            return
        self.emit(
            EpochEnd(self._epoch, self._epochs, loss, accuracy, seconds, first_batch_s, self._total / seconds)
        )
        if loss is not None and not math.isfinite(loss) and not self._seen_infinite_loss:
            self._seen_infinite_loss = True
            message = f"the loss became {loss} in epoch {self._epoch}: the training has diverged"
            self.emit(RunWarning(message, "diverged", "lower learning_rate", "accuracy"))

    def _begin(self, phase: str, epoch: int = 0, epochs: int = 0, total: int = 0) -> None:
        # The total goes to 0 first: the thread never pairs an old count with a new total.
        self._total = 0
        self.done = 0
        self._phase, self._epoch, self._epochs = phase, epoch, epochs
        self._since = self.clock()
        self._total = total

    def _tick(self) -> None:
        last_done, last_beat = -1, clock()
        while not self._ending.wait(PROGRESS_S):
            done, total = self.done, self._total
            try:
                if total and done != last_done and not self.quiet:
                    rate = done / (self.clock() - self._since)
                    self.emit(Progress(self._phase, self._epoch, min(done, total), total, rate))
                    last_done, last_beat = done, clock()
                elif clock() - last_beat >= HEARTBEAT_S:
                    self.emit(Heartbeat())
                    last_beat = clock()
            except OSError:
                return  # the disk is full: the worker itself meets the same error at its next event
