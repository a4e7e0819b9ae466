"""Begin a plan on other machines, all of it on each, with the dataset that it names."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tfpt_tui.config.machines import Machine
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.schema import HERE, PREPARE, SEND
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.errors import MissingError, TfptError, cannot
from tfpt_tui.files import scratch_directory
from tfpt_tui.machines.connection import UnreachableError, connected
from tfpt_tui.machines.datasets import digest_of, send_dataset
from tfpt_tui.machines.mirror import Mirror
from tfpt_tui.machines.wire import Done, Request, Submitted
from tfpt_tui.results.store.datasets import arguments_of
from tfpt_tui.runs.plan.plan import Plan
from tfpt_tui.runs.record.directory import NUMBERS
from tfpt_tui.runs.supervision.submit import submit

Tell = Callable[[str], None]
Begun = tuple[Machine, tuple[str, ...]]


def begin(
    plan: Plan, machines: Sequence[Machine], provide: str, settings: UserSettings, paths: Paths, tell: Tell
) -> list[Begun]:
    """Begin the plan on every one of these machines, once the data is on all of them; ``tell`` says what is done.

    ``provide`` is one of :data:`~tfpt_tui.config.schema.PROVIDED`, or "" to change nothing there.

    Returns the sweeps that each machine began.

    Raises:
        UsageError: the plan is refused by one of them.
        MissingError: a machine cannot be reached, or lacks something; the line says on which machines it was begun
            already.
    """
    others = [machine for machine in machines if machine.name != HERE]
    if len(others) < len(machines):  # what this machine lacks is said before anything is begun
        for run in plan.runs:
            read_manifest(Path(run.config.data))
    digests = {run.config.data: digest_of(run.config.data) for run in plan.runs}
    for machine in others:
        _place_data(machine, digests, provide, paths, tell)
    plan = replace(plan, submission=f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")
    # The machines count on from one another: no run of one has the name of another's.
    first = secrets.randbelow(NUMBERS)
    begun: list[Begun] = []
    for place, machine in enumerate(machines):
        number = (first + place * len(plan.runs)) % NUMBERS
        try:
            if machine.name == HERE:
                sweeps: tuple[str, ...] = (submit(plan, settings, paths, number=number).id,)
            else:
                sweeps = _begin_there(plan, machine, digests, number, paths)
        except TfptError as error:
            if not begun:
                raise
            there = ", ".join(f"{one.name} (sweep {' '.join(names)})" for one, names in begun)
            raise type(error)(f"{error}; it was begun already on {there}") from None
        begun.append((machine, sweeps))
    return begun


@contextmanager
def _trace(paths: Paths) -> Iterator[str]:
    """The name of something that is among the runs for a moment."""
    with ExitStack() as stack:
        try:
            paths.runs.mkdir(parents=True, exist_ok=True)
            trace = stack.enter_context(scratch_directory(paths.runs, "trace"))
        except OSError as error:
            raise cannot("record a run", paths.runs, error) from None
        yield trace.name


def _begin_there(
    plan: Plan, machine: Machine, digests: Mapping[str, str], number: int, paths: Paths
) -> tuple[str, ...]:
    request = Request("submit", plan=plan, data=digests, number=number)
    with connected(machine, request) as connection:
        answer = connection.hear_one(Submitted)
    if answer.missing:  # it was there when it was asked for
        raise MissingError(
            f"{machine.name}: its dataset like {answer.missing[0]} is gone: nothing was begun there"
        )
    for sweep in answer.sweeps:
        Mirror(machine.name, paths).expect(sweep)
    return answer.sweeps


def _place_data(machine: Machine, digests: Mapping[str, str], provide: str, paths: Paths, tell: Tell) -> None:
    """See to it that the machine has the datasets.

    Raises:
        UsageError: it records where this machine does.
        MissingError: it has not, and they are not to be made there, or cannot be.
    """
    with (
        _trace(paths) as trace,
        connected(machine, Request("find", data=digests, trace=trace)) as connection,
    ):
        missing = connection.hear_one(Submitted).missing
    for directory in missing:
        if not digests[directory]:
            raise MissingError(f"{machine.name}: no dataset {directory}, there or here; name one with --data DIR")
        name = Path(directory).name
        if not provide:
            raise MissingError(
                f"{machine.name}: has no dataset like {name}; --provide {PREPARE} makes it there, by the command"
                f" that made this one, --provide {SEND} copies it"
            )
        if provide == PREPARE:
            tell(f"{machine.name}: preparing {name}")
            _prepare_there(machine, Path(directory))
        else:
            tell(f"{machine.name}: sending {name}")
            request = Request("receive", data={name: digests[directory]})
            with connected(machine, request) as connection:
                try:
                    send_dataset(Path(directory), connection.to_there)
                except MissingError as error:
                    if isinstance(error.__cause__, BrokenPipeError):
                        with suppress(UnreachableError):
                            connection.hear_one(Done)  # it says why it takes no more of it
                    raise
                connection.hear_one(Done)


def _prepare_there(machine: Machine, directory: Path) -> None:
    """Run there what made the dataset here.

    Raises:
        MissingError: it came of files of this machine, the preparation failed, or made another dataset.
    """
    manifest = read_manifest(directory)
    if str(manifest.request["source"]).startswith("folder"):
        raise MissingError(f"{directory}: was made of a folder of this machine: --provide {SEND} copies it")
    words = (*arguments_of(manifest), directory.name)
    with connected(machine, Request("prepare", words=words)) as connection:
        connection.hear_one(Done)
    with connected(machine, Request("find", data={str(directory): manifest.digest})) as connection:
        if connection.hear_one(Submitted).missing:
            raise MissingError(
                f"{machine.name}: the same command made other images there, by another Pillow perhaps:"
                f" --provide {SEND} copies these"
            )
