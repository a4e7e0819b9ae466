"""Environment variables that are set before NumPy is imported. It imports nothing of it."""

from __future__ import annotations

from tfpt_tui.backends.effective import requested_threads
from tfpt_tui.config.schema import RunConfig

THREADS = "OPENBLAS_NUM_THREADS"  # read when the library is loaded, and never again


def variables(config: RunConfig) -> dict[str, str]:
    """The threads of matrix products."""
    return {THREADS: str(requested_threads(config))}
