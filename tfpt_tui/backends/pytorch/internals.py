"""What PyTorch tells through private modules only, in one place: None where a version has moved them."""

from __future__ import annotations


def compiled_graphs() -> int | None:
    """Graphs that torch.compile made so far in this process."""
    try:
        from torch._dynamo.utils import counters
    except ImportError:
        return None
    return int(counters["stats"]["unique_graphs"])
