"""What can only be read through PyTorch's inner workings, in one place: None where a version has moved them."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def compiled_graphs() -> int | None:
    """Graphs that torch.compile made so far in this process."""
    try:
        from torch._dynamo.utils import counters
    except ImportError:
        return None
    return int(counters["stats"]["unique_graphs"])


class Waits(TorchDispatchMode):
    """Counts how often Python asks for values that the device computes, and so waits for it. Use it as a context.

    That is a number read from a tensor (``item``), a copy to the processor, or a call that synchronises.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self._synchronize = torch.cuda.synchronize

    def __enter__(self) -> Waits:
        torch.cuda.synchronize = self._count_synchronize
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        torch.cuda.synchronize = self._synchronize

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        result = function(*arguments, **(keywords or {}))
        reads = function is torch.ops.aten._local_scalar_dense.default
        copies = (
            function is torch.ops.aten._to_copy.default
            and arguments[0].device.type != "cpu"
            and result.device.type == "cpu"
        )
        self.count += reads or copies
        return result

    def _count_synchronize(self, device: object = None) -> None:
        self.count += 1
        self._synchronize(device)
