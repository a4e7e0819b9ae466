"""Environment variables that change what a run measures, or that a worker does not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tfpt_tui.config.frameworks import FRAMEWORKS, MisleadingVariable
from tfpt_tui.environments.doctor.finding import Finding

TOPIC = "variables"
GPU_LIBRARIES = ("cuda", "cudnn", "nccl")


@dataclass(frozen=True)
class _Rule:
    """What to say of variables whose value ``misleads``; the message goes on after their names and values."""

    names: tuple[str, ...]
    level: str
    message: str
    remedy: str
    misleads: Callable[[str], bool] = bool


def _rules_of_frameworks() -> list[_Rule]:
    return [
        _Rule(one.names, one.level, one.message, one.fix, _is_misleading(one))
        for framework in FRAMEWORKS.values()
        for one in framework.misleading_variables
    ]


def _is_misleading(variable: MisleadingVariable) -> Callable[[str], bool]:
    return lambda value: value.lower() in variable.values if variable.values else bool(value)


RULES = (
    _Rule(
        ("LD_LIBRARY_PATH",),
        "warning",
        "the CUDA libraries there may take the place of those that pip installed with the frameworks",
        "unset LD_LIBRARY_PATH",
        lambda value: any(word in value.lower() for word in GPU_LIBRARIES),
    ),
    _Rule(
        ("CUDA_LAUNCH_BLOCKING",),
        "warning",
        "every call to the GPU waits for its end, which no real training does",
        "unset CUDA_LAUNCH_BLOCKING",
        lambda value: value not in ("", "0"),
    ),
    _Rule(
        ("NVIDIA_TF32_OVERRIDE",),
        "warning",
        "the GPU's libraries take it in place of the precision that a run asks for",
        "unset NVIDIA_TF32_OVERRIDE",
    ),
    *_rules_of_frameworks(),
    # The worker sets the threads of every framework by itself (backends/effective.py, requested_threads).
    _Rule(
        (
            *("OMP_NUM_THREADS", "MKL_NUM_THREADS"),
            *(name for framework in FRAMEWORKS.values() for name in framework.thread_variables),
        ),
        "note",
        "only for the track published with threads=0, every other run sets its threads itself",
        "set threads=N for a run instead",
    ),
    # environments/interpreters.py, HIDDEN_VARIABLES
    _Rule(
        ("PYTHONPATH",),
        "note",
        "hidden from the workers, which see what is installed for their interpreter alone",
        "install with pip what a framework needs",
    ),
)


def judge_variables(variables: Mapping[str, str]) -> list[Finding]:
    """One finding for each rule that applies; where none does, one that says so."""
    findings = []
    for rule in RULES:
        shown = [f"{name}={variables[name]}" for name in rule.names if rule.misleads(variables.get(name, ""))]
        if shown:
            message = f"{' and '.join(shown)}: {rule.message}"
            findings.append(Finding(rule.level, TOPIC, message, rule.remedy))
    return findings or [Finding("ok", TOPIC, "none is set that misleads")]
