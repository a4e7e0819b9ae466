"""Where things lie."""

from pathlib import Path

from tfpt_tui.config.paths import find_paths


def test_a_directory_of_runs_may_begin_with_the_users_home():
    assert find_paths("~/bench/runs").runs == Path.home() / "bench" / "runs"
