"""All findings of the doctor, worst first."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from tfpt_tui.config.frameworks import PROBLEMS
from tfpt_tui.config.paths import Paths
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import UserSettings, load_settings
from tfpt_tui.environments.asking import never
from tfpt_tui.environments.doctor.directories import DOWNLOADS, TEMPORARY
from tfpt_tui.environments.doctor.finding import LEVELS, Finding
from tfpt_tui.environments.doctor.frameworks import judge_frameworks, probe_all
from tfpt_tui.environments.doctor.gpu import judge_gpus, read_gpus
from tfpt_tui.environments.doctor.machine import judge_machine, read_machine
from tfpt_tui.environments.doctor.terminal import judge_terminal, read_terminal
from tfpt_tui.environments.registry import list_leftovers, named_interpreters
from tfpt_tui.errors import TfptError

NOT_IMPORTED = Finding(
    "note",
    "frameworks",
    "not checked: a training is running on this machine, and importing them would slow it down",
    "check again when it is over",
)


def examine(paths: Paths, cancelled: Callable[[], bool] = never) -> Iterator[list[Finding]]:
    """Look at everything that a run needs: at the machine, then import every framework, ten seconds and more.

    The findings of each come as soon as they are known, worst first. The machine is looked at while nothing of
    ours keeps it busy, and no training is disturbed.

    Raises:
        AbandonedError: ``cancelled`` became true; the frameworks' processes are ended.
    """
    settings, findings = _read_settings(paths)
    machine = read_machine(
        {
            "runs": paths.runs,
            "datasets": paths.datasets,
            DOWNLOADS: paths.downloads,
            TEMPORARY: _temporary_directory(),
        }
    )
    gpus = read_gpus()
    findings += [*judge_machine(machine), *judge_gpus(gpus), *judge_terminal(read_terminal())]
    yield [_for_root(finding) if os.geteuid() == 0 else finding for finding in worst_first(findings)]
    if machine.conditions.workers:
        yield [NOT_IMPORTED]
    else:
        limited = machine.address_space_bytes is not None
        yield worst_first(judge_frameworks(probe_all(settings, cancelled), gpus.reading, limited))


def _for_root(finding: Finding) -> Finding:
    """Root needs no sudo, which containers have not."""
    return dataclasses.replace(finding, remedy=finding.remedy.replace("sudo ", ""))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def works(findings: Sequence[Finding]) -> bool | None:
    """Whether every run could work that the settings allow; its figures may still mislead.

    None where nothing says no, but not everything was looked at.
    """
    if any(finding.level == "error" for finding in findings):
        return False
    return None if NOT_IMPORTED in findings else True


def summarize(findings: Sequence[Finding]) -> str:
    """One line that counts them, such as ``1 error, 2 warnings, 3 notes``."""
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS[:-1]}
    parts = [f"{count} {level}{'s' if count > 1 else ''}" for level, count in counts.items() if count]
    if NOT_IMPORTED in findings:
        parts.append("the frameworks were not checked")
    return ", ".join(parts) or "nothing to fix"


def _temporary_directory() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return Path(os.environ.get("TMPDIR") or "/tmp")


def _read_settings(paths: Paths) -> tuple[UserSettings, list[Finding]]:
    """The settings, or defaults where they are broken; the user's own files are tried."""
    findings = [Finding("error", "frameworks", problem, "fix it, or remove its folder") for problem in PROBLEMS]
    settings = UserSettings()
    try:
        settings = load_settings(paths.settings)
    except TfptError as error:
        findings.append(Finding("error", "settings", str(error), f"correct or remove {paths.settings}"))
    for left in list_leftovers(paths.environments):
        if left.ours:
            level = "note" if left.unfinished else "warning"
            findings.append(Finding(level, f"environment {left.name}", left.problem, left.remedy))
    for path in sorted(paths.user_presets.glob("[!.]*.toml")):
        try:
            load_preset(path)
        except TfptError as error:
            findings.append(Finding("warning", "presets", str(error), f"correct or remove {path}"))
    return dataclasses.replace(settings, environments=named_interpreters(paths.environments)), findings
