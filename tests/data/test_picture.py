"""Pictures as users have them: pixels decide, and what is done to them is told."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageOps

from tfpt_tui.data.picture import open_picture, remarks_on

PNG_HEAD = 33  # bytes: the signature and IHDR


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path):
    def write(content, name="x.png"):
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


WRONG_CHECKSUM = chunk(b"tEXt", b"Comment\0x")[:-1] + b"?"


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"xmp\0\0" + zlib.compress(b"a" * 3_000_000)),
        chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(2_000_000))),
        chunk(b"eXIf", b"no EXIF data at all"),
        WRONG_CHECKSUM,
    ],
    ids=["text", "profile", "orientation", "checksum"],
)
def test_what_stands_beside_the_pixels_makes_no_picture_bad(write, extra):
    whole = png(Image.new("RGB", (8, 8), (200, 30, 90)))
    image = open_picture(write(whole[:PNG_HEAD] + extra + whole[PNG_HEAD:]))
    assert image.getpixel((3, 3)) == (200, 30, 90)


def test_a_damaged_checksum_of_pixels_makes_it_bad(write):
    whole = bytearray(png(Image.effect_noise((32, 32), 80)))
    whole[whole.index(b"IDAT") + 20] ^= 1
    with pytest.raises((OSError, ValueError)):
        open_picture(write(bytes(whole)))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (0, 0, 0, 255)), (0, 0, 0)),
        (Image.new("LA", (8, 8), (0, 128)), (127, 127, 127)),
    ],
    ids=["transparent", "opaque", "half"],
)
def test_what_is_transparent_shows_a_white_ground(write, image, expected):
    shown = open_picture(write(png(image)))
    assert shown.getpixel((2, 2)) == pytest.approx(expected, abs=1)
    assert ("transparent" in remarks_on(shown)) == (expected != (0, 0, 0))


@pytest.mark.parametrize("channels", ["grey", "colour"])
@pytest.mark.parametrize(("top", "dim"), [(65535, False), (1023, True)])
def test_pictures_of_16_bits_are_told_and_those_that_became_black_once_more(write, channels, top, dim):
    of_pixel, kind = (1, 0) if channels == "grey" else (3, 2)
    line = b"\0" + b"".join(struct.pack(">H", top * x // 15) * of_pixel for x in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 16, kind, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(line * 16)), chunk(b"IEND", b"")
    image = open_picture(write(b"\x89PNG\r\n\x1a\n" + b"".join(parts)))
    assert ("deep" in remarks_on(image), "dim" in remarks_on(image)) == (True, dim)


def test_a_picture_of_one_colour_is_told(write):
    assert remarks_on(open_picture(write(png(Image.new("RGB", (8, 8), (10, 200, 10)))))) == ("uniform",)
    assert remarks_on(open_picture(write(png(Image.radial_gradient("L"))))) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file, not an image"),
        (b"\0\0\0\x18ftypheic" + bytes(300), "a picture in HEIC, which is not read: convert it to JPEG or PNG"),
        (b"\0\0\0\x18ftypavif" + bytes(300), "a picture in AVIF"),
        (b"II*\0" + bytes(300), "a picture in TIFF"),
        (b"\0\0\0\x0cjP  \r\n" + bytes(300), "a picture in JPEG 2000"),
        (
            b"version https://git-lfs.github.com/spec/v1\nsize 1\n",
            "a Git LFS pointer: git lfs pull fetches the image",
        ),
        (b"\n<HTML>404</HTML>", "a web page, not an image"),
        (b"neither fish nor flesh", "not an image"),
    ],
)
def test_what_is_no_picture_that_is_read_is_called_what_it_is(write, content, said):
    with pytest.raises(ValueError, match=said):
        open_picture(write(content, "x.jpg"))


def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def photo(mode="RGB", size=(37, 21)):
    """Noise over a slope: no block is of one colour."""
    slope = Image.linear_gradient("L").resize(size)
    return Image.merge(
        "RGB", [slope, Image.effect_noise(size, 90), slope.transpose(Image.Transpose.ROTATE_180)]
    ).convert(mode)


TURNED = Image.Exif()
TURNED[0x0112] = 6


@pytest.mark.parametrize(
    "content",
    [
        *(jpeg(photo(), quality=90, subsampling=sampling) for sampling in (0, 1, 2)),
        jpeg(photo(), progressive=True),
        jpeg(photo(size=(1, 1))),
        jpeg(photo("L")),
        jpeg(photo("CMYK")),
        jpeg(photo(), keep_rgb=True),
        jpeg(photo(), exif=TURNED),
        jpeg(photo()) + b"what a camera adds",
    ],
    ids=["444", "422", "420", "progressive", "one pixel", "grey", "CMYK", "RGB", "turned", "more behind it"],
)
def test_a_jpeg_file_has_the_pixels_that_pillow_gives_it(write, content):
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    image = open_picture(write(content, "x.jpg"))
    assert (image.mode, image.size) == ("RGB", expected.size)
    assert image.tobytes() == expected.tobytes()


def test_a_plain_jpeg_file_does_not_take_the_long_way(write, monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    assert open_picture(write(jpeg(photo()), "x.jpg")).size == (37, 21)


def test_a_jpeg_file_that_is_cut_short_is_bad(write):
    with pytest.raises(OSError, match="truncated"):
        open_picture(write(jpeg(photo())[:-40], "x.jpg"))
