"""The cores that we may use of the processor, and whether they run as fast as they can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfpt_tui.cgroup import find_quota
from tfpt_tui.environments.doctor.finding import Finding
from tfpt_tui.hardware.processor import allowed_cores, describe_processor, parse_cores
from tfpt_tui.linux import ROOT, read_text

CPUS = "sys/devices/system/cpu"
# Drivers in active mode: their "powersave" is no lowest frequency, but the processor's own choice
# (Documentation/admin-guide/pm of the kernel, intel_pstate and amd-pstate).
CHOOSING_DRIVERS = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")


@dataclass(frozen=True)
class ProcessorFacts:
    """Logical cores of the machine and those that affinity leaves us; ``quota`` is the control group's, in cores.

    ``driver`` is the one that sets the frequency, and ``governor`` its rule, "" where the kernel does not tell.
    """

    cores: int = 0
    allowed: int = 0
    quota: float | None = None
    governor: str = ""
    driver: str = ""


def read_processor(root: Path = ROOT) -> ProcessorFacts:
    """Cores, quota and governor, from /proc/self/status, the control groups and /sys."""
    cores = set(parse_cores(read_text(root / CPUS / "online") or ""))
    quota = find_quota(root)
    return ProcessorFacts(
        cores=len(cores),
        allowed=len(parse_cores(allowed_cores(root))),
        quota=quota.cores if quota else None,
        governor=str(describe_processor(root).get("governor", "")),
        driver=read_text(root / CPUS / "cpu0/cpufreq/scaling_driver") or "",
    )


def judge_processor(processor: ProcessorFacts) -> list[Finding]:
    return [*_judge_cores(processor), *_judge_governor(processor)]


def _judge_cores(processor: ProcessorFacts) -> list[Finding]:
    judged = (_judge_quota(processor), _judge_affinity(processor))
    findings = [finding for finding in judged if finding]
    if findings or not processor.cores:
        return findings
    return [Finding("ok", "cores", f"{processor.allowed} of {processor.cores} cores")]


def _judge_quota(processor: ProcessorFacts) -> Finding | None:
    if processor.quota is None or processor.quota >= processor.allowed:
        return None
    return Finding(
        "warning",
        "cores",
        f"a quota allows the time of {processor.quota:g} of {processor.allowed} cores:"
        " a run is halted again and again when it has used it up",
        "give it whole cores instead, with --cpuset-cpus of docker run or --cpus-per-task of Slurm",
    )


def _judge_affinity(processor: ProcessorFacts) -> Finding | None:
    if processor.allowed == 1:
        return Finding(
            "warning",
            "cores",
            f"1 of {processor.cores} cores: loading, training and everything else take turns on it",
            "allow more cores, with taskset, --cpuset-cpus of docker run or --cpus-per-task of Slurm",
        )
    if 0 < processor.allowed < processor.cores:
        return Finding(
            "note",
            "cores",
            f"{processor.allowed} of {processor.cores} cores are ours: figures are of that share of the processor",
            "allow all cores if you want to measure the machine,"
            " with taskset, --cpuset-cpus of docker run or --cpus-per-task of Slurm",
        )
    return None


def _judge_governor(processor: ProcessorFacts) -> list[Finding]:
    if "powersave" not in processor.governor:
        return [Finding("ok", "frequency", f"governor {processor.governor}")] if processor.governor else []
    remedy = "sudo cpupower frequency-set -g performance"
    if processor.driver in CHOOSING_DRIVERS:
        message = f"governor powersave of {processor.driver}: usual, but each run must wake the cores first"
        return [Finding("note", "frequency", message, remedy)]
    message = f"governor {processor.governor}: it keeps cores at their lowest frequency, and figures low"
    return [Finding("warning", "frequency", message, remedy)]
