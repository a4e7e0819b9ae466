"""What tests of plans share."""

import os

import pytest

from tfpt_tui.config.presets import find_preset, load_preset
from tfpt_tui.config.settings import load_settings
from tfpt_tui.hardware.gpu import GpuReader
from tfpt_tui.runs.plan.duel import Duel
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.processes import identify
from tfpt_tui.runs.record.sweep import record_plan
from tfpt_tui.runs.supervision import arms
from tfpt_tui.runs.supervision import duel as duelling
from tfpt_tui.runs.supervision import finalize as finalizing
from tfpt_tui.runs.supervision import race as racing
from tfpt_tui.runs.supervision.submit import check_machine
from tfpt_tui.runs.supervision.supervisor import run_plan
from tfpt_tui.runs.supervision.worker_run import Supervisor

PRESET = """
[[rows]]
framework = "pytorch"
[[rows]]
framework = "tensorflow"
[rows.published]
training_s = 94
"""


@pytest.fixture
def preset(tmp_path):
    (tmp_path / "mine.toml").write_text(PRESET)
    return load_preset(tmp_path / "mine.toml")


TURN_S = 0.02
PLANNED = Duel(turn_s=TURN_S)


@pytest.fixture
def supervise(paths, fake_python, monkeypatch):
    """Record a plan and run it to its end; the supervisor is this process, and turns are so short that a test need
    not wait for them.
    """
    monkeypatch.setattr(arms, "SIZING_S", 0.002)
    monkeypatch.setattr(finalizing, "draw_history", lambda record, path: None)
    gpu = GpuReader().start()

    def run(plan):
        interpreters = check_machine([one.config for one in plan.runs], load_settings(paths.settings))
        sweep = record_plan(plan, interpreters, paths)
        run_plan(Supervisor(sweep, identify(os.getpid()), gpu))
        return sweep

    yield run
    gpu.stop()


@pytest.fixture
def fight(paths, dataset, supervise, monkeypatch):
    """Run a duel of the preset demo to its end."""

    def run(*stories, repeats=1, duel=PLANNED, rounds=12, rows=None, fits=True, **settings):
        monkeypatch.setattr(duelling, "ROUNDS", rounds)
        monkeypatch.setattr(racing, "RACE_ROUNDS", rounds)
        monkeypatch.setattr(duelling, "fits_into_trainings", lambda *_: fits)
        monkeypatch.setenv("FAKE_STORY", ",".join(stories))
        preset = find_preset("demo", paths)
        plan = make_plan(preset, data=str(dataset), rows=rows, overrides=settings, repeats=repeats, duel=duel)
        return supervise(plan)

    return run
