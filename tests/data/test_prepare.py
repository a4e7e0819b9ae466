import dataclasses
import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tests.data.folders import files
from tfpt_tui.config.directory_lock import claimed
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data import encode
from tfpt_tui.data import prepare as preparation
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.manifest import MARKER, read_manifest
from tfpt_tui.data.prepare import BadImagesError, Target, check_room, prepare
from tfpt_tui.data.synthetic import draw_image, make_synthetic
from tfpt_tui.errors import MissingError, UsageError


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


@pytest.mark.parametrize("left", [0, 100, -1])
def test_an_image_that_a_kill_or_a_power_failure_cut_is_made_again(folder, tmp_path, left):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    whole = (out / "train/1/2.jpg").read_bytes()
    os.rename(out / "manifest.toml", tmp_path / "manifest.toml")
    request = tomllib.loads((tmp_path / "manifest.toml").read_text())["request"]
    preparation.write_toml(out / MARKER, request)
    (out / "train/1/2.jpg").write_bytes(whole[:left])
    assert prepare(read_folder(folder), Target(out), jobs=1).continued == 9
    assert (out / "train/1/2.jpg").read_bytes() == whole


def test_what_was_begun_of_a_picture_that_has_become_bad_does_not_stay(folder, tmp_path):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    source = read_folder(folder)
    (out / "manifest.toml").rename(tmp_path / "manifest.toml")
    preparation.write_toml(out / MARKER, tomllib.loads((tmp_path / "manifest.toml").read_text())["request"])
    (out / "train/0/1.jpg").write_bytes(b"")
    Path(next(iter(source)).origin).write_bytes(b"no picture any more")
    counts = prepare(source, Target(out), jobs=1, skip_bad=True).manifest.counts
    assert sum(counts["train"]) == len(list(out.glob("train/*/*.jpg")))


def test_a_file_that_is_no_image_is_named_and_skipped_only_on_request(folder, tmp_path):
    (folder / "train/ape/broken.jpg").write_bytes(b"this is no picture")
    (folder / "train/ape/empty.png").write_bytes(b"")
    with pytest.raises(BadImagesError) as caught:
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=2)
    assert "2 of 12 files are not images" in str(caught.value)
    assert "broken.jpg (not an image)" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out/manifest.toml").exists()
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=2, skip_bad=True)
    assert outcome.manifest.counts["train"] == (3, 3)
    assert len(outcome.manifest.skipped) == 2


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
    monkeypatch.setattr("tfpt_tui.data.prepare.free_bytes", lambda _: 1_000_000)
    with pytest.raises(MissingError, match=r"245.8 MB are needed and 1.0 MB are free"):
        prepare(make_synthetic(), Target(tmp_path / "out"), jobs=1)
    assert not (tmp_path / "out/train").exists()


def test_what_is_made_already_needs_no_room_again(folder, tmp_path, monkeypatch):
    target = Target(tmp_path / "out")
    (target.directory / "train/0").mkdir(parents=True)
    for number in range(1, 4):
        (target.directory / f"train/0/{number}.jpg").write_bytes(b"made")
    monkeypatch.setattr("tfpt_tui.data.prepare.free_bytes", lambda _: 7 * 4096)
    check_room(10, target)
    with pytest.raises(MissingError, match="are needed and"):
        check_room(11, target)


def test_where_only_trying_tells_whether_there_is_room_the_line_names_the_place():
    with pytest.raises(MissingError, match=r"^/proc: cannot write: no such file or directory"):
        check_room(10, Target(Path("/proc/dataset")))


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
        (
            lambda path: (path / "train/0").mkdir(parents=True),
            "if it is a folder of pictures, prepare them first: ",
        ),
        (
            lambda path: (path.mkdir(), (path / MARKER).touch()),
            "did not come to its end; repeat it: tfpt-tui prepare",
        ),
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


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("width = 64", 'width = "wide"'),
        lambda text: text.replace("width = 64", ""),
        lambda text: text.replace("[request]", "[[request]]"),
        lambda text: text.replace("[counts.train]", "[counts.other]"),
        lambda text: "[" * 100_000,
        lambda text: f"schema = {'1' * 5000}",
    ],
)
def test_a_damaged_manifest_is_one_line(folder, tmp_path, damage):
    prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    manifest = tmp_path / "out/manifest.toml"
    manifest.write_text(damage(manifest.read_text()))
    with pytest.raises(UsageError, match=r"manifest\.toml: ") as caught:
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert "\n" not in str(caught.value)


def test_ctrl_c_twice_leaves_no_process_and_keeps_what_is_made(tmp_path):
    parent = os.getpid()

    def interrupt(item):
        if item.number == 30:
            os.kill(parent, signal.SIGINT)
            os.kill(parent, signal.SIGINT)
        return draw_image(item)

    source = make_synthetic(limit=300, classes=2)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        prepare(dataclasses.replace(source, open_image=interrupt), Target(tmp_path / "out"), jobs=2)
    assert multiprocessing.active_children() == []
    assert signal.getsignal(signal.SIGINT) == before
    assert 0 < prepare(source, Target(tmp_path / "out"), jobs=2).continued < len(source)


def test_ctrl_c_waits_for_a_moment_at_which_a_pool_can_be_left():
    reached = False

    def work():
        nonlocal reached
        with preparation._held_interrupts() as raise_interrupt:
            os.kill(os.getpid(), signal.SIGINT)
            reached = True
            raise_interrupt()
            pytest.fail("this is the moment")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached


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


def test_what_is_made_now_is_told_apart_from_what_was_there(tmp_path):
    source = make_synthetic(limit=2, classes=2)
    target = Target(tmp_path / "out", 8)
    first = prepare(source, target, jobs=1)
    assert first.made == 8
    assert prepare(source, target, jobs=1).made == 0
    (target.directory / "manifest.toml").rename(target.directory / "kept")
    write_toml(target.directory / MARKER, first.manifest.request)
    (target.directory / "kept").unlink()
    (target.directory / "train" / "0" / "1.jpg").unlink()
    assert prepare(source, target, jobs=1).made == 1


def test_a_picture_that_may_not_be_read_is_no_bad_image(folder, tmp_path, monkeypatch):
    def refuse(item):
        raise PermissionError(errno.EACCES, "Permission denied")

    source = dataclasses.replace(read_folder(folder), open_image=refuse)
    with pytest.raises(MissingError, match=r"train/ape/0.png: cannot read the image: permission denied"):
        prepare(source, Target(tmp_path / "out"), jobs=1, skip_bad=True)
