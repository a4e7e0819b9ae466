"""Environment variables that a track sets before PyTorch is imported. It imports nothing."""

from __future__ import annotations

from tfpt_tui.config.schema import AUTO, RunConfig


def variables(config: RunConfig) -> dict[str, str]:
    """What OpenMP's threads do between two operations; its library reads it when it is loaded."""
    return {} if config.openmp_wait == AUTO else {"OMP_WAIT_POLICY": config.openmp_wait.upper()}
