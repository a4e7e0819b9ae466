"""What PyTorch says of itself and of this machine."""

from __future__ import annotations

import torch

from tfpt_tui.documents import Value


def look() -> dict[str, Value]:
    """Version, the CUDA and cuDNN that it was built with ("" for none), and the names of the GPUs that it sees."""
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "version": torch.__version__,
        "cuda": torch.version.cuda or torch.version.hip or "",
        "cudnn": _cudnn(torch.backends.cudnn.version() or 0) if torch.version.cuda else "",
        "gpus": gpus,
    }


def _cudnn(number: int) -> str:
    """92600 as 9.26.0, and as cuDNN counted before version 9, 8902 as 8.9.2 (cudnn_version.h)."""
    major, rest = divmod(number, 10_000 if number >= 90_000 else 1000)
    return f"{major}.{rest // 100}.{rest % 100}" if number else ""
