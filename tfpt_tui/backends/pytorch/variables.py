"""Environment variables that a track sets before PyTorch is imported. It imports nothing."""

from __future__ import annotations

from tfpt_tui.config.schema import RunConfig


def variables(config: RunConfig) -> dict[str, str]:
    """None: PyTorch computes with oneDNN wherever it was built with it."""
    return {}
