import os
import shutil
import subprocess
import sys
import tomllib

import pytest
from PIL import Image

from tfpt_tui.config.claim import claimed
from tfpt_tui.data import encode
from tfpt_tui.data import prepare as preparation
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.data.prepare import MARKER, BadImagesError, Target, check_target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.errors import MissingError, TfptError, UsageError


def draw(path, colour=(200, 30, 30), size=(20, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes with three training and two test images each, in several formats."""
    source = tmp_path / "source"
    for split, count in (("train", 3), ("test", 2)):
        for name in ("zebra", "ape"):
            for number in range(count):
                draw(source / split / name / f"{number}.{('png', 'jpg', 'webp')[number]}")
    return source


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_folder_becomes_the_layout_of_the_article(folder, tmp_path):
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=2)
    assert files(tmp_path / "out") == [
        "manifest.toml",
        *(f"test/{label}/{number}.jpg" for label in (0, 1) for number in (1, 2)),
        *(f"train/{label}/{number}.jpg" for label in (0, 1) for number in (1, 2, 3)),
    ]
    assert outcome.manifest.classes == ("ape", "zebra")
    with Image.open(tmp_path / "out/train/0/1.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (64, 64))


def test_the_manifest_says_what_is_there(folder, tmp_path):
    prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    document = tomllib.loads((tmp_path / "out/manifest.toml").read_text())
    assert document["source"] == f"folder {folder}"
    assert document["classes"] == ["ape", "zebra"]
    assert document["totals"] == {"train": 6, "test": 4}
    assert document["counts"]["train"] == {"ape": 3, "zebra": 3}
    assert document["image"]["quality"] == 75
    assert document["digest"].startswith("sha256:")
    assert read_manifest(tmp_path / "out").total("test") == 4


def test_the_result_does_not_depend_on_the_number_of_processes(folder, tmp_path):
    one = prepare(read_folder(folder), Target(tmp_path / "one"), jobs=1)
    three = prepare(read_folder(folder), Target(tmp_path / "three"), jobs=3)
    assert one.manifest == three.manifest


def test_progress_begins_at_nothing_and_ends_at_all(folder, tmp_path):
    seen = []
    prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1, on_progress=lambda *step: seen.append(step))
    assert seen[0] == (0, 10)
    assert seen[-1] == (10, 10)


def test_a_complete_dataset_is_recognised_and_left_alone(folder, tmp_path):
    prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    before = (tmp_path / "out/train/0/1.jpg").stat().st_mtime_ns
    assert prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).existed
    assert (tmp_path / "out/train/0/1.jpg").stat().st_mtime_ns == before


def test_interrupted_work_is_continued(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    whole = prepare(read_folder(folder), Target(tmp_path / "whole"), jobs=1).manifest
    real = encode._write

    def full_after_four(path, content):
        if len(list(out.rglob("*.jpg"))) == 4:
            raise OSError(28, "No space left on device", path)
        real(path, content)

    monkeypatch.setattr(encode, "_write", full_after_four)
    with pytest.raises(MissingError, match="no space left on device; free some room"):
        prepare(read_folder(folder), Target(out), jobs=1)
    assert not (out / "manifest.toml").exists()
    assert (out / MARKER).exists()
    monkeypatch.setattr(encode, "_write", real)
    outcome = prepare(read_folder(folder), Target(out), jobs=1)
    assert outcome.continued == 4
    assert outcome.manifest == whole
    assert not (out / MARKER).exists()


def test_an_image_that_was_cut_by_a_power_failure_is_made_again(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    whole = (out / "train/1/2.jpg").read_bytes()
    os.rename(out / "manifest.toml", tmp_path / "manifest.toml")
    request = tomllib.loads((tmp_path / "manifest.toml").read_text())["request"]
    preparation.write_toml(out / MARKER, request)
    (out / "train/1/2.jpg").write_bytes(b"")
    assert prepare(read_folder(folder), Target(out), jobs=1).continued == 9
    assert (out / "train/1/2.jpg").read_bytes() == whole


def test_a_foreign_directory_is_refused_even_with_force(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(UsageError, match="not empty and not made by tfpt-tui"):
            prepare(read_folder(folder), Target(out), jobs=1, force=force)
    assert files(out) == ["thesis.tex"]


def test_another_request_is_refused_and_force_replaces_it(folder, tmp_path):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    with pytest.raises(UsageError, match=r"limit is 0, asked for 1.*--force"):
        prepare(read_folder(folder, limit=1), Target(out), jobs=1)
    prepare(read_folder(folder, limit=1), Target(out), jobs=1, force=True)
    assert read_manifest(out).total("train") == 2


def test_a_file_that_is_no_image_is_named_and_skipped_only_on_request(folder, tmp_path):
    (folder / "train/ape/broken.jpg").write_bytes(b"this is no picture")
    (folder / "train/ape/empty.png").write_bytes(b"")
    with pytest.raises(BadImagesError) as caught:
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=2)
    assert "2 of 12 files are no images" in str(caught.value)
    assert "broken.jpg (not an image)" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out/manifest.toml").exists()
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=2, skip_bad=True)
    assert outcome.manifest.counts["train"] == (3, 3)
    assert len(outcome.manifest.skipped) == 2


def test_a_truncated_photograph_is_no_image(folder, tmp_path):
    draw(folder / "train/ape/photo.jpg", size=(300, 300))
    path = folder / "train/ape/photo.jpg"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadImagesError, match=r"photo\.jpg"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)


@pytest.mark.parametrize(
    ("mode", "colour"),
    [("L", 100), ("RGBA", (1, 2, 3, 4)), ("P", 3), ("CMYK", (1, 2, 3, 4)), ("I;16", 9), ("1", 1)],
)
def test_every_mode_of_pixels_becomes_rgb(folder, tmp_path, mode, colour):
    suffix = "jpg" if mode == "CMYK" else "png"
    draw(folder / f"train/ape/odd.{suffix}", colour, mode=mode)
    prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    with Image.open(tmp_path / "out/train/0/4.jpg") as image:
        assert image.mode == "RGB"


def test_a_file_name_that_is_not_utf8_is_no_obstacle(folder, tmp_path):
    name = os.fsencode(folder / "train/ape") + b"/caf\xe9.png"
    shutil.copy(folder / "train/ape/0.png", name)
    assert prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).manifest.total("train") == 7
    with open(name, "wb") as file:
        file.write(b"broken")
    with pytest.raises(BadImagesError, match=r"caf\\xe9\.png"):
        prepare(read_folder(folder), Target(tmp_path / "other"), jobs=1)


def test_a_class_name_that_is_not_utf8_is_refused(folder):
    os.rename(folder / "train/ape", os.fsencode(folder / "train") + b"/caf\xe9")
    with pytest.raises(UsageError, match=r"b'caf\\xe9' has a name that is not UTF-8"):
        read_folder(folder)


def test_classes_alone_are_split_five_to_one_by_seed(tmp_path):
    for name in ("a", "b"):
        for number in range(12):
            draw(tmp_path / "source" / name / f"{number:02}.png")
    source = read_folder(tmp_path / "source", seed=25)
    counts = [(item.split, item.label) for item in source]
    assert {key: counts.count(key) for key in counts} == {
        ("train", 0): 10,
        ("train", 1): 10,
        ("test", 0): 2,
        ("test", 1): 2,
    }
    assert read_folder(tmp_path / "source", seed=25).groups == source.groups
    assert any(read_folder(tmp_path / "source", seed=seed).groups != source.groups for seed in (1, 2, 3))


def test_limit_and_classes_take_the_first(folder):
    source = read_folder(folder, limit=1, classes=1)
    assert source.classes == ("ape",)
    assert [item.name for item in source] == ["train/0/1.jpg", "test/0/1.jpg"]


def test_hidden_and_other_files_are_no_images(folder):
    (folder / "train/ape/notes.txt").write_text("")
    (folder / "train/ape/._0.jpg").write_bytes(b"resource fork")
    (folder / "train/.cache").mkdir()
    assert len(read_folder(folder)) == 10


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda folder: shutil.rmtree(folder), MissingError, "no such directory of images"),
        (lambda folder: shutil.rmtree(folder / "test"), UsageError, "has no test/"),
        (lambda folder: shutil.rmtree(folder / "train/ape"), UsageError, "class 'ape' has no training image"),
        (lambda folder: shutil.rmtree(folder) or folder.mkdir(), MissingError, "no images in it"),
        (
            lambda folder: [shutil.rmtree(path) for path in (folder / "test").iterdir()],
            UsageError,
            "no class has a test image",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(folder, change, error, said):
    change(folder)
    with pytest.raises(error, match=said):
        read_folder(folder)


def test_synthetic_images_repeat_by_seed(tmp_path):
    same = [
        prepare(make_synthetic(limit=2, classes=5), Target(tmp_path / name), jobs=1).manifest.digest
        for name in ("a", "b")
    ]
    other = prepare(make_synthetic(limit=2, classes=5, seed=1), Target(tmp_path / "c"), jobs=1).manifest.digest
    assert same[0] == same[1] != other


def test_synthetic_images_are_by_default_as_many_as_cifar_100():
    source = make_synthetic()
    assert len(source.classes) == len(set(source.classes)) == 100
    assert sum(item.split == "train" for item in source) == 50_000
    assert sum(item.split == "test" for item in source) == 10_000


def test_more_synthetic_classes_than_there_are_is_refused():
    with pytest.raises(UsageError, match="at most 100 classes"):
        make_synthetic(classes=101)


def test_a_disk_without_room_is_noticed_before_the_start(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(MissingError, match=r"246 MB are needed and 1 MB are free"):
        prepare(make_synthetic(), Target(tmp_path / "out"), jobs=1)
    assert not (tmp_path / "out/train").exists()


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot make the dataset: not a directory"):
        prepare(make_synthetic(limit=1, classes=2), Target(tmp_path / "file/out"), jobs=1)


def test_two_preparations_of_one_directory_do_not_meet(tmp_path):
    with (
        claimed(tmp_path / "out", "it", "busy"),
        pytest.raises(UsageError, match="another tfpt-tui is preparing it"),
    ):
        prepare(make_synthetic(limit=1, classes=2), Target(tmp_path / "out"), jobs=1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such dataset directory"),
        (lambda path: path.mkdir(), "the dataset directory is empty"),
        (lambda path: path.write_text(""), "not a directory"),
        (lambda path: (path / "train/0").mkdir(parents=True), "it has no manifest.toml"),
    ],
)
def test_a_directory_without_manifest_is_missing_and_says_how_to_make_one(tmp_path, make, said):
    make(tmp_path / "data")
    with pytest.raises(MissingError, match=said) as caught:
        read_manifest(tmp_path / "data")
    assert "tfpt-tui prepare" in str(caught.value)


def test_a_manifest_of_something_else_is_refused(tmp_path):
    (tmp_path / "manifest.toml").write_text('title = "shopping list"\n')
    with pytest.raises(UsageError, match="not a manifest of tfpt-tui"):
        read_manifest(tmp_path)


def test_no_process_is_left_when_the_preparation_is_killed(tmp_path):
    """The pool's processes ask the kernel to die with their parent."""
    script = (
        "import os, sys, time\n"
        "from tfpt_tui.data.prepare import _pool\n"
        "with _pool(2, None) as pool:\n"
        "    print(*{pool.submit(os.getpid).result() for _ in range(20)}, flush=True)\n"
        "    pool.submit(time.sleep, 60)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    children = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    from tests.waiting import wait_until

    assert children
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))


def test_a_target_is_checked_without_writing_to_it(tmp_path):
    source = make_synthetic(limit=2, classes=2)
    target = Target(tmp_path / "deep" / "out", 8)
    assert check_target(source.request, len(source), target) is None
    assert not (tmp_path / "deep").exists()
    made = prepare(source, target, jobs=1)
    assert check_target(source.request, len(source), target) == made.manifest
    with pytest.raises(UsageError, match="holds another dataset \\(limit is 2, asked for 3\\)"):
        check_target(make_synthetic(limit=3, classes=2).request, 6, target)


def test_a_target_that_cannot_be_a_dataset_is_refused_with_the_line_of_the_preparation(tmp_path):
    source = make_synthetic(limit=2, classes=2)
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    for name in ("file", "file/below", "full"):
        target = Target(tmp_path / name, 8)
        with pytest.raises(TfptError) as before:
            check_target(source.request, len(source), target)
        with pytest.raises(TfptError) as then:
            prepare(source, target, jobs=1)
        assert str(before.value) == str(then.value)


def test_a_disk_that_is_too_small_is_told_before_anything_is_made(tmp_path):
    with pytest.raises(MissingError, match=r"MB are needed and .* MB are free"):
        check_target({"source": "synthetic"}, 10**12, Target(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
