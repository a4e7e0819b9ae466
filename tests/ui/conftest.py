"""The app on recorded sweeps: of scripted workers (``recorded``), or written as they are wanted (``record``)."""

import shutil

import pytest
from textual.css.stylesheet import Stylesheet

from tests.recordings import QUICK, record_run, record_sweep
from tests.ui.driving import finish
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.runs.record.sweep import latest_sweep
from tfpt_tui.ui.app import TfptApp


@pytest.fixture(scope="session", autouse=True)
def parsed_once():
    """Rules of style are parsed once for all apps: parsing them was a tenth of the time of the app's tests."""
    parse, kept = Stylesheet._parse_rules, {}

    def parse_once(self, *arguments, **named):
        key = (arguments, *named.items(), *self._variables.items())
        if key not in kept:
            kept[key] = parse(self, *arguments, **named)
        return kept[key]

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(Stylesheet, "_parse_rules", parse_once)
        yield


@pytest.fixture
def app(paths):
    return TfptApp(paths, UserSettings(refresh_hz=5.0))


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Where the first test that needs a recorded sweep leaves it for the others."""
    return tmp_path_factory.mktemp("kept") / "recorded"


@pytest.fixture
def recorded(start, paths, kept):
    """A sweep of two finished runs."""
    if not kept.exists():
        finish(start("completes"))
        shutil.copytree(paths.runs.parent, kept)
    else:
        shutil.copytree(kept, paths.runs.parent, dirs_exist_ok=True)
    return latest_sweep(paths)


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
