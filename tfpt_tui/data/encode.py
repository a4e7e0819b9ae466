"""Decode, resize and write a few images: the part of the preparation that runs in many processes."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tfpt_tui.data.picture import JPEG_START, remarks_on
from tfpt_tui.data.source import Item, as_text
from tfpt_tui.errors import cannot
from tfpt_tui.lifeline import die_with_parent

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from PIL.Image import Image


JPEG_END = b"\xff\xd9"
# What is said of one file, as by Pillow, which gives no number. All else is the disk's or the machine's refusal:
# no picture may be left out for it.
OF_THE_FILE = (None, errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENOTDIR)


class Made(NamedTuple):
    """One image that was made or was there already (``kept``), or the ``problem`` of one that is no image.

    ``remarks`` are names of ``REMARK_LINES``.
    """

    digest: str = ""
    kept: bool = False
    origin: str = ""
    problem: str = ""
    remarks: tuple[str, ...] = ()


class Order(NamedTuple):
    """What every process is told once: how to open an item, and what to make of it below ``directory``."""

    open_image: Callable[[Item], Image]
    directory: Path
    size: int
    quality: int


# Set in a process that makes images, and inherited by its fork: a source may hold all of its pixels.
_orders: list[tuple[Order, Event]] = []


def begin(parent: int, order: Order, stop: Event) -> None:
    """The first call in a process that makes images; it ends with its ``parent``; ``stop`` is said to all."""
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # A pool whose process was killed is ended by SIGTERM, whatever the parent does at it.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    warnings.simplefilter(
        "ignore"
    )  # Pillow's, of what it reads all the same; they would run into the progress bar
    _orders[:] = [(order, stop)]


def make_images(items: Iterable[Item]) -> list[Made]:
    """Make the images of the items as RGB JPEG files, as :func:`begin` was told, until it is to stop.

    Raises:
        OSError: a file could not be written; what was written before it stays and is complete.
        MissingError: a file of the source is refused by its file system.
    """
    ((order, stop),) = _orders
    return [_make(item, order) for item in items if not stop.is_set()]


def _make(item: Item, order: Order) -> Made:
    path = f"{order.directory}/{item.name}"
    there = _read_if_there(path)
    if there and _is_whole(there):
        return Made(_digest(there), kept=True)
    try:
        encoded, remarks = _encode(order.open_image(item), order.size, order.quality)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in OF_THE_FILE:
            raise cannot("read the image", as_text(item.origin), error) from None
        if there is not None:
            Path(path).unlink(missing_ok=True)  # the beginning of what can no longer be made
        return Made(origin=as_text(item.origin), problem=getattr(error, "strerror", None) or str(error))
    _write(path, encoded)
    return Made(_digest(encoded), remarks=remarks)


def _encode(image: Image, size: int, quality: int) -> tuple[bytes, tuple[str, ...]]:
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    small = image.resize((size, size), Pillow.Resampling.BICUBIC)
    small.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue(), remarks_on(small)


def _read_if_there(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _is_whole(content: bytes) -> bool:
    """Whether a file of ours was written to its end, where a JPEG file has what it has nowhere else."""
    return content.startswith(JPEG_START) and content.endswith(JPEG_END)


def _write(path: str, content: bytes) -> None:
    """Write a file under its own name at once: making a temporary one first took a tenth of the whole time.

    A kill or a power cut may leave the file without its end. There is no manifest yet, and the next call, which
    looks at every file, makes it anew. Where no lock keeps two calls apart, both write the same bytes.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    try:
        with open(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        Path(path).unlink(missing_ok=True)
        error.filename = path
        raise


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
