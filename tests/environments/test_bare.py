"""For real: a worker in an interpreter that has its framework and none of our own dependencies."""

import subprocess

import pytest

from tests.environments.bare import OURS, make_bare
from tests.waiting import wait_until
from tfpt_tui.config.presets import load_preset
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.events import ALIVE
from tfpt_tui.results.store.reader import read_result
from tfpt_tui.runs.plan.plan import make_plan
from tfpt_tui.runs.record.state import status_of
from tfpt_tui.runs.supervision.submit import submit

DISTRIBUTIONS = {"pytorch": ("torch", "torchvision"), "tensorflow": ("tensorflow", "pillow")}


@pytest.mark.parametrize("framework", DISTRIBUTIONS)
def test_a_worker_needs_its_framework_and_nothing_of_ours(framework, tmp_path, paths, dataset):
    python = make_bare(tmp_path / "bare", *DISTRIBUTIONS[framework])
    found = subprocess.run(
        [python, "-I", "-c", f"import importlib.util as u; print([m for m in {OURS} if u.find_spec(m)])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"

    (tmp_path / "one.toml").write_text(f'[[rows]]\nframework = "{framework}"\nenvironment = "bare"\n')
    settings = UserSettings(environments={"bare": str(python)})
    plan = make_plan(
        load_preset(tmp_path / "one.toml"), data=str(dataset), overrides={"epochs": 1, "batch_size": 8}
    )
    (run,) = submit(plan, settings, paths).runs
    wait_until(lambda: status_of(run) not in ALIVE, 120)
    result = read_result(run)
    assert (result.status, result.error) == ("completed", None)
    assert result.config.environment == "bare"
    assert result.environment.versions
