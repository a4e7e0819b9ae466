import shutil

import pytest

from tfpt_tui.backends.dataset import list_dataset
from tfpt_tui.errors import MissingError, UsageError


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "copy")


def test_images_are_listed_by_label_and_number(dataset, copy):
    listed = list_dataset(copy)
    assert listed.classes == 2
    assert listed.train.labels == (0, 0, 1, 1)
    assert [path[-6:] for path in listed.train.paths] == ["/1.jpg", "/2.jpg", "/1.jpg", "/2.jpg"]


def test_the_second_image_comes_before_the_tenth(copy):
    for number in range(3, 12):
        shutil.copy(copy / "train/0/1.jpg", copy / f"train/0/{number}.jpg")
    manifest = (copy / "manifest.toml").read_text().replace("train = 4", "train = 13")
    (copy / "manifest.toml").write_text(manifest)
    names = [path.rsplit("/", 1)[1] for path in list_dataset(copy).train.paths[:11]]
    assert names == [f"{number}.jpg" for number in range(1, 12)]


def test_a_label_that_the_manifest_does_not_know_is_refused(copy):
    shutil.copytree(copy / "train/1", copy / "train/2")
    with pytest.raises(UsageError, match=r"train/2: not among the labels 0 to 1 of manifest\.toml"):
        list_dataset(copy)


def test_a_directory_that_is_no_label_is_refused(copy):
    (copy / "test/cat").mkdir()
    with pytest.raises(UsageError, match="test/cat: not among the labels"):
        list_dataset(copy)


def test_images_that_are_gone_are_counted(copy):
    (copy / "train/0/1.jpg").unlink()
    with pytest.raises(MissingError, match="train: 1 of 4 images are not there"):
        list_dataset(copy)


def test_more_images_than_the_manifest_says_are_refused(copy):
    shutil.copy(copy / "test/0/1.jpg", copy / "test/0/9.jpg")
    with pytest.raises(UsageError, match=r"test: 5 images, but manifest\.toml counts 4"):
        list_dataset(copy)


def test_a_directory_that_is_gone_is_missing(tmp_path):
    with pytest.raises(MissingError, match=r"it has no manifest\.toml"):
        list_dataset(tmp_path)
