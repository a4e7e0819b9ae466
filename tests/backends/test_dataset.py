import shutil

import pytest

from tfpt_tui.backends.dataset import list_dataset, whole_batches
from tfpt_tui.config.schema import RunConfig
from tfpt_tui.data.manifest import check_labels, read_manifest
from tfpt_tui.errors import MissingError, UsageError


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "copy")


def test_images_are_listed_by_label_and_number(dataset, copy):
    listed = list_dataset(copy)
    assert listed.classes == 2
    assert listed.train.labels == (0,) * 16 + (1,) * 16
    assert [path.rsplit("/", 2)[1:] for path in listed.train.paths[15:17]] == [["0", "16.jpg"], ["1", "1.jpg"]]


def test_the_second_image_comes_before_the_tenth(copy):
    names = [path.rsplit("/", 1)[1] for path in list_dataset(copy).train.paths[:16]]
    assert names == [f"{number}.jpg" for number in range(1, 17)]


def test_a_label_that_the_manifest_does_not_know_is_refused(copy):
    shutil.copytree(copy / "train/1", copy / "train/2")
    with pytest.raises(UsageError, match=r"train/2: not among the labels 0 to 1 of manifest\.toml"):
        list_dataset(copy)


def test_what_file_managers_leave_is_no_label(copy):
    (copy / "train/.DS_Store").write_bytes(b"x")
    (copy / "train/.thumbnails").mkdir()
    (copy / "test/Thumbs.db").write_bytes(b"x")
    check_labels(copy, read_manifest(copy))
    assert list_dataset(copy).classes == 2


def test_a_directory_that_is_no_label_is_refused(copy):
    (copy / "test/cat").mkdir()
    with pytest.raises(UsageError, match="test/cat: not among the labels"):
        list_dataset(copy)


def test_images_that_are_gone_are_counted(copy):
    (copy / "train/0/1.jpg").unlink()
    with pytest.raises(MissingError, match="train: 1 of 32 images are not there"):
        list_dataset(copy)


def test_more_images_than_the_manifest_says_are_refused(copy):
    shutil.copy(copy / "test/0/1.jpg", copy / "test/0/99.jpg")
    with pytest.raises(UsageError, match=r"test: 33 images, but manifest\.toml counts 32"):
        list_dataset(copy)


def test_chosen_images_keep_their_labels_and_the_number_of_classes(copy):
    chosen = list_dataset(copy).train.pick([16, 0])
    assert (chosen.labels, chosen.classes, len(chosen)) == ((1, 0), 2, 2)


def test_training_steps_are_whole_batches(copy):
    config = RunConfig.from_mapping({"framework": "pytorch", "data": str(copy), "batch_size": 32}, "here")
    assert whole_batches(config, 100) == 3
    assert whole_batches(config.replace(max_steps=2), 100) == 2
    assert whole_batches(config.replace(max_steps=9), 100) == 3
    with pytest.raises(UsageError, match="batch_size=32: more than the 31 training images"):
        whole_batches(config, 31)


def test_a_directory_that_is_gone_is_missing(tmp_path):
    with pytest.raises(MissingError, match=r"it has no manifest\.toml"):
        list_dataset(tmp_path)
