"""Other machines that runs can be sent to: the tables ``[machines.NAME]`` of config.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from tfpt_tui.config.frameworks import FRAMEWORKS
from tfpt_tui.config.schema import HERE, MACHINE_NAME, nearest
from tfpt_tui.documents import DocumentError, Value, build
from tfpt_tui.errors import MissingError, UsageError

SSH, SLURM, RAY = KINDS = ("ssh", "slurm", "ray")


@dataclass(frozen=True)
class Machine:
    """A machine that executes plans with a tfpt-tui of its own.

    Attributes:
        name: what the user calls it.
        kind: how it is reached, one of :data:`KINDS`.
        host: as the user's own OpenSSH knows it: an alias, or ``user@host``; of Slurm the login node, of Ray the
            head, "" where this machine is it.
        address: of a Ray cluster, "" for the one that runs on its head.
        runs: the directory of its runs, "" for the usual one there; of Slurm it is shared with the nodes.
        command: starts tfpt-tui there; a line for its shell, which finds no more than a login does.
        interpreters: by framework, instead of those that its own settings name.
        partition: of Slurm, "" for the usual one.
        resources: of a Slurm job, by the names of sbatch's options, such as ``gres``; of a Ray task, by theirs.
        price_per_hour: in whatever currency, the same for all machines; 0 where it is not known.
    """

    name: str = ""
    kind: str = ""
    host: str = ""
    runs: str = ""
    command: str = "tfpt-tui"
    interpreters: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    partition: str = ""
    resources: Mapping[str, Value] = field(default_factory=dict)
    price_per_hour: float = 0.0


KEYS = [one.name for one in fields(Machine) if one.name != "name"]


def read_machines(document: object, where: str) -> dict[str, Machine]:
    """The machines of a settings file, by name.

    Raises:
        UsageError: an unknown key, or a refused name or value.
    """
    if not isinstance(document, Mapping):
        raise UsageError(f"{where}: machines must be tables, written [machines.NAME]")
    machines = {
        name: _read_machine(name, table, f"{where}: [machines.{name}]") for name, table in document.items()
    }
    places: dict[tuple[str, str], str] = {}
    for name, machine in machines.items():
        other = places.setdefault((machine.host, machine.runs), name)
        if other != name:  # what is recorded there would be copied under either name
            raise UsageError(
                f"{where}: [machines.{name}]: records where {other} does; set runs: a directory of its own"
            )
    return machines


def find_machines(names: str, machines: Mapping[str, Machine]) -> list[Machine]:
    """The machines of a list such as ``a,b``, each once; this one, by its name ``here``, has no kind.

    Raises:
        UsageError: a name is empty.
        MissingError: nothing is set for one of them.
    """
    chosen = dict.fromkeys(name.strip() for name in names.split(","))
    if "" in chosen:
        raise UsageError(f"--on {names}: must be names of machines, parted by commas")
    return [Machine(HERE) if name == HERE else find_machine(name, machines) for name in chosen]


def find_machine(name: str, machines: Mapping[str, Machine]) -> Machine:
    """Raises MissingError where the settings have no machine of that name."""
    if name not in machines:
        raise MissingError(
            f"{name}: no such machine{nearest(name, list(machines))}; describe it under [machines.{name}] in"
            " config.toml (see tfpt-tui manual machines)"
        )
    return machines[name]


def check_interpreter(interpreter: str, where: str) -> None:
    """A full path, or the name of a program on PATH: a run has a working directory of its own.

    Raises:
        UsageError: it is neither.
    """
    relative = "/" in interpreter and not os.path.isabs(os.path.expanduser(interpreter))
    if not interpreter.strip() or "\0" in interpreter or relative:
        raise UsageError(f"{where} must be the full path of an interpreter, not {interpreter!r}")


def _read_machine(name: str, table: object, where: str) -> Machine:
    if not re.fullmatch(MACHINE_NAME, name) or name == HERE:
        raise UsageError(f"{where}: a machine's name has no comma, slash or dot in front, and is not {HERE!r}")
    if not isinstance(table, Mapping):
        raise UsageError(f"{where}: must be a table")
    for key in table:
        if key not in KEYS:
            raise UsageError(f"{where}: unknown key {key!r}{nearest(key, KEYS)}")
    try:
        machine = build(Machine, {**table, "name": name})
    except DocumentError as error:
        raise UsageError(f"{where}: {error}") from None
    if machine.kind not in KINDS:
        raise UsageError(f"{where}: kind must be {' or '.join(KINDS)}, not {machine.kind!r}")
    if machine.kind != SSH and not machine.host and not os.path.isabs(os.path.expanduser(machine.runs)):
        raise UsageError(f"{where}: set host, or where this machine is it, runs: a directory apart from its own")
    for key, kinds in {"partition": (SLURM,), "resources": (SLURM, RAY), "address": (RAY,)}.items():
        if key in table and machine.kind not in kinds:
            raise UsageError(f"{where}: {key} is of the kind {' or '.join(kinds)}, not {machine.kind}")
    if machine.kind == RAY:
        for name, amount in machine.resources.items():
            if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount < float("inf"):
                raise UsageError(f"{where}: resources: {name} must be a number above 0, not {amount!r}")
    # A host that begins with a dash would be taken for an option of ssh.
    nowhere = not machine.host and machine.kind == SSH
    if nowhere or machine.host.startswith("-") or not machine.host.isprintable():
        raise UsageError(f"{where}: host must be a host of ssh, such as user@box, not {machine.host!r}")
    if not machine.command.strip() or "\0" in machine.command:
        raise UsageError(f"{where}: command must be what starts tfpt-tui there, not {machine.command!r}")
    for framework, interpreter in machine.interpreters.items():
        check_interpreter(interpreter, f"{where}: interpreters: {framework}")
        if framework not in FRAMEWORKS:
            raise UsageError(
                f"{where}: interpreters: unknown framework {framework!r}{nearest(framework, list(FRAMEWORKS))}"
            )
    if not 0 <= machine.price_per_hour < float("inf"):
        raise UsageError(f"{where}: price_per_hour must be a number from 0, not {machine.price_per_hour!r}")
    return machine
