import contextlib
import itertools
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.data.folders import draw, files
from tfpt_tui.config.toml import write_toml
from tfpt_tui.data import dataset_swap
from tfpt_tui.data.dataset_swap import BESIDE, OLD
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.manifest import MARKER, read_manifest
from tfpt_tui.data.prepare import BadImagesError, Target, check_room, place_to_make, prepare
from tfpt_tui.errors import MissingError, UsageError


def test_a_foreign_directory_is_refused_even_with_force(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(UsageError, match="not empty and not made by tfpt-tui"):
            prepare(read_folder(folder), Target(out), jobs=1, force=force)
    assert files(out) == ["thesis.tex"]


@pytest.mark.parametrize("name", [".old", ".new", ".old/train"])
def test_hidden_directories_of_somebody_else_stay_where_they_are(folder, tmp_path, name):
    kept = tmp_path / "out" / name / "mine"
    kept.parent.mkdir(parents=True)
    kept.write_text("years of work")
    for force in (False, True):
        with contextlib.suppress(UsageError):
            prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1, force=force)
    assert kept.read_text() == "years of work"


def test_another_request_is_refused_and_force_replaces_it(folder, tmp_path):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    with pytest.raises(UsageError, match=r"limit all, asked for 1.*--force"):
        prepare(read_folder(folder, limit=1), Target(out), jobs=1)
    prepare(read_folder(folder, limit=1), Target(out), jobs=1, force=True)
    assert read_manifest(out).total("train") == 2


def test_of_a_split_that_is_a_link_the_link_alone_goes(folder, tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    prepare(read_folder(folder), Target(out), jobs=1)
    shutil.move(out / "train", elsewhere)
    (out / "train").symlink_to(elsewhere)
    before = files(elsewhere)
    prepare(read_folder(folder, limit=1), Target(out), jobs=1, force=True)
    assert read_manifest(out).total("train") == 2
    assert not (out / "train").is_symlink()
    assert files(elsewhere) == before


def test_decoded_images_go_with_the_dataset_that_they_are_of(folder, tmp_path):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out), jobs=1)
    (out / "train-32-Pillow.pack").write_bytes(b"pixels")
    prepare(read_folder(folder, limit=1), Target(out), jobs=1, force=True)
    assert not list(out.glob("*.pack"))
    (out / "train-32-Pillow.pack").write_bytes(b"pixels")
    dataset_swap.clear(out)
    assert files(out) == []


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
            patch.setattr("tfpt_tui.data.prepare.free_bytes", lambda _: 0)
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


def interrupt_at(patch, number):
    """Stop at the so many-th step of a replacement, as a kill would: a move, or a removal that has just begun."""
    steps = itertools.count()

    def stopping(real):
        def step(*arguments, **options):
            if next(steps) == number:
                raise KeyboardInterrupt
            return real(*arguments, **options)

        return step

    for where, name in ((os, "rename"), (Path, "unlink"), (Path, "mkdir"), (shutil, "rmtree")):
        patch.setattr(where, name, stopping(getattr(where, name)))


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("then", ["the old one", "the new one", "the new one by force", "a third by force"])
def test_a_replacement_that_was_interrupted_leaves_no_mixture(folder, tmp_path, monkeypatch, number, then):
    out = tmp_path / "out"
    prepare(read_folder(folder), Target(out, size=16), jobs=1)
    with monkeypatch.context() as patch:
        go_on = dataset_swap.put_in_place
        patch.setattr(dataset_swap, "put_in_place", lambda at: (interrupt_at(patch, number), go_on(at)))
        with contextlib.suppress(KeyboardInterrupt):
            prepare(read_folder(folder), Target(out, size=8), jobs=1, force=True)
    size = {"the old one": 16, "a third by force": 24}.get(then, 8)
    with contextlib.suppress(UsageError):  # the old one, where the new one is complete, and the reverse
        prepare(read_folder(folder), Target(out, size=size), jobs=1, force="force" in then)
    sizes = set()
    for name in ("train/0/1.jpg", "train/1/3.jpg", "test/0/1.jpg", "test/1/2.jpg"):
        with Image.open(out / name) as image:
            sizes.add(image.size[0])
    assert sizes == {read_manifest(out).image["width"]}
    if "force" in then:
        assert sizes == {size}
        assert [path.name for path in out.iterdir() if path.name in (BESIDE, OLD)] == []


@pytest.mark.parametrize("name", ["manifest.toml", MARKER])
@pytest.mark.parametrize("text", ['[tool]\nname = "mine"\n', ""])
def test_force_touches_no_directory_that_has_a_file_of_such_a_name(folder, tmp_path, name, text):
    (tmp_path / "mine/train/cat").mkdir(parents=True)
    (tmp_path / "mine/train/cat/1.jpg").write_text("dear to somebody")
    (tmp_path / "mine" / name).write_text(text)
    before = files(tmp_path / "mine")
    with pytest.raises(UsageError, match=r"not a manifest of tfpt-tui|was not written by|cat: was not made by"):
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
    with pytest.raises(BadImagesError, match="fix or remove them"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    (folder / "train/ape/0.png").unlink()
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert outcome.manifest.counts["train"] == (2, 3)
    assert outcome.continued == 0  # their numbers are of other files


def test_a_marker_that_a_kill_left_beside_the_manifest_costs_no_dataset(folder, tmp_path):
    whole = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).manifest
    write_toml(tmp_path / "out" / MARKER, dict(whole.request))
    draw(folder / "train/ape/9.png")
    with pytest.raises(UsageError, match="made when its folder had other files"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert read_manifest(tmp_path / "out") == whole
    assert (tmp_path / "out/train/0/1.jpg").exists()


@pytest.mark.parametrize("name", ["train/mine/a.jpg", "train/0/labels.csv", "test/notes.txt"])
def test_what_somebody_put_among_the_images_is_not_removed_with_them(folder, tmp_path, name):
    prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(UsageError, match="was not made by tfpt-tui prepare; move it away"):
        prepare(read_folder(folder), Target(tmp_path / "out", size=8), jobs=1, force=True)
    (tmp_path / "out/manifest.toml").rename(tmp_path / "out" / MARKER)
    write_toml(tmp_path / "out" / MARKER, {"source": "another", "size": 1, "quality": 1})
    with pytest.raises(UsageError, match="was not made by tfpt-tui prepare; move it away"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1, force=True)
    assert (tmp_path / "out" / name).read_text() == "mine"


def test_what_a_power_cut_left_empty_is_made_again(folder, tmp_path):
    whole = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).manifest
    for path in tmp_path.glob("out/*/*/*.jpg"):
        path.write_bytes(b"")
    assert prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).manifest == whole
    assert all(path.stat().st_size for path in tmp_path.glob("out/*/*/*.jpg"))
    (tmp_path / "out/manifest.toml").unlink()
    (tmp_path / "out" / MARKER).write_text("")
    with pytest.raises(UsageError, match="is empty; start over with --force"):
        prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1, force=True).manifest == whole


def test_half_a_picture_that_was_left_is_made_again(folder, tmp_path, monkeypatch):
    whole = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1).manifest
    write_toml(tmp_path / "out" / MARKER, dict(whole.request))
    (tmp_path / "out/manifest.toml").unlink()
    path = tmp_path / "out/train/0/1.jpg"
    path.write_bytes(path.read_bytes()[:300])
    outcome = prepare(read_folder(folder), Target(tmp_path / "out"), jobs=1)
    assert (outcome.manifest, outcome.continued) == (whole, 9)


def test_room_is_looked_for_where_the_images_are_made(folder, tmp_path, monkeypatch):
    target = Target(tmp_path / "out")
    prepare(read_folder(folder), target, jobs=1)
    monkeypatch.setattr("tfpt_tui.data.prepare.free_bytes", lambda _: 0)
    check_room(10, target)  # they are there
    with pytest.raises(MissingError, match=r"/out: .* are needed"):
        check_room(10, place_to_make(target, force=True))
