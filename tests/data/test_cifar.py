import numpy as np
import pytest
from PIL import Image

from tests.data.cifar_archives import draw, files_of, make_archive, pack, pickled
from tfpt_tui.data.cifar import ARCHIVES, CIFAR10, CIFAR100, cifar_source, read_cifar, request_of
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.data.prepare import Target, find_prepared, prepare
from tfpt_tui.errors import UsageError


def request(cifar, limit=0, classes=0):
    return request_of(cifar, "0" * 32, "archive", limit=limit, classes=classes)


@pytest.mark.parametrize("cifar", ARCHIVES.values(), ids=ARCHIVES)
def test_pixels_labels_and_names_come_out_as_they_went_in(cifar, tmp_path):
    archive = make_archive(cifar.name, tmp_path / "a.tar.gz", train=1000, test=200)
    pictures, files = read_cifar(cifar, archive)
    assert set(files) == set(cifar.members)
    assert len(pictures.classes) == cifar.classes
    assert [len(pictures.splits[split].labels) for split in ("train", "test")] == [1000, 200]
    data, labels = draw(200, cifar.classes, len(cifar.files["train"]))
    test = pictures.splits["test"]
    assert test.labels.tolist() == labels
    # A row holds 1,024 red values, then the green ones, then the blue ones.
    np.testing.assert_array_equal(test.pixels[:, 0, 1], data[:, [1, 1025, 2049]])
    np.testing.assert_array_equal(test.pixels[:, 31, 0], data[:, [992, 2016, 3040]])


def test_the_archive_becomes_the_layout_of_the_article(tmp_path):
    pictures, _ = read_cifar(CIFAR100, make_archive("cifar100", tmp_path / "a.tar.gz", train=300, test=100))
    outcome = prepare(cifar_source(pictures, request(CIFAR100)), Target(tmp_path / "out"), jobs=2)
    assert outcome.manifest.classes == tuple(f"fine_{label:02}" for label in range(100))
    assert outcome.manifest.counts == {"train": (3,) * 100, "test": (1,) * 100}
    assert read_manifest(tmp_path / "out") == outcome.manifest
    assert sorted(path.name for path in (tmp_path / "out/train/57").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    first = int(np.flatnonzero(pictures.splits["train"].labels == 57)[0])
    with Image.open(tmp_path / "out/train/57/1.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (64, 64))
        mean = np.asarray(image).mean(axis=(0, 1))
    np.testing.assert_allclose(mean, pictures.splits["train"].pixels[first].mean(axis=(0, 1)), atol=3)


def test_limit_and_classes_take_the_first_of_the_archive(tmp_path):
    pictures, _ = read_cifar(CIFAR10, make_archive("cifar10", tmp_path / "a.tar.gz", train=100, test=50))
    source = cifar_source(pictures, request(CIFAR10, limit=2, classes=3))
    assert source.classes == ("name_0", "name_1", "name_2")
    assert [(group.split, group.label, len(group.names)) for group in source.groups] == [
        (split, label, 2) for split in ("train", "test") for label in range(3)
    ]
    indices = [int(name) for group in source.groups[:1] for name in group.names]
    assert indices == np.flatnonzero(pictures.splits["train"].labels == 0)[:2].tolist()


def test_a_prepared_dataset_is_found_again_without_its_archive(tmp_path):
    archive = make_archive("cifar100", tmp_path / "a.tar.gz", train=100, test=100)
    pictures, _ = read_cifar(CIFAR100, archive)
    target = Target(tmp_path / "out")
    assert find_prepared(request(CIFAR100), target) is None
    made = prepare(cifar_source(pictures, request(CIFAR100)), target, jobs=1)
    found = find_prepared(request(CIFAR100), target)
    assert found
    assert found.existed
    assert found.manifest == made.manifest
    with pytest.raises(UsageError, match="limit all, asked for 5"):
        find_prepared(request(CIFAR100, limit=5), target)


def test_the_other_archive_is_refused_by_name(tmp_path):
    archive = make_archive("cifar10", tmp_path / "a.tar.gz", train=100, test=50)
    with pytest.raises(
        UsageError, match=r"holds no cifar-100-python/train.*Python version of CIFAR-100"
    ) as caught:
        read_cifar(CIFAR100, archive)
    assert "fetch cifar-100-python.tar.gz" in str(caught.value)


GOOD = {b"fine_labels": [0], b"data": np.zeros((1, 3072), np.uint8)}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("train", {b"data": GOOD[b"data"]}, "no 'fine_labels'"),
        ("train", {**GOOD, b"fine_labels": [0, 1]}, "1 pictures with 2 labels"),
        ("train", {**GOOD, b"fine_labels": [100]}, "a label that is not among 0 to 99"),
        ("train", {**GOOD, b"fine_labels": [-1]}, "a label that is not among 0 to 99"),
        ("train", {**GOOD, b"fine_labels": ["a"]}, "its labels are not a list of whole numbers"),
        ("train", {**GOOD, b"fine_labels": [[0]]}, "its labels are not a list of whole numbers"),
        ("train", {**GOOD, b"fine_labels": 0}, "its labels are not a list of whole numbers"),
        ("train", {**GOOD, b"data": np.zeros((1, 3000), np.uint8)}, "its data are not rows of 3,072 bytes"),
        ("train", {**GOOD, b"data": np.zeros((1, 6144), np.uint8)}, "its data are not rows of 3,072 bytes"),
        ("train", {**GOOD, "fine_labels": [0]}, "a table that has a name twice"),
        ("train", {**GOOD, b"data": [1, 2]}, "its data is not an array"),
        ("train", GOOD, "no training picture of class 'fine_01'"),
        ("train", [1], "no table in it"),
        ("meta", {b"fine_label_names": [b"a", b"b"]}, "2 class names in place of 100"),
        ("meta", {b"fine_label_names": [b"a"] * 100}, "1 class names in place of 100"),
        ("meta", {b"fine_label_names": {b"a": 1}}, "its class names are not a list"),
        ("meta", {b"fine_label_names": "".join(map(chr, range(200, 300)))}, "its class names are not a list"),
        ("meta", {b"fine_label_names": [b"\x1b[31m"] * 100}, r"a name that cannot be shown, '\\x1b\[31m'"),
        ("meta", {b"fine_label_names": ["\ud800"] * 100}, r"a name that cannot be shown, '\\ud800'"),
        ("meta", {b"fine_label_names": [b" "] * 100}, "a name that cannot be shown, ' '"),
        ("meta", {b"fine_label_names": [b"x" * 1_000_000]}, "a name of 1,000,000 letters, 'x{64}'"),
        ("meta", {b"fine_label_names": [b"\xff"] * 100}, "can't decode byte 0xff"),
        ("meta", {b"fine_label_names": [7] * 100}, r"something else \(int\) in the place of a name"),
    ],
)
def test_content_that_is_no_cifar_is_one_line(tmp_path, file, content, said):
    files = files_of("cifar100", 100, 100) | {f"cifar-100-python/{file}": pickled(content)}
    with pytest.raises(UsageError, match=said) as caught:
        read_cifar(CIFAR100, pack(files, tmp_path / "a.tar.gz"))
    assert "\n" not in str(caught.value)


def test_a_pickle_that_wants_to_execute_something_is_refused(tmp_path):
    evil = b"cposix\nsystem\n(S'touch " + bytes(tmp_path) + b"/executed'\ntR."
    files = files_of("cifar100", 100, 100) | {"cifar-100-python/train": evil}
    with pytest.raises(UsageError, match=r"train cannot be read: it asks for posix\.system, which no CIFAR"):
        read_cifar(CIFAR100, pack(files, tmp_path / "a.tar.gz"))
    assert not (tmp_path / "executed").exists()


def test_more_classes_than_there_are_is_refused():
    with pytest.raises(UsageError, match="--classes 11: CIFAR-10 has 10 classes"):
        request(CIFAR10, classes=11)
