"""Environment variables that change what a run measures, or that a worker does not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tfpt_tui.environments.doctor.finding import Finding

TOPIC = "variables"
GPU_LIBRARIES = ("cuda", "cudnn", "nccl")
FALSE = ("0", "false")


@dataclass(frozen=True)
class _Rule:
    """What to say of variables whose value ``misleads``; the message goes on after their names and values."""

    names: tuple[str, ...]
    level: str
    message: str
    remedy: str
    misleads: Callable[[str], bool] = bool


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
        ("TF_ENABLE_ONEDNN_OPTS",),
        "warning",
        "TensorFlow computes without oneDNN, PyTorch with it",
        "export TF_ENABLE_ONEDNN_OPTS=1",  # unset, some processors leave it off
        lambda value: value.lower() in FALSE,
    ),
    _Rule(
        ("NVIDIA_TF32_OVERRIDE",),
        "warning",
        "the GPU's libraries take it in place of the precision that a run asks for",
        "unset NVIDIA_TF32_OVERRIDE",
    ),
    _Rule(
        ("XLA_FLAGS", "TF_XLA_FLAGS"),
        "note",
        "for TensorFlow's compiler alone, PyTorch knows nothing of it",
        "keep it the same for all runs that you compare, or unset it",
    ),
    # The worker sets the threads of both frameworks by itself (backends/effective.py, asked_threads).
    _Rule(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"),
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
