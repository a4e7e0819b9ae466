"""One picture file of a user's: what it really is, its pixels, and what is to be said of them.

Pixels decide. Text, profiles and tags beside them may be large or broken: viewers and the frameworks' own decoders
pass over them, and so does this.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
# What such files hold, whatever their names say. Not all that Pillow knows: for EPS it would run Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
# Where a file has which bytes if it is something else: a picture of another kind, or none.
OTHER_PICTURES = (
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"qoif", "QOI"),
    (128, b"DICM", "DICOM"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "SVG, or other XML"),
)
NO_PICTURES = (
    (0, b"version https://git-lfs", "a Git LFS pointer: git lfs pull fetches the image"),
    (0, b"<!doctype html", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"%pdf", "a PDF"),
    (0, b"pk\x03\x04", "a ZIP archive"),
    (0, b"\x93numpy", "a NumPy array"),
    (4, b"ftyp", "a film"),
)
HEAD_BYTES = 256
# EXIF's orientations, and what makes a picture upright again.
ORIENTATION = 0x0112
UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
JPEG_START = b"\xff\xd8"
EXIF = b"Exif\0\0"  # it may turn the picture
PLAIN_SAMPLINGS = ("444", "422", "420")
MOST_PLAIN_PIXELS = 50_000_000  # larger ones may be bombs, of which Pillow knows
PNG_START = b"\x89PNG\r\n\x1a\n"
# Of what is not critical in a PNG, only transparency and orientation change how it looks.
PNG_KEPT = (b"tRNS", b"eXIf")
GROUND = "white"  # under what is transparent, as browsers and most viewers show it
DIM = 26  # of 255: a picture of 16 bits that is nowhere lighter uses a tenth of its range
UNIFORM = 8  # of 255: between the darkest and the lightest pixel of a channel
# The key under which the remarks on an image are handed on, in Pillow's table of what is known of it.
REMARKS = "tfpt-tui remarks"
# What is said of a dataset with so many of them.
REMARK_LINES = {
    "transparent": f"transparent images, put on a {GROUND} ground: {{:,}}",
    "deep": "images of 16 bits a channel, scaled to 8: {:,}",
    "dim": "images of 16 bits that use less than a tenth of their range and became nearly black: {:,};"
    " convert them to 8 bits first",
    "uniform": "images of nearly one colour, in which there is nothing to see: {:,}",
}


def open_picture(path: str) -> Image:
    """The pixels of the file, upright, in RGB, with remarks on them in ``info[REMARKS]``.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no picture, or none of ``FORMATS``; the message says what it is.
    """
    from PIL import Image, UnidentifiedImageError

    # A pipe would be waited for.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("not a file")
    if image := _plain_jpeg(path):
        return image
    try:
        with Image.open(_without_metadata(path), formats=FORMATS) as image:
            image.load()
            return _as_rgb(_upright(image), deep=_has_16_bits(path))
    except UnidentifiedImageError:
        raise ValueError(_what_it_is(path)) from None
    except Image.DecompressionBombError:
        raise ValueError("far too many pixels") from None
    except (SyntaxError, RuntimeError, AssertionError, struct.error) as error:
        # What Pillow raises for broken chunks and palettes of PNG files.
        raise ValueError(str(error) or "its data is broken") from None


def _plain_jpeg(path: str) -> Image | None:
    """The pixels of a JPEG file without anything special, None of any other and of a broken one.

    The same library decodes it as in Pillow, to the same values, without what Pillow does around it: of a picture
    of 32 pixels that took 0.11 of 0.14 ms.
    """
    import simplejpeg
    from PIL import Image as Pillow

    with open(path, "rb") as file:
        if file.read(len(JPEG_START)) != JPEG_START:
            return None
        content = JPEG_START + file.read()
    try:
        height, width, colours, sampling = simplejpeg.decode_jpeg_header(content)
        is_plain = colours == "YCbCr" and sampling in PLAIN_SAMPLINGS and width * height <= MOST_PLAIN_PIXELS
        if not is_plain or EXIF in content:
            return None
        image = Pillow.fromarray(simplejpeg.decode_jpeg(content))
    except ValueError:  # Pillow may still read it, and names the problem if not
        return None
    image.info[REMARKS] = []
    return image


def remarks_on(image: Image) -> tuple[str, ...]:
    """Names of ``REMARK_LINES`` that hold of an image of :func:`open_picture`, in RGB; none of another one."""
    if REMARKS not in image.info:
        return ()
    found = tuple(image.info[REMARKS])
    channels: list[tuple[int, int]] = image.getextrema()  # type: ignore[assignment]  # that of three channels
    if "deep" in found and max(high for _, high in channels) < DIM:
        found += ("dim",)
    if all(high - low < UNIFORM for low, high in channels):
        found += ("uniform",)
    return found


def _without_metadata(path: str) -> str | io.BytesIO:
    """The file, of a PNG only what its pixels are made of.

    Pillow refuses pictures for the size of their texts, and for checksums of parts that it does not use.
    """
    with open(path, "rb") as file:
        if file.read(len(PNG_START)) != PNG_START:
            return path
        content = PNG_START + file.read()
    parts, place = [PNG_START], len(PNG_START)
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        chunk = content[place : place + 12 + length]
        if kind in PNG_KEPT:
            body = chunk[4 : 8 + length]
            parts.append(chunk[:4] + body + struct.pack(">I", zlib.crc32(body)))
        elif kind[:1].isupper():
            parts.append(chunk)
        place += 12 + length
    return io.BytesIO(b"".join(parts))


def _upright(image: Image) -> Image:
    from PIL import Image as Pillow

    try:
        # Not ImageOps.exif_transpose: it writes EXIF data anew, and fails over tags that are none of ours.
        method = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, struct.error):
        return image  # broken tags: the pixels are as they are
    return image.transpose(Pillow.Transpose[method]) if method else image


def _has_16_bits(path: str) -> bool:
    """Whether a PNG says so (its IHDR); Pillow itself keeps the upper half of colours with 16 bits."""
    with open(path, "rb") as file:
        head = file.read(len(PNG_START) + 17)
    return head.startswith(PNG_START) and head[-1:] == b"\x10"


def _as_rgb(image: Image, *, deep: bool) -> Image:
    from PIL import Image as Pillow

    if image.mode == "P" and image.palette is None:
        raise ValueError("its palette is missing")
    remarks = ["deep"] * deep
    if image.mode.startswith("I"):  # converted at once, all above 255 would be white
        image = image.convert("I").point(lambda level: level * (255 / 65535)).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() != (255, 255):
            remarks.append("transparent")
            image = Pillow.alpha_composite(Pillow.new("RGBA", image.size, GROUND), image)
    image = image.convert("RGB")
    image.info[REMARKS] = remarks
    return image


def _what_it_is(path: str) -> str:
    """What to call a file that holds no picture in ``FORMATS``."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return "an empty file, not an image"
    for place, start, name in OTHER_PICTURES:
        if head.startswith(start, place):
            return f"a picture in {name}, which is not read: convert it to JPEG or PNG"
    for place, start, name in NO_PICTURES:
        if head.lstrip().lower().startswith(start, place):
            return f"{name}, not an image" if ":" not in name else f"not an image, but {name}"
    return "not an image"


def is_picture(name: str) -> bool:
    """Whether a file's name promises one that is read."""
    return name.lower().endswith(SUFFIXES)


def suffix_of(name: str) -> str:
    """Such as ``.tif``, or "no suffix"."""
    return Path(name).suffix.lower() or "no suffix"
