import gzip
import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from tests.data.cifar_archives import pack
from tfpt_tui.data import archive as archives
from tfpt_tui.data.archive import checksum_of, read_members
from tfpt_tui.errors import MissingError, UsageError

FILES = {"folder/one": os.urandom(300_000), "folder/two": b"2"}


@pytest.fixture
def good(tmp_path):
    return pack(FILES, tmp_path / "good.tar.gz")


def test_the_wanted_members_are_read_and_nothing_is_unpacked(good, tmp_path):
    assert read_members(good, ["folder/one", "folder/three"]) == {"folder/one": FILES["folder/one"]}
    assert [path.name for path in tmp_path.iterdir()] == ["good.tar.gz"]


def test_an_archive_that_a_browser_unzipped_is_read_too(good, tmp_path):
    plain = tmp_path / "good.tar"
    plain.write_bytes(gzip.decompress(good.read_bytes()))
    assert read_members(plain, FILES) == FILES


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_archive_is_refused_wherever_it_was_cut(good, share):
    content = good.read_bytes()
    good.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UsageError, match="the archive is truncated; fetch it again"):
        read_members(good, FILES)


def test_a_truncated_plain_archive_is_refused(good, tmp_path):
    plain = tmp_path / "good.tar"
    plain.write_bytes(gzip.decompress(good.read_bytes())[:200_000])
    with pytest.raises(UsageError, match="the archive is truncated"):
        read_members(plain, FILES)


def test_one_changed_byte_is_noticed(good):
    content = bytearray(good.read_bytes())
    content[150_000] ^= 1
    good.write_bytes(content)
    with pytest.raises(UsageError, match="the archive is damaged"):
        read_members(good, FILES)


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (member("../../etc/passwd"), r"'\.\./\.\./etc/passwd' leads out of the archive"),
        (member("folder/../../x"), "leads out of the archive"),
        (member("/etc/passwd"), "'/etc/passwd' leads out of the archive"),
        (member("folder/s", tarfile.SYMTYPE, "/etc/passwd"), "'folder/s' is a link"),
        (member("folder/h", tarfile.LNKTYPE, "folder/one"), "'folder/h' is a link"),
        (member("folder/b", tarfile.BLKTYPE), "'folder/b' is a device"),
        (member("folder/c", tarfile.CHRTYPE), "'folder/c' is a device"),
        (member("folder/p", tarfile.FIFOTYPE), "'folder/p' is a device or the like"),
        (member("folder/two"), "holds folder/two twice"),
    ],
)
def test_members_that_have_no_place_in_it_refuse_the_whole_archive(tmp_path, extra, said):
    bad = pack(FILES, tmp_path / "bad.tar.gz", extra=extra)
    with pytest.raises(UsageError, match=said) as caught:
        read_members(bad, FILES)
    assert "\n" not in str(caught.value)
    assert "--archive FILE" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><title>Hotel</title>", "is a web page, not an archive, perhaps a proxy's login page"),
        (b"PK\x03\x04 this is a zip", "is packed with zip, unlike its authors' .tar.gz"),
        (lzma.compress(b"x"), "is packed with xz"),
        (gzip.compress(gzip.compress(b"x")), "is packed with gzip twice"),
        (gzip.compress(b"just text " * 200, mtime=0), "is not a tar archive"),
        (gzip.compress(b"<html>" * 200, mtime=0), "is a web page"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"just text " * 200, mtime=0)[:20], "the archive is truncated"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",  # what is packed holds the time
)
def test_what_is_no_archive_says_what_it_is(tmp_path, content, said):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_members(tmp_path / "file", FILES)


def test_a_bomb_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 10 << 20)
    bomb = pack({"folder/one": bytes(50 << 20)}, tmp_path / "bomb.tar.gz")
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(UsageError, match="unpacks to more than 10 MiB"):
        read_members(bomb, FILES)


def test_zeros_without_end_after_the_archive_are_a_bomb_too(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 10 << 20)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        tar.addfile(member("folder/two"))
    (tmp_path / "bomb.tar.gz").write_bytes(gzip.compress(plain.getvalue() + bytes(50 << 20)))
    with pytest.raises(UsageError, match="unpacks to more than 10 MiB"):
        read_members(tmp_path / "bomb.tar.gz", FILES)


def test_more_files_than_cifar_has_are_not_listed_one_by_one(tmp_path):
    many = pack({f"folder/{number}": b"" for number in range(200)}, tmp_path / "many.tar.gz")
    with pytest.raises(UsageError, match="holds more files than CIFAR's archives"):
        read_members(many, FILES)


def test_a_size_beyond_all_reason_is_not_read_for(tmp_path):
    endless = member("folder/endless")
    endless.size = 1 << 60
    with pytest.raises(UsageError, match="unpacks to more than 256 MiB"):
        read_members(pack(FILES, tmp_path / "bad.tar.gz", extra=endless), FILES)


def test_a_name_without_end_is_not_shown_whole(tmp_path):
    bad = pack(FILES, tmp_path / "bad.tar.gz", extra=member("/" + "x" * 1_000_000))
    with pytest.raises(UsageError, match="leads out of the archive") as caught:
        read_members(bad, FILES)
    assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingError, match="no such archive; correct --archive"):
        read_members(tmp_path / "none", FILES)
    with pytest.raises(MissingError, match="cannot read the archive: is a directory"):
        read_members(tmp_path, FILES)


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for archive in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UsageError, match="is a pipe or a device, not a file"):
            checksum_of(archive)
