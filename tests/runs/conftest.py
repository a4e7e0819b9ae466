"""What tests of plans share."""

import pytest

from tfpt_tui.config.presets import load_preset

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
