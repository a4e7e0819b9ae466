"""Ask an interpreter what its framework is, in a process of its own: an import may fail, abort or hang."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tfpt_tui.config.frameworks import EVERY_BACKEND_IMPORTS, FRAMEWORKS
from tfpt_tui.environments.asking import ENDLESS, ask, never, one_line
from tfpt_tui.environments.interpreters import (
    ANSWER_TIMEOUT_S,
    OLDEST_PYTHON,
    too_old,
    version_of,
    worker_command,
    worker_variables,
)

PROBE_TIMEOUT_S = 120
ANSWER = "tfpt-tui probe: "
# Why a process cannot be started that are no fault of its interpreter.
OF_THE_MACHINE = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


@dataclass(frozen=True)
class Probe:
    """What a framework is in an interpreter. ``problem`` says in a line why it cannot be used, "" when it can.

    ``missing`` are modules that are not installed, ``broken`` is the module whose import failed, ``overwritten``
    are folders of NVIDIA's libraries with the packages that share them. ``import_s`` is a cold or warm import, as
    it came. ``refused`` is the error number of a machine that starts no process now. ``onednn`` says whether it
    computes with oneDNN on this processor, None where it does not tell.
    """

    framework: str
    interpreter: str
    problem: str = ""
    python: str = ""
    version: str = ""
    cuda: str = ""
    cudnn: str = ""
    gpus: tuple[str, ...] = ()
    import_s: float | None = None
    missing: tuple[str, ...] = ()
    broken: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    overwritten: Mapping[str, list[str]] = field(default_factory=dict)
    refused: int | None = None
    onednn: bool | None = None

    @property
    def absent(self) -> bool:
        """Whether the framework itself is not there, and not only something that it needs."""
        return FRAMEWORKS[self.framework].modules[0] in self.missing

    @property
    def is_of_interpreter(self) -> bool:
        """Whether the problem is the interpreter's own: every framework would meet it."""
        return bool(self.problem) and not (self.missing or self.broken)


def probe(
    framework: str,
    interpreter: str,
    *,
    cancelled: Callable[[], bool] = never,
    timeout_s: float = PROBE_TIMEOUT_S,
    silence_s: float = ANSWER_TIMEOUT_S,
) -> Probe:
    """Import the framework in the interpreter and ask it: seconds. Whatever is wrong there is the answer.

    Raises:
        AbandonedError: ``cancelled`` became true.
    """
    # The probe itself may meet a Python that is too old to read our files.
    imported = ",".join(dict.fromkeys((*EVERY_BACKEND_IMPORTS, *FRAMEWORKS[framework].modules)))
    distributions = ",".join(one for known in FRAMEWORKS.values() for one in known.distributions)
    command = worker_command(
        interpreter, os.devnull, "probe", framework, imported, f"{distributions},numpy,pillow,triton"
    )
    try:
        answer = ask(command, worker_variables(), timeout_s, silence_s=silence_s, cancelled=cancelled)
        facts = _facts(answer.stdout)
        if not answer.cut and "python" in facts:
            return _read(framework, interpreter, facts)
        if not answer.cut and not facts:
            old = _too_old(interpreter, cancelled)
            if old:
                return Probe(framework, interpreter, too_old(old), python=old)
    except OSError as error:
        problem = f"cannot be started: {(error.strerror or str(error)).lower()}"
        refused = error.errno if error.errno in OF_THE_MACHINE else None
        return Probe(framework, interpreter, problem, refused=refused)
    module = one_line(facts.get("importing", ""))
    if answer.cut:
        problem = _explain_cut(answer.cut, module, timeout_s if module else silence_s)
    elif module:
        problem = f"the import of {module} ends the process {answer.ending}"
    else:
        problem = f"is not a working Python interpreter: {answer.reason}"
    return Probe(framework, interpreter, problem, broken=module)


def _facts(output: str) -> dict[str, Any]:
    """The last that our probe printed, among whatever libraries print; the last line may be half a line."""
    facts: dict[str, Any] = {}
    for line in output.rpartition("\n")[0].splitlines():
        if line.startswith(ANSWER):
            try:
                found = json.loads(line.removeprefix(ANSWER))
            except (ValueError, RecursionError):
                continue  # no line of ours, though it looks like one
            facts = found if isinstance(found, dict) else facts
    return facts


def _read(framework: str, interpreter: str, facts: Mapping[str, Any]) -> Probe:
    try:
        found = Probe(
            framework,
            interpreter,
            problem=one_line(facts.get("problem", "")),
            python=one_line(facts["python"]),
            version=one_line(facts.get("version", "")),
            cuda=one_line(facts.get("cuda", "")),
            cudnn=one_line(facts.get("cudnn", "")),
            onednn=facts["onednn"] if isinstance(facts.get("onednn"), bool) else None,
            gpus=tuple(map(one_line, facts.get("gpus", ()))),
            import_s=float(facts["import_s"]) if "import_s" in facts else None,
            missing=tuple(map(one_line, facts.get("missing", ()))),
            broken=one_line(facts.get("broken", "")),
            packages={one_line(name): one_line(version) for name, version in facts["packages"].items()},
            overwritten={one_line(at): [*map(one_line, names)] for at, names in facts["overwritten"].items()},
        )
        old = _parse_version(found.python) < OLDEST_PYTHON
    except (AttributeError, KeyError, TypeError, ValueError):
        return Probe(framework, interpreter, "is not a working Python interpreter: its answer makes no sense")
    if old:
        return replace(found, problem=too_old(found.python))
    if found.missing:
        return replace(found, problem=f"no module {', '.join(found.missing)}")
    if found.problem:
        return replace(found, problem=f"{found.broken} cannot be imported: {found.problem}")
    if not found.version:
        return replace(found, problem="is not a working Python interpreter: it reports no version")
    return found


def _too_old(interpreter: str, cancelled: Callable[[], bool]) -> str:
    """The version of an interpreter that cannot even read our probe, "" where that is not why."""
    version = version_of(interpreter, cancelled)
    return version if version and _parse_version(version) < OLDEST_PYTHON else ""


def _parse_version(python: str) -> tuple[int, ...]:
    return tuple(map(int, python.split(".")[:2]))


def _explain_cut(cut: str, module: str, seconds: float) -> str:
    if cut == ENDLESS:
        return f"the import of {module} prints without end" if module else "prints without end"
    return f"{f'the import of {module} hangs' if module else 'does not answer'}: nothing within {seconds:g} s"
