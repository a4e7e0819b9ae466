"""Environment variables that a track sets before PyTorch is imported. It imports nothing."""

from __future__ import annotations

from tfpt_tui.config.schema import AUTO, RunConfig


def variables(config: RunConfig) -> dict[str, str]:
    """What OpenMP's threads do between two operations, which its library reads when it is loaded.

    Up to which version cuBLAS must be given a workspace to be deterministic, PyTorch's documentation does not say.
    """
    waits = {} if config.openmp_wait == AUTO else {"OMP_WAIT_POLICY": config.openmp_wait.upper()}
    return waits | ({"CUBLAS_WORKSPACE_CONFIG": ":4096:8"} if config.deterministic else {})
