"""All findings of the doctor, worst first."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.environments.doctor.finding import LEVELS, Finding
from tfpt_tui.environments.doctor.frameworks import judge_frameworks, probe_all
from tfpt_tui.environments.doctor.gpu import judge_gpus, read_gpus
from tfpt_tui.environments.doctor.machine import judge_machine, read_machine
from tfpt_tui.environments.doctor.terminal import judge_terminal, read_terminal
from tfpt_tui.environments.registry import named_interpreters
from tfpt_tui.errors import TfptError

NOT_IMPORTED = Finding(
    "note",
    "frameworks",
    "a training is running on this machine: they were not imported, as that would slow it down",
    "look again when it is over",
)


def examine(paths: Paths) -> list[Finding]:
    """Look at everything that a run needs, and import every framework: ten seconds and more.

    The machine is looked at first, while nothing of ours keeps it busy. No training is disturbed.
    """
    settings, findings = _read_settings(paths)
    directories = {"runs": paths.runs, "datasets": paths.datasets, "temporary files": Path(tempfile.gettempdir())}
    machine = read_machine(directories)
    findings += judge_machine(machine)
    gpus = read_gpus()
    if machine.conditions.workers:
        findings.append(NOT_IMPORTED)
    else:
        findings += judge_frameworks(probe_all(settings), gpus.reading)
    findings += judge_gpus(gpus)
    findings += judge_terminal(read_terminal())
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def works(findings: Sequence[Finding]) -> bool:
    """Whether every run could work that the settings allow; its figures may still mislead."""
    return all(finding.level != "error" for finding in findings)


def summarize(findings: Sequence[Finding]) -> str:
    """One line that counts them, such as ``1 error, 2 warnings, 3 notes``."""
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS[:-1]}
    told = [f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items() if count]
    return ", ".join(told) or "nothing to mend"


def _read_settings(paths: Paths) -> tuple[UserSettings, list[Finding]]:
    """The settings, or defaults where they are broken; the user's own files are tried."""
    findings = []
    settings = UserSettings()
    try:
        settings = load_settings(paths.settings)
    except TfptError as error:
        findings.append(Finding("error", "settings", str(error), f"correct or remove {paths.settings}"))
    for path in sorted(paths.user_presets.glob("*.toml")):
        try:
            load_preset(path)
        except TfptError as error:
            findings.append(Finding("warning", "presets", str(error), f"correct or remove {path}"))
    return dataclasses.replace(settings, environments=named_interpreters(paths.environments)), findings
