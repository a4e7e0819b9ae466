"""Ask an interpreter what its framework is, in a process of its own: an import may fail, abort or hang."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfpt_tui.environments.interpreters import OLDEST_PYTHON, too_old, worker_command, worker_variables

PROBE_TIMEOUT_S = 120
ANSWER = "tfpt-tui probe: "


@dataclass(frozen=True)
class Probe:
    """What a framework is in an interpreter. ``problem`` says in a line why it cannot be used, "" when it can.

    ``missing`` are modules that are not installed, ``broken`` is the module whose import failed, ``overwritten``
    are folders of NVIDIA's libraries with the packages that share them. ``import_s`` is a cold or warm import, as
    it came.
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


def probe(framework: str, interpreter: str, timeout_s: float = PROBE_TIMEOUT_S) -> Probe:
    """Import the framework in the interpreter and ask it: seconds. Whatever is wrong there is the answer."""
    try:
        ended = subprocess.run(
            worker_command(interpreter, os.devnull, "probe", framework),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            env=worker_variables(),
        )
    except subprocess.TimeoutExpired as error:
        return _explain_silence(framework, interpreter, _answers(error.stdout), timeout_s)
    except OSError as error:
        return Probe(framework, interpreter, f"cannot be started: {(error.strerror or str(error)).lower()}")
    answers = _answers(ended.stdout)
    if answers and "python" in answers[-1]:
        return _read(framework, interpreter, answers[-1])
    return _explain_end(framework, interpreter, answers, ended)


def _answers(output: str | bytes | None) -> list[dict[str, Any]]:
    """The lines that our probe printed, among whatever libraries print; the last may be half a line."""
    text = output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    lines = text.rpartition("\n")[0].splitlines()
    return [json.loads(line.removeprefix(ANSWER)) for line in lines if line.startswith(ANSWER)]


def _read(framework: str, interpreter: str, facts: Mapping[str, Any]) -> Probe:
    missing = tuple(facts.get("missing", ()))
    problem = str(facts.get("problem", ""))
    if tuple(map(int, facts["python"].split(".")[:2])) < OLDEST_PYTHON:
        problem = too_old(facts["python"])
    elif missing:
        problem = f"no module {', '.join(missing)}"
    elif problem:
        problem = f"{facts['broken']} cannot be imported: {problem}"
    return Probe(
        framework,
        interpreter,
        problem=problem,
        python=facts["python"],
        version=facts.get("version", ""),
        cuda=facts.get("cuda", ""),
        cudnn=facts.get("cudnn", ""),
        gpus=tuple(facts.get("gpus", ())),
        import_s=facts.get("import_s"),
        missing=missing,
        broken=facts.get("broken", ""),
        packages=facts["packages"],
        overwritten=facts["overwritten"],
    )


def _explain_silence(framework: str, interpreter: str, answers: list[dict[str, Any]], timeout_s: float) -> Probe:
    module = _importing(answers)
    doing = f"the import of {module} hangs" if module else "does not answer"
    return Probe(framework, interpreter, f"{doing}: nothing within {timeout_s:g} s", broken=module)


def _explain_end(
    framework: str, interpreter: str, answers: list[dict[str, Any]], ended: subprocess.CompletedProcess[str]
) -> Probe:
    module = _importing(answers)
    if module and ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        return Probe(framework, interpreter, f"the import of {module} ends the process by {name}", broken=module)
    last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
    return Probe(framework, interpreter, f"is no working Python interpreter: {last}", broken=module)


def _importing(answers: list[dict[str, Any]]) -> str:
    return str(answers[-1].get("importing", "")) if answers else ""
