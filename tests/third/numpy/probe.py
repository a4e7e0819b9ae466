"""What NumPy says of itself."""

from __future__ import annotations

import numpy as np


def look() -> dict[str, object]:
    """Its version; it sees no GPU."""
    return {"version": np.__version__, "gpus": []}
