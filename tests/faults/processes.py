"""Faults in processes: plans of scripted workers are hit by signals, and lose their directories, at any moment."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.faults.files import look
from tests.waiting import usual_signals, wait_until
from tfpt_tui.config.paths import Paths, find_paths
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.events import ALIVE
from tfpt_tui.runs.record.directory import list_runs, list_sweeps
from tfpt_tui.runs.record.state import owner_of, read_state, status_of

FAKE = Path(__file__).parents[1] / "fake_python.py"
STORIES = ("completes", "hangs", "is_killed", "exits", "talks_nonsense", "fails")
SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP)
LIMIT_S = 60.0


def make_place(home: Path) -> tuple[Paths, dict[str, str]]:
    """A dataset, interpreters that tell stories, and the variables of processes that find them."""
    script = home / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    script.chmod(0o755)
    variables = {name: str(home / name) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    settings = home / "XDG_CONFIG_HOME/tfpt-tui/config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[interpreters]\npytorch = "{script}"\ntensorflow = "{script}"\n')
    prepare(make_synthetic(limit=16, classes=2), Target(home / "data"), jobs=1)
    paths = find_paths(str(home / "runs"))
    return paths, {**os.environ, **variables, "TFPT_TUI_LOCK": str(home / "lock")}


def begin(home: Path, stories: list[str], variables: dict[str, str]) -> subprocess.Popen[str]:
    """``tfpt-tui run`` that waits for its plan, as in a terminal."""
    command = [
        sys.executable,
        "-m",
        "tfpt_tui",
        "--runs",
        str(home / "runs"),
        "run",
        "demo",
        "--no-duel",
        "--headless",
    ]
    return subprocess.Popen(
        [*command, "--data", str(home / "data")],
        env={**variables, "FAKE_STORY": ",".join(stories)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=usual_signals,
        start_new_session=True,
    )


def hit_a_process(home: Path, chance: random.Random) -> str:
    """The command, the supervisor or the worker, at any moment; what ends by itself is let go on."""
    paths, variables = make_place(home)
    stories = [chance.choice(STORIES) for _ in range(2)]
    command = begin(home, stories, variables)
    time.sleep(chance.uniform(0.0, 2.5))
    target, number = chance.choice(["command", "supervisor", "worker"]), chance.choice(SIGNALS)
    pid = _pid_of(target, command, paths)
    if pid:
        _send(pid, number)
    _let_it_end(command, paths, stopped=pid if number == signal.SIGSTOP else 0)
    _check(home, paths, command)
    return f"{number.name} to {target} of {stories}"


def lose_a_directory(home: Path, chance: random.Random) -> str:
    """A run's directory vanishes while the plan goes on."""
    paths, variables = make_place(home)
    command = begin(home, ["hangs", "completes"], variables)
    wait_until(lambda: any(status_of(run) == "running" for run in list_runs(paths)), LIMIT_S)
    victim = chance.choice(list_runs(paths))
    shutil.rmtree(victim.path, ignore_errors=True)
    _let_it_end(command, paths)
    _check(home, paths, command)
    return victim.id


def kill_a_submission(home: Path, chance: random.Random) -> str:
    """The command is killed while it records its plan; the next plan finds nothing of it in its way."""
    paths, variables = make_place(home)
    first = begin(home, ["completes"], variables)
    time.sleep(chance.uniform(0.2, 1.0))
    _send(first.pid, signal.SIGKILL)
    first.communicate()
    second = begin(home, ["completes"], variables)
    _let_it_end(second, paths, patience_s=LIMIT_S)
    _check(home, paths, second)
    assert second.returncode == 0, second.returncode
    assert all(sweep.plan.exists() for sweep in list_sweeps(paths))
    return "killed"


def _pid_of(target: str, command: subprocess.Popen[str], paths: Paths) -> int:
    if target == "command":
        return command.pid
    for run in list_runs(paths):
        state = read_state(run.state)
        process = state.process(state.supervisor if target == "supervisor" else state.worker)
        if process and process.is_alive():
            return process.pid
    return 0


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _let_it_end(
    command: subprocess.Popen[str], paths: Paths, *, stopped: int = 0, patience_s: float = 4.0
) -> None:
    """Wait until nothing runs any more, and after a while ask what does to stop, as a user would."""
    if stopped:
        time.sleep(0.3)
        _send(stopped, signal.SIGCONT)
    began = time.monotonic()
    deadline = began + LIMIT_S
    while time.monotonic() < deadline:
        over = command.poll() is not None
        alive = [run for run in list_runs(paths) if status_of(run) in ALIVE]
        owned = [sweep for sweep in list_sweeps(paths) if owner_of(sweep.state)]
        if over and not alive and not owned:
            return
        if time.monotonic() > began + patience_s:
            for sweep in owned:
                sweep.stop.touch()
        time.sleep(0.1)
    raise AssertionError(f"still alive after {LIMIT_S} s: {alive or owned or 'the command'}")


def _check(home: Path, paths: Paths, command: subprocess.Popen[str]) -> None:
    """No orphan, no traceback, every run with a status that it can have."""
    told, _ = command.communicate()
    assert "Traceback" not in told, told
    for log in paths.sweeps.glob("*/supervisor.log"):
        assert "Traceback" not in log.read_text(), log.read_text()
    left = [
        one.info
        for one in psutil.process_iter(["pid", "cmdline"])
        if str(home) in " ".join(one.info["cmdline"] or ())
    ]
    assert left == [], left
    statuses = look(paths)
    assert not any(status in ALIVE for status in statuses.values()), statuses
    assert not list(home.rglob(".tmp-*"))


KINDS = (hit_a_process, hit_a_process, hit_a_process, lose_a_directory, kill_a_submission)
