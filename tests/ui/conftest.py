"""The app on recorded sweeps."""

import pytest

from tests.recordings import QUICK, record_run, record_sweep
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.ui.app import TfptApp


@pytest.fixture
def app(paths):
    return TfptApp(paths, UserSettings())


@pytest.fixture
def record(paths):
    """Record a sweep: each run is a framework and its settings."""
    count = iter(range(1000, 10_000))

    def write(sweep, *specs, preset="quick"):
        runs = [
            record_run(paths, f"20261120-10{n:04}-{n:04}", framework, **{"sweep": sweep, "preset": preset, **told})
            for n, (framework, told) in zip(count, specs, strict=False)
        ]
        record_sweep(paths, sweep, *runs, preset=preset)
        return tuple(runs)

    return write


@pytest.fixture
def two(record):
    return record(QUICK, ("pytorch", {"rate": 100.0}), ("tensorflow", {"rate": 80.0}))
