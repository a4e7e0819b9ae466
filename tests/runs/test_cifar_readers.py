"""The two loaders that the article names, for real: each in its framework's process, on an archive we made."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.data.cifar_archives import make_archive
from tfpt_tui.config.settings import UserSettings
from tfpt_tui.data.cifar import CIFAR10, CIFAR100, Split, read_cifar
from tfpt_tui.errors import MissingError, TfptError, UsageError
from tfpt_tui.runs.tasks import cifar_reader
from tfpt_tui.runs.tasks.cifar_reader import check_same, read_again

SETTINGS = UserSettings()


@pytest.mark.parametrize("reader", ["torchvision", "keras"])
def test_every_reader_gives_the_same_pictures(reader, tmp_path):
    ours, files = read_cifar(CIFAR100, make_archive("cifar100", tmp_path / "a.tar.gz", train=500, test=100))
    theirs = read_again(reader, tmp_path / "a.tar.gz", CIFAR100, ours, files, SETTINGS)
    assert theirs.classes == ours.classes
    for split, (pixels, labels) in ours.splits.items():
        np.testing.assert_array_equal(theirs.splits[split].pixels, pixels)
        np.testing.assert_array_equal(theirs.splits[split].labels, labels)


def test_a_reader_that_reads_something_else_is_not_believed(tmp_path):
    ours, _ = read_cifar(CIFAR100, make_archive("cifar100", tmp_path / "a.tar.gz", train=100, test=100))
    test = ours.splits["test"]
    other = {**ours.splits, "test": Split(test.pixels ^ 1, test.labels)}
    with pytest.raises(TfptError, match="torchvision reads other test pictures from this archive"):
        check_same("torchvision", ours.splits, other)


def test_an_archive_that_a_reader_cannot_read_is_one_line(tmp_path):
    ours, files = read_cifar(CIFAR10, make_archive("cifar10", tmp_path / "a.tar.gz", train=100, test=50))
    files = {name: content for name, content in files.items() if "meta" not in name}
    with pytest.raises(UsageError, match=r"/a.tar.gz: torchvision cannot read it: .*; leave --reader out$"):
        read_again("torchvision", tmp_path / "a.tar.gz", CIFAR10, ours, files, SETTINGS)


def test_a_reader_needs_its_framework(tmp_path):
    ours, files = read_cifar(CIFAR100, make_archive("cifar100", tmp_path / "a.tar.gz", train=100, test=100))
    settings = UserSettings(interpreters={"tensorflow": str(tmp_path / "none")})
    with pytest.raises(MissingError, match="no such interpreter"):
        read_again("keras", tmp_path / "a.tar.gz", CIFAR100, ours, files, settings)


@pytest.mark.parametrize("left", [None, b"", b"no arrays"])
def test_a_reader_that_ends_without_its_pictures_is_one_line(monkeypatch, left):
    def launch(directory, *_):
        if left is not None:
            (directory / "arrays.npz").write_bytes(left)
        return subprocess.Popen(["true"], start_new_session=True)

    monkeypatch.setattr(cifar_reader, "launch", launch)
    monkeypatch.setattr(cifar_reader, "check_framework", lambda *_: "python")
    with pytest.raises(TfptError, match="keras ended without the pictures that it read; leave --reader out"):
        read_again("keras", Path("a.tar.gz"), CIFAR100, None, {}, SETTINGS)
