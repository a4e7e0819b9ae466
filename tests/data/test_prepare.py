import dataclasses
import errno
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tomllib

import pytest
from PIL import Image, ImageOps

from tfpt_tui.config.claim import claimed
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data import encode
from tfpt_tui.data import prepare as preparation
from tfpt_tui.data.folder import open_image, read_folder
from tfpt_tui.data.manifest import read_manifest
from tfpt_tui.data.prepare import BadImagesError, Target, check_room, prepare
from tfpt_tui.data.replacing import BESIDE, MARKER
from tfpt_tui.data.source import Item
from tfpt_tui.data.synthetic import draw_image, make_synthetic
from tfpt_tui.errors import MissingError, UsageError


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


@pytest.mark.parametrize("orientation", range(10))
def test_a_photograph_is_turned_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.radial_gradient("L").crop((0, 0, 90, 60)).save(tmp_path / "x.png", exif=exif)
    with Image.open(tmp_path / "x.png") as image:
        expected = ImageOps.exif_transpose(image).convert("RGB")
    assert open_image(Item("train", 0, 1, str(tmp_path / "x.png"))).tobytes() == expected.tobytes()


def test_a_photograph_with_a_broken_tag_is_a_photograph(tmp_path):
    exif = Image.Exif()
    exif[274], exif[270] = 6, "text"
    Image.new("RGB", (8, 4)).save(tmp_path / "x.jpg", exif=exif)
    content = (tmp_path / "x.jpg").read_bytes()
    assert content.count(b"\x01\x0e\x00\x02") == 1
    (tmp_path / "x.jpg").write_bytes(content.replace(b"\x01\x0e\x00\x02", b"\x01\x00\x00\x02"))
    assert open_image(Item("train", 0, 1, str(tmp_path / "x.jpg"))).size == (4, 8)


def test_no_other_program_is_asked_what_an_image_is(folder, tmp_path):
    (folder / "train/ape/script.jpg").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )
    with pytest.raises(BadImagesError, match=r"script\.jpg \(not an image\)"):
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
    with pytest.raises(MissingError, match=r"245.8 MB are needed and 1.0 MB are free"):
        prepare(make_synthetic(), Target(tmp_path / "out"), jobs=1)
    assert not (tmp_path / "out/train").exists()


def test_what_is_made_already_needs_no_room_again(folder, tmp_path, monkeypatch):
    target = Target(tmp_path / "out")
    (target.directory / "train/0").mkdir(parents=True)
    for number in range(1, 4):
        (target.directory / f"train/0/{number}.jpg").write_bytes(b"made")
    usage = shutil.disk_usage(tmp_path)._replace(free=7 * 4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    check_room(10, target)
    with pytest.raises(MissingError, match="are needed and"):
        check_room(11, target)


def test_a_pipe_in_the_place_of_an_image_is_not_waited_for(folder, tmp_path):
    os.mkfifo(folder / "train/ape/pipe.jpg")
    with pytest.raises(BadImagesError, match=r"pipe\.jpg \(not a file\)"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)


def test_a_folder_that_cannot_be_listed_is_one_line(folder):
    (folder / "train/loop").symlink_to("loop")
    with pytest.raises(
        MissingError, match="train/loop: cannot read the images: too many levels of symbolic links"
    ):
        read_folder(folder)


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


@pytest.mark.parametrize("failure", ["a bad image", "no room", "ctrl-c"])
def test_a_dataset_stays_whole_until_the_one_that_replaces_it_is_complete(folder, tmp_path, monkeypatch, failure):
    target = Target(tmp_path / "out")
    prepare(read_folder(folder), target, jobs=1)
    (tmp_path / "out/notes.txt").write_text("mine")
    before = {name: (tmp_path / "out" / name).read_bytes() for name in files(tmp_path / "out")}
    draw(folder / "train/ape/9.png", (1, 2, 3))

    def interrupt(done, total):
        if failure == "ctrl-c" and done:
            raise KeyboardInterrupt

    if failure == "a bad image":
        (folder / "train/ape/8.png").write_text("no image")
    with monkeypatch.context() as patch:
        if failure == "no room":
            patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
        with pytest.raises((BadImagesError, MissingError, KeyboardInterrupt)):
            prepare(read_folder(folder), target, jobs=1, force=True, on_progress=interrupt)
    after = [name for name in files(tmp_path / "out") if not name.startswith(BESIDE)]
    assert {name: (tmp_path / "out" / name).read_bytes() for name in after} == before
    (folder / "train/ape/8.png").unlink(missing_ok=True)
    outcome = prepare(read_folder(folder), target, jobs=1, force=True)
    assert outcome.manifest.counts["train"] == (4, 3)
    assert read_manifest(tmp_path / "out") == outcome.manifest
    assert (tmp_path / "out/notes.txt").read_text() == "mine"
    assert not (tmp_path / "out" / BESIDE).exists()


@pytest.mark.parametrize("until", ["train", "test", "manifest.toml"])
def test_a_replacement_that_was_interrupted_between_two_moves_is_made_up_for(folder, tmp_path, monkeypatch, until):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    real = os.replace

    def move(source, place):
        if place == out / until and source.parent == out / BESIDE:
            raise KeyboardInterrupt
        real(source, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", move)
        patch.setattr(os, "replace", move)
        with pytest.raises(KeyboardInterrupt):
            prepare(read_folder(folder), Target(out, size=8), jobs=1, force=True)
    assert prepare(read_folder(folder), Target(out, size=8), jobs=1, force=True).manifest.image["width"] == 8
    for name in ("train/0/1.jpg", "test/1/2.jpg"):
        with Image.open(out / name) as image:
            assert image.size == (8, 8)
    assert not (out / BESIDE).exists()


@pytest.mark.parametrize("name", ["manifest.toml", MARKER])
@pytest.mark.parametrize("text", ['[tool]\nname = "mine"\n', ""])
def test_force_touches_no_directory_that_has_a_file_of_such_a_name(folder, tmp_path, name, text):
    (tmp_path / "mine/train/cat").mkdir(parents=True)
    (tmp_path / "mine/train/cat/1.jpg").write_text("dear to somebody")
    (tmp_path / "mine" / name).write_text(text)
    before = files(tmp_path / "mine")
    with pytest.raises(UsageError, match=r"not a manifest of tfpt-tui|was not written by tfpt-tui"):
        prepare(read_folder(folder), Target(tmp_path / "mine"), jobs=1, force=True)
    assert files(tmp_path / "mine") == before


def test_images_that_are_gone_from_a_complete_dataset_are_made_again(folder, tmp_path):
    whole = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).manifest
    (tmp_path / "out/train/0/2.jpg").unlink()
    shutil.rmtree(tmp_path / "out/test")
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert (outcome.existed, outcome.continued) == (False, 5)
    assert outcome.manifest == whole
    assert (tmp_path / "out/test/1/2.jpg").exists()
    assert not (tmp_path / "out" / MARKER).exists()


def test_the_advice_to_remove_files_that_are_no_images_can_be_followed(folder, tmp_path):
    (folder / "train/ape/0.png").write_text("no image")
    with pytest.raises(BadImagesError, match="mend or remove them"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    (folder / "train/ape/0.png").unlink()
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert outcome.manifest.counts["train"] == (2, 3)
    assert outcome.continued == 0  # their numbers are of other files


def test_a_picture_of_16_bits_keeps_its_shades(tmp_path):
    path = tmp_path / "x.png"
    for level, expected in ((0, 0), (25700, 100), (65535, 255)):
        Image.new("I;16", (4, 4), level).save(path)
        image = open_image(Item("train", 0, 1, str(path)))
        assert (image.mode, image.getpixel((1, 1))) == ("RGB", (expected,) * 3)


def test_a_picture_whose_palette_is_broken_is_no_image(folder, tmp_path):
    Image.new("P", (8, 8)).save(folder / "train/ape/0.png")
    content = (folder / "train/ape/0.png").read_bytes()
    (folder / "train/ape/0.png").write_bytes(content.replace(b"PLTE", b"tEXt"))
    manifest = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1, skip_bad=True).manifest
    assert [name.rpartition("/")[2] for name in manifest.skipped] == ["0.png"]


def test_a_picture_that_may_not_be_read_is_no_bad_image(folder, tmp_path, monkeypatch):
    def refuse(item):
        raise PermissionError(errno.EACCES, "Permission denied")

    source = dataclasses.replace(read_folder(folder), open_image=refuse)
    with pytest.raises(MissingError, match=r"train/ape/0.png: cannot read the image: permission denied"):
        prepare(source, Target(tmp_path / "out"), jobs=1, skip_bad=True)


def test_what_a_folder_has_beside_its_images_is_told(folder):
    draw(folder / "train/ape/deep/1.png")
    for name in ("train/ape/notes.txt", "test/ape/x.tif", "train/.hidden", "train/ape/.DS_Store"):
        (folder / name).write_text("")
    draw(folder / "train/1.png")
    (folder / "train/empty").mkdir()
    (folder / "validation").mkdir()
    assert read_folder(folder).left_out == (
        "files of other kinds (.tif, .txt): 2",
        "images outside of a directory of a class: 1",
        "directories within classes: 1",
        "directories without an image of their own: empty/",
        "beside train/ and test/: validation/",
    )
