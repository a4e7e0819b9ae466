import os
import shutil

import pytest
from PIL import Image, ImageOps

from tests.data.folders import draw
from tfpt_tui.data.folder import open_image, read_folder
from tfpt_tui.data.prepare import BadImagesError, Target, prepare
from tfpt_tui.data.source import Item
from tfpt_tui.errors import MissingError, UsageError


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


def test_what_a_folder_has_beside_its_images_is_told(folder):
    draw(folder / "train/ape/deep/1.png")
    for name in ("train/ape/notes.txt", "test/ape/x.tif", "train/.hidden", "train/ape/.DS_Store"):
        (folder / name).write_text("")
    draw(folder / "train/1.png")
    (folder / "train/empty").mkdir()
    (folder / "validation").mkdir()
    assert read_folder(folder).left_out == (
        "files of other kinds (.tif, .txt): 2",
        "images outside of a class: 1",
        "directories within classes: 1",
        "directories without an image: empty/",
        "directories beside train/ and test/: validation/",
    )


def test_a_link_that_leads_to_itself_is_no_image_and_no_end(folder):
    (folder / "train/ape/loop").symlink_to("loop")
    assert read_folder(folder).left_out == ("files of other kinds (no suffix): 1",)


def test_a_directory_of_images_named_train_is_a_class(tmp_path):
    for name in ("bus", "car", "train"):
        for number in range(6):
            draw(tmp_path / "source" / name / f"{number}.png")
    assert read_folder(tmp_path / "source").classes == ("bus", "car", "train")


@pytest.mark.parametrize(
    ("train", "test"), [("train", "val"), ("train", "valid"), ("Training", "Testing"), ("TRAIN", "Test")]
)
def test_splits_are_known_by_their_other_names_and_it_is_told(folder, train, test):
    (folder / "train").rename(folder / "one")
    (folder / "one").rename(folder / train)
    (folder / "test").rename(folder / "two")
    (folder / "two").rename(folder / test)
    source = read_folder(folder)
    assert len(source) == 10
    told = [
        f"{name}/ was taken as {split}/" for split, name in (("train", train), ("test", test)) if name != split
    ]
    assert list(source.notes) == told


def test_of_two_splits_for_the_test_the_one_of_that_name_is_taken(folder):
    shutil.copytree(folder / "test", folder / "val")
    source = read_folder(folder)
    assert source.notes == ()
    assert source.left_out == ("directories beside train/ and test/: val/",)


def test_a_test_without_classes_is_told_with_the_way_out(folder):
    shutil.rmtree(folder / "test")
    draw(folder / "test/1.png")
    with pytest.raises(UsageError) as refused:
        read_folder(folder)
    assert "has no test/ with classes beside its other split, train/ (there is test/, with images but" in str(
        refused.value
    )
    assert str(refused.value).endswith(f"or have the split drawn: name {folder}/train instead")


def test_a_refusal_says_what_was_found(tmp_path):
    for number in range(3):
        draw(tmp_path / "source/cat" / f"{number}.png")
    (tmp_path / "source/dog").mkdir()
    for number in range(2):
        (tmp_path / "source/dog" / f"{number}.jfif").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"only one class.*\.jfif\): 2; directories without an image: dog/"):
        read_folder(tmp_path / "source")


def test_images_that_lie_deeper_are_found_and_the_directory_named(folder, tmp_path):
    (tmp_path / "outer").mkdir()
    folder.rename(tmp_path / "outer/data")
    with pytest.raises(MissingError, match=r"images lie deeper, in .*: if that is a class, name .*/outer/data$"):
        read_folder(tmp_path / "outer")


@pytest.mark.parametrize(("one", "other"), [("caf\u00e9", "cafe\u0301"), ("Ape", "ape"), ("ape ", "ape")])
def test_names_that_only_look_alike_are_told(folder, one, other):
    (folder / "train/ape").rename(folder / "train" / one)
    (folder / "test/ape").rename(folder / "test" / other)
    with pytest.raises(UsageError, match=r"only looks like .*; rename one of them"):
        read_folder(folder)
    shutil.copytree(folder / "train" / one, folder / "train" / other)
    (note,) = read_folder(folder).notes
    assert note.startswith("classes whose names look alike: ")
    assert ascii(other) in note


def test_litter_is_no_class_and_no_image_and_told(folder):
    draw(folder / "train/__MACOSX/ape/0.png")
    draw(folder / "train/@eaDir/0.png")
    for name in ("train/ape/Thumbs.db", "test/ape/desktop.ini"):
        (folder / name).write_text("")
    (folder / "train/ape/album.jpg").mkdir()
    source = read_folder(folder)
    assert len(source) == 10
    assert source.left_out == (
        "litter of other programs (@eaDir/, Thumbs.db, __MACOSX/, desktop.ini): 4",
        "directories within classes: 1",
    )
