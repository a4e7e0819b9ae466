import errno
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from tfpt_tui.backends.allocator import keep_memory
from tfpt_tui.backends.dataset import Images
from tfpt_tui.backends.pack import HEADER_BYTES, open_pack
from tfpt_tui.backends.report import Report
from tfpt_tui.runs.record.fold import fold_all
from tfpt_tui.runs.record.tail import EventTail

SIDE, COUNT = 8, 5


@pytest.fixture
def report(tmp_path):
    with Report(tmp_path / "events.jsonl") as report:
        yield report


@pytest.fixture
def images(tmp_path):
    directory = tmp_path / "data" / "train"
    directory.mkdir(parents=True)
    paths = tuple(f"{directory}/0/{number}.jpg" for number in range(COUNT))
    return Images(paths, (0,) * COUNT, 1, str(directory), SIDE, "digest-one")


@pytest.fixture
def decode():
    """Fills a pack with the numbers of its images, and counts how often."""

    def fill(pixels):
        fill.calls += 1
        for number in range(len(pixels)):
            pixels[number] = number

    fill.calls = 0
    return fill


def beside(images):
    """The names in the dataset's directory."""
    return sorted(path.name for path in Path(images.directory).parent.iterdir())


def test_a_pack_is_decoded_once_and_opened_the_next_time(images, decode, report):
    first = open_pack(images, SIDE, "Pillow", decode, report)
    again = open_pack(images, SIDE, "Pillow", decode, report)
    assert decode.calls == 1
    assert (first.reused, again.reused) == (False, True)
    assert again.build_s == first.build_s > 0
    assert again.pixels.shape == (COUNT, SIDE, SIDE, 3)
    assert [int(image.max()) for image in again.pixels] == list(range(COUNT))


def test_a_pack_that_is_opened_takes_no_memory_of_its_own(images, decode, report):
    open_pack(images, SIDE, "Pillow", decode, report)
    pack = open_pack(images, SIDE, "Pillow", decode, report)
    maps = Path("/proc/self/smaps").read_text()
    (ours,) = [part for part in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", maps) if "train-8-Pillow.pack" in part]
    assert re.search(r"Anonymous: +0 kB", ours)
    assert pack.facts() == {"pack_build_s": round(pack.build_s, 3), "pack_reused": True}


@pytest.mark.parametrize(
    "change",
    [
        lambda images: (
            Images(images.paths, images.labels, 1, images.directory, SIDE, "digest-two"),
            SIDE,
            "Pillow",
        ),
        lambda images: (images, SIDE, "another decoder"),
        lambda images: (images, 2 * SIDE, "Pillow"),
        lambda images: (images.pick([0, 1]), SIDE, "Pillow"),
    ],
    ids=["dataset", "decoder", "image_size", "number of images"],
)
def test_a_pack_of_something_else_is_not_used(images, decode, report, change):
    open_pack(images, SIDE, "Pillow", decode, report)
    other, side, decoder = change(images)
    pack = open_pack(other, side, decoder, decode, report)
    assert decode.calls == 2
    assert pack.pixels.shape == (len(other), side, side, 3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: os.truncate(path, 10),
        lambda path: path.write_bytes(b"\0" * HEADER_BYTES),
        lambda path: path.write_bytes(b"[1]"),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    ],
    ids=["short", "no header", "empty header", "other JSON", "long", "link"],
)
def test_a_damaged_pack_is_built_anew(images, decode, report, damage):
    open_pack(images, SIDE, "Pillow", decode, report)
    damage(Path(images.directory).with_name("train-8-Pillow.pack"))
    pack = open_pack(images, SIDE, "Pillow", decode, report)
    assert (pack.reused, decode.calls) == (False, 2)
    assert open_pack(images, SIDE, "Pillow", decode, report).reused


def test_a_full_disk_costs_the_next_run_its_pack_and_this_one_a_warning(
    images, decode, report, monkeypatch, tmp_path
):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    pack = open_pack(images, SIDE, "Pillow", decode, report)
    assert [int(image.max()) for image in pack.pixels] == list(range(COUNT))
    (warning,) = fold_all(EventTail(tmp_path / "events.jsonl").stream()).warnings
    assert "train-8-Pillow.pack: No space left on device: the images were decoded for this" in warning.message
    assert beside(images) == ["train"]


def test_a_decoder_that_fails_leaves_nothing(images, report):
    def fail(pixels):
        raise RuntimeError("not a picture")

    with pytest.raises(RuntimeError, match="not a picture"):
        open_pack(images, SIDE, "Pillow", fail, report)
    assert beside(images) == ["train"]


def test_two_runs_that_build_a_pack_at_once_both_have_it(images, decode, report):
    both_decode = threading.Barrier(2, timeout=20)

    def meet(pixels):
        both_decode.wait()
        decode(pixels)

    found = []
    runs = [
        threading.Thread(target=lambda: found.append(open_pack(images, SIDE, "Pillow", meet, report)))
        for _ in range(2)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert decode.calls == 2
    assert all(np.array_equal(pack.pixels, found[0].pixels) for pack in found)
    assert beside(images) == ["train", "train-8-Pillow.pack"]


def test_memory_can_be_kept_where_the_c_library_is_glibc():
    assert keep_memory() is ("glibc" in " ".join(os.confstr("CS_GNU_LIBC_VERSION").split()))
