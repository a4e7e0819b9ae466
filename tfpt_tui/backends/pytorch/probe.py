"""What PyTorch says of itself and of this machine."""

from __future__ import annotations

from typing import Any

import torch


def look() -> dict[str, Any]:
    """Version, the CUDA and cuDNN that it was built with ("" for none), and the names of the GPUs that it sees."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda or torch.version.hip or "",
        "cudnn": str(torch.backends.cudnn.version() or "") if torch.version.cuda else "",
        "gpus": gpus,
    }
