"""Gather the evidence for ``tfpt-tui parity``: each framework computes in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_tui.config.frameworks import title_of
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.config.toml import write_toml
from tfpt_tui.config.tracks import PARITY
from tfpt_tui.cores import processes_at_once
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.documents import Value
from tfpt_tui.environments.interpreters import check_framework
from tfpt_tui.errors import MissingError, TfptError
from tfpt_tui.runs.record.lock import machine_lock
from tfpt_tui.runs.record.processes import kill_group
from tfpt_tui.runs.supervision.launcher import launch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMEOUT_S = 300
CLASSES = 10
IMAGES_PER_CLASS = 128  # 40 steps of 32 an epoch
STEP = {"learning_rate": 2.0**-10}  # a number that both precisions hold exactly; the default is 0.001


@dataclass(frozen=True)
class Evidence:
    """What one framework computed: ``arrays`` by name, as backends/parity_evidence.py leaves them."""

    versions: Mapping[str, str]
    device: str
    effective: Mapping[str, Value]
    arrays: Mapping[str, NDArray[np.float64]]


def gather_evidence(
    frameworks: Sequence[str], device: str, settings: UserSettings, directory: Path, say: Callable[[str], None]
) -> dict[str, Evidence]:
    """The evidence of the frameworks on ``device`` (cpu or gpu), by framework; files go to ``directory``.

    Raises:
        MissingError: a framework or the device is not there.
        TfptError: a framework's process failed; the message has its last line.
    """
    with machine_lock("tfpt-tui parity", say):
        return _compute(frameworks, device, settings, directory, say)


def _compute(
    frameworks: Sequence[str], device: str, settings: UserSettings, directory: Path, say: Callable[[str], None]
) -> dict[str, Evidence]:
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        interpreters = {framework: check_framework(framework, settings) for framework in frameworks}
        data = directory / "data"
        prepare(make_synthetic(limit=IMAGES_PER_CLASS, classes=CLASSES), Target(data), jobs=processes_at_once())
        # All at once: nothing is timed here.
        for framework in frameworks:
            started[framework] = _start(framework, interpreters[framework], device, data, directory)
        say(f"computing the same in {' and '.join(map(title_of, frameworks))} on the {device}")
        return {framework: _finish(framework, started[framework], device, directory) for framework in frameworks}
    finally:
        for process in started.values():
            kill_group(process.pid)
            process.wait()


def _start(framework: str, interpreter: str, device: str, data: Path, directory: Path) -> subprocess.Popen[bytes]:
    own = _own_directory(framework, device, directory)
    own.mkdir()
    row = {"framework": framework, "track": PARITY.name, "data": str(data), "device": device, "epochs": 1, **STEP}
    write_toml(own / "config.toml", {"rows": [RunConfig.from_mapping(row, str(own)).to_mapping()]})
    return launch(own, own / "worker.log", interpreter, "parity_evidence")


def _finish(framework: str, process: subprocess.Popen[bytes], device: str, directory: Path) -> Evidence:
    own = _own_directory(framework, device, directory)
    try:
        returncode = process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise TfptError(f"{title_of(framework)}: no proof within {TIMEOUT_S} s") from None
    if returncode:
        raise _refusal(framework, returncode, own, own / "worker.log")
    return _read_evidence(own)


def _own_directory(framework: str, device: str, directory: Path) -> Path:
    return directory / f"{framework}-{device}"


def _refusal(framework: str, returncode: int, own: Path, log: Path) -> TfptError:
    problem = own / "problem.txt"
    if problem.exists():
        return MissingError(problem.read_text(encoding="utf-8"))
    last = (log.read_text(errors="replace").strip().splitlines() or [f"exit code {returncode}"])[-1]
    return TfptError(f"{title_of(framework)}: its part of the proof failed: {last}")


def _read_evidence(own: Path) -> Evidence:
    import numpy as np  # a tenth of a second: only for whoever proves

    facts = json.loads((own / "facts.json").read_text(encoding="utf-8"))
    with np.load(own / "arrays.npz") as arrays:
        return Evidence(facts["versions"], facts["device"], facts["effective"], dict(arrays))
