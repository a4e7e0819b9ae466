"""JPEG files to pixels, behind one seam: by whichever library is there, all of which give the same pixels.

torchvision's decoders are deprecated since 0.29 and moved to TorchCodec 0.16
(https://github.com/pytorch/vision/pull/9609); Pillow, which torchvision brings, is always there.
"""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image


@dataclass(frozen=True)
class Decoder:
    """``decode`` reads the file of a path: uint8 (3, height, width)."""

    name: str
    decode: Callable[[str], torch.Tensor]


def find_decoder() -> Decoder:
    """TorchCodec where it is installed and works, else torchvision's while it has one, else Pillow."""
    return available_decoders()[0]


def available_decoders() -> list[Decoder]:
    """The best first."""
    found = (_torchcodec(), _torchvision(), Decoder("Pillow", _decode_with_pillow))
    return [decoder for decoder in found if decoder]


def _decode_with_pillow(path: str) -> torch.Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).contiguous()


def _torchcodec() -> Decoder | None:
    try:
        from torchcodec.decoders import decode_image

        version = importlib.metadata.version("torchcodec")
    except (ImportError, RuntimeError, OSError):
        return None  # not installed, older than 0.16, or built for another torch
    return Decoder(f"TorchCodec {version}", decode_image)


def _torchvision() -> Decoder | None:
    try:
        from torchvision.io import ImageReadMode, decode_image
    except ImportError:
        return None
    # It would warn once for every image.
    warnings.filterwarnings("ignore", message="The image decoding", category=DeprecationWarning)
    return Decoder("torchvision", lambda path: decode_image(path, mode=ImageReadMode.RGB))
