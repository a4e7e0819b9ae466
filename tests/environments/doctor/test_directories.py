"""The disks below our directories."""

import os
from types import SimpleNamespace

import pytest

from tfpt_tui.environments.doctor.directories import DirectoryFacts, judge_directories, read_directory


def facts(name="runs", **changes):
    return DirectoryFacts(
        **({"name": name, "place": "/here", "free_bytes": 10**10, "filesystem": "ext4"} | changes)
    )


def judge(**changes):
    (finding,) = judge_directories((facts(**changes),))
    return finding


def test_directories_of_one_disk_are_told_together():
    (finding,) = judge_directories((facts("runs"), facts("datasets")))
    assert (finding.level, finding.message) == ("ok", "runs and datasets: 9.3 GiB free (ext4)")


def test_directories_of_two_disks_are_told_apart():
    first, second = judge_directories((facts("runs"), facts("datasets", device=2, free_bytes=10**9)))
    assert (first.level, second.level) == ("ok", "warning")
    assert second.message.startswith("datasets: 954 MiB free")


@pytest.mark.parametrize(
    ("free", "level", "words"),
    [
        (10**8 - 1, "error", "could not keep its records"),
        (10**8, "warning", "may soon fill the disk"),
        (2 * 10**9, "ok", "1.9 GiB free"),
        (None, "ok", "room unknown"),
    ],
)
def test_room_is_judged_by_what_runs_and_datasets_take(free, level, words):
    finding = judge(free_bytes=free)
    assert (finding.level, words in finding.message) == (level, True)
    assert ("free some room" in finding.remedy) == (level != "ok")


def test_a_disk_without_room_for_a_datasets_files_is_warned_of():
    finding = judge(free_files=99_999)
    assert (finding.level, "99,999 more files (inodes)" in finding.message) == ("warning", True)
    assert "df -i" in finding.remedy
    assert judge(free_files=100_000).level == "ok"


def test_a_directory_that_cannot_be_written_is_an_error_for_itself():
    findings = judge_directories((facts("runs", writable=False), facts("datasets")))
    assert [finding.level for finding in findings] == ["error", "ok"]
    assert findings[0].message == "runs: /here cannot be written"
    assert "XDG_DATA_HOME" in findings[0].remedy


def test_a_small_place_for_temporary_files_or_downloads_is_told_in_its_own_words():
    for name, words, variable in (
        ("temporary files", "compilers and installers write there", "TMPDIR"),
        ("downloads", "CIFAR takes 163 MB", "XDG_CACHE_HOME"),
    ):
        finding = judge(name=name, free_bytes=64 << 20)
        assert (finding.level, finding.message) == ("warning", f"{name}: 64 MiB free, and {words}")
        assert finding.remedy == f"set {variable} to a directory with more room"
        assert judge(name=name, filesystem="tmpfs").level == "ok"
        finding = judge_directories((facts(name, writable=False),))[0]
        assert (finding.level, variable in finding.remedy) == ("warning", True)


@pytest.mark.parametrize("filesystem", ["nfs4", "cifs", "fuse.sshfs", "lustre", "9p"])
def test_a_network_file_system_would_be_measured_with_the_pictures(filesystem):
    finding = judge(filesystem=filesystem)
    assert finding.level == "warning"
    assert f"network file system ({filesystem})" in finding.message
    assert "prepare --out DIR" in finding.remedy


@pytest.mark.parametrize(("filesystem", "words"), [("tmpfs", "after a reboot"), ("overlay", "with the container")])
def test_what_will_not_stay_is_noted(filesystem, words):
    finding = judge(filesystem=filesystem)
    assert (finding.level, words in finding.message) == ("note", True)
    assert "-v DIR:DIR" in finding.remedy


def test_a_directory_that_is_not_there_yet_is_looked_at_where_it_would_be(tree, tmp_path):
    root = tree({"proc/self/mountinfo": "1 1 0:1 / / rw - xfs /dev/a rw\n"})
    read = read_directory("runs", tmp_path / "not" / "yet", root)
    room = os.statvfs(tmp_path)
    assert (read.name, read.place, read.filesystem) == ("runs", str(tmp_path), "xfs")
    assert (read.writable, read.device) == (True, os.stat(tmp_path).st_dev)
    assert read.free_bytes == pytest.approx(room.f_bavail * room.f_frsize, rel=0.5)


def test_a_file_system_that_does_not_count_is_unknown(tmp_path, monkeypatch):
    silent = SimpleNamespace(f_blocks=0, f_bavail=0, f_frsize=4096, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda path: silent)
    read = read_directory("runs", tmp_path)
    assert (read.free_bytes, read.free_files) == (None, None)


def test_below_a_file_no_directory_can_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    assert not read_directory("runs", tmp_path / "file" / "runs").writable
