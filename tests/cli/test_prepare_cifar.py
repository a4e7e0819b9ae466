"""``tfpt-tui prepare cifar100|cifar10`` as a user meets it: fetched, given, cut, and lied to."""

import dataclasses
import hashlib

import pytest

from tests.data.cifar_archives import make_archive
from tests.data.lying_server import LOGIN, honest, reset
from tfpt_tui.config.paths import find_paths
from tfpt_tui.data import cifar, download
from tfpt_tui.data.cifar import ARCHIVES
from tfpt_tui.data.manifest import MARKER, read_manifest


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return make_archive("cifar100", tmp_path_factory.mktemp("archives") / "made.tar.gz", train=200, test=100)


@pytest.fixture
def published(archive, server, monkeypatch):
    """The made archive as if its authors had published it on the local server; its bytes."""
    content = archive.read_bytes()
    made = dataclasses.replace(
        ARCHIVES["cifar100"],
        url=f"http://{server.address}/cifar-100-python.tar.gz",
        md5=hashlib.md5(content).hexdigest(),
        size=len(content),
    )
    monkeypatch.setitem(cifar.ARCHIVES, "cifar100", made)
    monkeypatch.setattr(download, "WAITS", ())
    server.script = [honest(content)]
    return content


def test_cifar_is_fetched_once_and_prepared(cli, published, server, tmp_path):
    code, out, err = cli("prepare", "cifar100", "--out", tmp_path / "one", "--jobs", "2")
    assert code == 0
    assert out == f"{tmp_path}/one: prepared: 100 classes, 200 training and 100 test images of 64x64\n"
    assert "fetching CIFAR-100" in err
    assert (find_paths().downloads / "cifar-100-python.tar.gz").read_bytes() == published
    assert read_manifest(tmp_path / "one").request["archive_md5"] == hashlib.md5(published).hexdigest()
    assert cli("prepare", "cifar100", "--out", tmp_path / "two", "--limit", "1")[0] == 0
    assert len(server.sent) == 1


def test_a_prepared_dataset_needs_no_network_to_be_recognised(cli, published, server, tmp_path):
    cli("prepare", "cifar100", "--out", tmp_path / "one")
    (find_paths().downloads / "cifar-100-python.tar.gz").unlink()
    server.script = [reset]
    code, out, _ = cli("prepare", "cifar100", "--out", tmp_path / "one")
    assert code == 0
    assert "already prepared: 100 classes" in out


def test_a_download_that_was_cut_goes_on_with_the_next_command(cli, published, server, tmp_path):
    half = len(published) // 2
    server.script = [honest(published, end=half, after=reset), honest(published)]
    code, out, err = cli("prepare", "cifar100", "--out", tmp_path / "one")
    assert (code, out) == (3, "")
    assert "the same command resumes it" in err
    assert not (tmp_path / "one").exists()
    assert cli("prepare", "cifar100", "--out", tmp_path / "one")[0] == 0
    assert server.ranges[1] is not None
    assert server.sent[1] < len(published)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (LOGIN, "perhaps a proxy's login page"),
        (honest(b"\x1f\x8b something else"), "the server has another file (17 bytes in place of "),
        (reset, "cannot be fetched"),
    ],
)
def test_what_is_not_the_archive_is_refused_and_nothing_is_prepared(
    cli, published, server, tmp_path, script, said
):
    server.script = [script]
    code, out, err = cli("prepare", "cifar100", "--out", tmp_path / "one")
    assert (code, out) == (3, "")
    (line,) = [line for line in err.splitlines() if line.startswith("tfpt-tui:")]
    assert said in line
    assert "give it with --archive FILE" in line
    assert not (tmp_path / "one").exists()
    assert not list(find_paths().downloads.glob("*.tar.gz"))


def test_a_mirror_serves_the_same_file(cli, published, server, tmp_path):
    mirror = f"http://{server.address}/mirror.tar.gz"
    assert cli("prepare", "cifar100", "--out", tmp_path / "one", "--url", mirror)[0] == 0


def test_an_archive_that_is_given_is_told_apart_from_the_published_one(cli, archive, tmp_path):
    code, out, err = cli("prepare", "cifar100", "--out", tmp_path / "one", "--archive", archive)
    assert code == 0
    assert "200 training and 100 test images" in out
    assert f"note: {archive} is not the archive that its authors published (MD5 " in err


def test_a_truncated_archive_is_one_line_and_leaves_nothing(cli, archive, tmp_path):
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:100_000])
    code, out, err = cli("prepare", "cifar100", "--out", tmp_path / "one", "--archive", cut)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"tfpt-tui: {cut}: the archive is truncated; fetch it again")
    assert not (tmp_path / "one").exists()


def test_what_is_refused_is_refused_before_the_archive_is_fetched(cli, published, server, tmp_path, monkeypatch):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/thesis.tex").write_text("years of work")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / MARKER).write_text('source = "another"\nsize = 64\nquality = 75\n')
    settings = find_paths().settings
    settings.parent.mkdir(parents=True)
    settings.write_text('[interpreters]\npytorch = "/nowhere/python"\n')
    for arguments, exit_code, said in (
        (("--out", tmp_path / "foreign"), 2, "not empty and not made by tfpt-tui prepare"),
        (("--out", tmp_path / "foreign", "--force"), 2, "not empty and not made by tfpt-tui prepare"),
        (("--out", tmp_path / "begun"), 2, "holds another, unfinished preparation"),
        (("--out", tmp_path / "foreign/thesis.tex/below"), 3, "cannot make the dataset: not a directory"),
        (("--out", "/proc/none/below"), 3, ""),
        (("--out", tmp_path / "one", "--reader", "torchvision"), 3, "/nowhere/python: no such interpreter"),
    ):
        code, out, err = cli("prepare", "cifar100", *arguments)
        assert (code, out) == (exit_code, "")
        assert said in err
    assert server.ranges == []
    assert not find_paths().downloads.exists()


def test_a_disk_needs_room_for_the_archive_and_the_images(cli, published, server, tmp_path, monkeypatch):
    monkeypatch.setattr("tfpt_tui.data.prepare.free_bytes", lambda _: 60_000 * 4096 + len(published) - 1)
    code, _, err = cli("prepare", "cifar100", "--out", tmp_path / "one")
    assert code == 3
    assert "246.6 MB are needed (0.9 MB for the archive) and 246.6 MB are free" in err
    assert server.ranges == []
    assert not (tmp_path / "one").exists()
    assert cli("prepare", "cifar100", "--out", tmp_path / "one", "--limit", "1")[0] == 0


def test_a_mirror_goes_on_with_what_another_server_began(cli, published, server, tmp_path):
    half = len(published) // 2
    server.script = [honest(published, end=half, after=reset), honest(published)]
    assert cli("prepare", "cifar100", "--out", tmp_path / "one")[0] == 3
    url = f"HTTP://user:secret@{server.address}/mirror.tar.gz"
    code, _, err = cli("prepare", "cifar100", "--out", tmp_path / "one", "--url", url)
    assert code == 0
    assert "secret" not in err
    assert server.ranges[1].startswith("bytes=")
