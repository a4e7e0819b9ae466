"""Follow a sweep in plain text: a line for what is over, and on a terminal one that changes for what goes on."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import click

from tfpt_tui.cli.forecast import Countdown
from tfpt_tui.cli.invocation import say
from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import describe_epochs
from tfpt_tui.errors import printable
from tfpt_tui.events import (
    ALIVE,
    EpochEnd,
    EvaluationEnd,
    PhaseEnd,
    RunWarning,
    Stamped,
)
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.fold import Record, fold, time_left_s
from tfpt_tui.runs.record.state import read_state, request_stop, status_of
from tfpt_tui.runs.record.sweep import Sweep, left_of, read_config
from tfpt_tui.runs.record.tail import EventTail
from tfpt_tui.terminal import obeys

POLL_S = 0.2
# Without a terminal, a line about a duel is printed this often.
DUEL_SAID_S = 10.0
# Shorter phases are not worth a line; the result keeps them all.
MIN_PHASE_S = 0.5
# Their figures have lines of their own.
TOLD_OTHERWISE = ("training", "evaluation")


def follow(sweep: Sweep, seconds: Sequence[float | None] = ()) -> bool:
    """Narrate every run of the sweep to its end. Ctrl-C stops the sweep; returns whether it was used.

    A second Ctrl-C leaves at once, and the supervisor to its work. With ``seconds``, the expected time of each
    run, what is left is said after each.
    """
    if sweep.plan.duel:
        return follow_duel(sweep)
    interrupts = Interrupts(sweep)
    known = [one for one in seconds if one is not None]
    countdown = Countdown(known) if len(known) == len(sweep.runs) else None
    for narrator in narrators_of(sweep.runs):
        over = False
        while not over:
            with interrupts:
                over = narrator.step(sweep)
                if countdown and narrator.begun:
                    countdown.begin()
                if not over:
                    time.sleep(POLL_S)
        completed = status_of(narrator.run) == "completed"
        if countdown and (left := countdown.finish(completed=completed)) and not interrupts.used:
            say(left)
    return interrupts.used


def follow_duel(sweep: Sweep) -> bool:
    """Narrate a duel to its end: all its arms at once, then those that were not quiet.

    Ctrl-C stops it; returns whether it was used.
    """
    interrupted = follow_turns(sweep)
    runs = [run for run in sweep.runs if run.path.is_dir()]
    narrators = [one for one in narrators_of(runs) if not one.has_nothing_to_say]
    for narrator in narrators:
        narrator.conclude()
    if quiet := len(runs) - len(narrators):
        say(f"{quiet} of {len(runs)} runs completed without a warning of their own")
    return interrupted


def follow_turns(sweep: Sweep) -> bool:
    """Say whose turn it is until the arms are done. Ctrl-C stops them; returns whether it was used."""
    interrupts, shown, due, left = Interrupts(sweep), "", 0.0, True
    while left:
        with interrupts:
            left = bool(left_of(sweep))
            message = printable(read_state(sweep.directory.state).message)
            if obeys(sys.stderr):
                clear_line()
                click.echo(message[: shutil.get_terminal_size().columns - 1], err=True, nl=False)
            elif message and message != shown and time.monotonic() >= due:
                say(message)
                shown, due = message, time.monotonic() + DUEL_SAID_S
            if left:
                time.sleep(POLL_S)
    clear_line()
    return interrupts.used


class Interrupts(AbstractContextManager[None]):
    """What Ctrl-C does while sweeps are followed: the first one stops them, a second one leaves at once."""

    def __init__(self, *sweeps: Sweep) -> None:
        self._sweeps = sweeps
        self.used = False

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind is not KeyboardInterrupt or self.used:
            return False
        self.used = True
        for sweep in self._sweeps:
            request_stop(sweep.directory)
        clear_line()
        say("stopping the runs; Ctrl-C again leaves without waiting")
        return True


def follow_together(sweeps: Sequence[tuple[str, Sweep]]) -> bool:
    """Narrate sweeps, each with the name of its machine, to the end of all. Ctrl-C stops them; returns whether it
    was used.
    """
    interrupts = Interrupts(*(sweep for _, sweep in sweeps))
    narrations = [_tell_all(sweep, name) for name, sweep in sweeps]
    while narrations:
        with interrupts:
            narrations = [one for one in narrations if next(one, True) is None]
            time.sleep(POLL_S)
    return interrupts.used


def _tell_all(sweep: Sweep, machine: str) -> Iterator[None]:
    """Tell a sweep to its end, a step at a time."""
    said = ""
    while sweep.plan.duel and left_of(sweep):
        message = printable(read_state(sweep.directory.state).message)
        if message and message != said:
            clear_line()
            say(f"[{machine}] {message}")
            said = message
        yield
    for narrator in narrators_of([run for run in sweep.runs if run.path.is_dir()], machine):
        while not narrator.step(sweep):
            yield


def narrators_of(runs: Sequence[RunDirectory], machine: str = "") -> list[Narrator]:
    """One for each run, numbered where there are several, and with the name of its machine."""
    numbers = [f"{number}/{len(runs)}" if len(runs) > 1 else "" for number in range(1, len(runs) + 1)]
    labels = [" ".join(filter(None, (machine, number))) for number in numbers]
    return [Narrator(run, f"[{label}] " if label else "") for run, label in zip(runs, labels, strict=True)]


class Narrator:
    """Tells one run as its events come in."""

    def __init__(self, run: RunDirectory, label: str) -> None:
        self.run = run
        self.label = label
        self.tail = EventTail(run.events)
        self.record = Record()
        self.begun = False
        self.waited_for = ""

    def step(self, sweep: Sweep | None = None) -> bool:
        """Tell what is new; True once the run is over and shown."""
        if not self.run.path.is_dir():
            duel = sweep.plan.duel if sweep else None
            if self.begun or not (duel and duel.ends_early):  # else the duel had its answer without it
                say(f"{self.label}{self.run.id}: was deleted")
            return True
        status = status_of(self.run)  # before the events: what is written later is shown in the next step
        for stamped in self.tail.stream():
            self._begin()
            self.record = fold(self.record, stamped)
            line = tell(stamped)
            if line:
                clear_line()
                say(line)
        if status not in ALIVE:
            self._begin()
            clear_line()
            self._tell_warnings()
            say(tell_ending(self.run, status))
            return True
        if status == "queued" and sweep:
            self._tell_waiting(sweep)
        show_progress(self.record)
        return False

    @property
    def has_nothing_to_say(self) -> bool:
        """Whether its run completed without a warning."""
        return status_of(self.run) == "completed" and not read_result(self.run).warnings

    def conclude(self) -> None:
        """Tell of a run that is over what it was, what was wrong, and how it ended."""
        self._begin()
        self._tell_warnings()
        say(tell_ending(self.run, status_of(self.run)))

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            config = read_config(self.run)
            title = title_of(config.framework)
            what = config.track if config.measure == "end_to_end" else f"{config.track}, {config.measure} only"
            settings = f"track {what}, batch {config.batch_size}, {describe_epochs(config)}"
            say(f"{self.label}{self.run.id}: {title}, {settings}")

    def _tell_warnings(self) -> None:
        """Those that the supervisor found; the worker's were shown when they came."""
        for warning in read_result(self.run).warnings:
            if warning not in self.record.warnings:
                say(f"  warning: {warning}")

    def _tell_waiting(self, sweep: Sweep) -> None:
        message = printable(read_state(sweep.directory.state).message)
        if message and message != self.waited_for:
            say(message)
        self.waited_for = message


def tell(stamped: Stamped) -> str:
    """One line for an event that a reader should see, nothing for the others."""
    match stamped.event:
        case PhaseEnd(phase, seconds) if seconds >= MIN_PHASE_S and phase not in TOLD_OTHERWISE:
            return f"  {phase:<15} {seconds:8.1f} s"
        case EpochEnd() as epoch:
            of = f"/{epoch.epochs}" if epoch.epochs else ""
            return (
                f"  {f'epoch {epoch.epoch}{of}':<15} {epoch.seconds:8.1f} s"
                f"{_learnt(epoch)}  {epoch.images_per_s:.0f} images/s"
            )
        case EvaluationEnd() as test:
            return (
                f"  {'test':<15} {test.seconds:8.1f} s"
                f"  loss {test.loss:.4f}  accuracy {test.accuracy:.4f}  {test.images_per_s:.0f} images/s"
            )
        case RunWarning() as warning:
            return f"  warning: {warning}"
    return ""


def _learnt(epoch: EpochEnd) -> str:
    if epoch.loss is None or epoch.accuracy is None:
        return ""
    return f"  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:.4f}"


def tell_ending(run: RunDirectory, status: str) -> str:
    """The status, the reason where there is one, and where to read more after a failure."""
    error = read_result(run).error
    log = f"\n  its log: {run.log}" if status not in ("completed", "stopped") and run.log.exists() else ""
    return f"  {status}" + (f": {error.message}" if error and error.message else "") + log


def show_progress(record: Record) -> None:
    """The line that changes, on a terminal only."""
    if not obeys(sys.stderr) or not record.phase:
        return
    text = f"  {printable(record.phase)}"
    if record.progress:
        if record.progress.epoch:
            text += f" epoch {record.progress.epoch}"
        text += f"  {record.epoch_progress:4.0%}  {record.progress.images_per_s:.0f} images/s"
        left_s = time_left_s(record)
        text += "" if left_s is None else f"  {left_s:.0f} s left"
    clear_line()
    click.echo(text, err=True, nl=False)


def clear_line() -> None:
    if obeys(sys.stderr):
        click.echo("\r\x1b[K", err=True, nl=False)
