import shutil

import pytest

from tests.ui.driving import finish
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.runs.sweep import latest_sweep
from tfpt_tui.ui.app import TfptApp


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
