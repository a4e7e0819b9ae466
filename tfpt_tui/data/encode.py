"""Decode, resize and write a few images: the part of the preparation that runs in many processes."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfpt_tui.data.source import Item

if TYPE_CHECKING:
    from PIL.Image import Image


class Made(NamedTuple):
    """One image that was made or was there already (``kept``), or the ``problem`` of one that is no image."""

    digest: str = ""
    kept: bool = False
    origin: str = ""
    problem: str = ""


def make_images(
    items: Iterable[Item], open_image: Callable[[Item], Image], directory: Path, size: int, quality: int
) -> list[Made]:
    """Make the images of the items below ``directory``, as RGB JPEG files of ``size`` x ``size`` pixels.

    Raises:
        OSError: a file could not be written; what was written before it stays and is complete.
    """
    return [_make(item, open_image, f"{directory}/{item.name}", size, quality) for item in items]


def _make(item: Item, open_image: Callable[[Item], Image], path: str, size: int, quality: int) -> Made:
    there = _read_if_there(path)
    if there:
        return Made(_digest(there), kept=True)
    try:
        encoded = _encode(open_image(item), size, quality)
    except (OSError, ValueError) as error:
        # Bytes of a name that is not UTF-8 are shown escaped: the name ends up in a manifest.
        name = os.fsencode(item.origin).decode("utf-8", "backslashreplace")
        return Made(origin=name, problem=getattr(error, "strerror", None) or str(error))
    _write(path, encoded)
    return Made(_digest(encoded))


def _encode(image: Image, size: int, quality: int) -> bytes:
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    image.convert("RGB").resize((size, size), Pillow.Resampling.BICUBIC).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _read_if_there(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _write(path: str, content: bytes) -> None:
    """Write under a temporary name and rename: an interruption leaves no half image behind."""
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
        os.rename(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
