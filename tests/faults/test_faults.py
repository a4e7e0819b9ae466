"""The loop in CI: some of each kind, from a seed that is printed; ``python -m tests.faults`` does thousands."""

import os
import random

import pytest

from tests.faults import files, processes
from tests.faults.loop import run_faults
from tfpt_tui.runs.supervision import finalize as finalizing

SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(10**9))


@pytest.mark.parametrize(
    ("kinds", "count"), [(files.KINDS, 186), (processes.KINDS, 15)], ids=["files", "processes"]
)
def test_whatever_is_damaged_the_rest_goes_on(kinds, count, tmp_path, monkeypatch):
    # Half of the time would be spent on pictures, which have tests of their own.
    monkeypatch.setattr(finalizing, "draw_history", lambda record, path: None)
    print(f"FAULTS_SEED={SEED}")
    tried, wrong = run_faults(kinds, count, SEED, tmp_path / "worlds")
    assert wrong == [], "\n".join(wrong)
    assert sum(tried.values()) == count
