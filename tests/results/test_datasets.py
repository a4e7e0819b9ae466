"""The datasets that are known, what lies in them, and the command that makes them again."""

import os
import shutil

import pytest

from tfpt_tui.config.toml import dump_toml, read_toml, write_toml
from tfpt_tui.data.folder import read_folder
from tfpt_tui.data.manifest import MARKER, NAME, Manifest, read_manifest
from tfpt_tui.data.prepare import Target, prepare
from tfpt_tui.data.synthetic import make_synthetic
from tfpt_tui.errors import MissingError, UsageError
from tfpt_tui.results.store.datasets import (
    UNFINISHED,
    command_of,
    known_datasets,
    list_datasets,
    measure,
    named_dataset,
    show_bytes,
)


@pytest.fixture
def own(paths, dataset):
    """A copy of the small dataset in our own directory."""
    return shutil.copytree(dataset, paths.datasets / "own")


def test_complete_datasets_are_known_and_others_are_listed_with_their_problem(paths, own):
    (paths.datasets / "broken").mkdir()
    (paths.datasets / "broken" / NAME).write_text("classes = [")
    (paths.datasets / "half").mkdir()
    (paths.datasets / "half" / MARKER).write_text("")
    (paths.datasets / "mine").mkdir()
    found = {one.path.name: one for one in list_datasets(paths)}
    assert set(found) == {"own", "broken", "half"}
    assert found["own"].manifest == read_manifest(own)
    assert "broken/manifest.toml: end of the file" in found["broken"].problem
    assert found["half"].problem == UNFINISHED
    assert set(known_datasets(paths)) == {own}


def test_the_dataset_that_was_made_last_is_known_first(paths, dataset):
    for age, name in enumerate(("newest", "old", "oldest")):
        made = shutil.copytree(dataset, paths.datasets / name) / NAME
        os.utime(made, (1e9 - age, 1e9 - age))
    assert [path.name for path in known_datasets(paths)] == ["newest", "old", "oldest"]
    os.utime(paths.datasets / "old" / NAME)
    assert next(iter(known_datasets(paths))).name == "old"


def test_a_dataset_that_a_preparation_made_elsewhere_is_listed(paths, dataset):
    record = paths.preparations / "20261122-000000-synthetic-0000"
    record.mkdir(parents=True)
    asked = {"kind": "synthetic", "out": str(dataset), "size": 64, "arguments": []}
    write_toml(record / "request.toml", asked)
    assert [one.path for one in list_datasets(paths)] == [dataset]
    write_toml(record / "request.toml", {**asked, "out": "/nowhere"})
    assert list_datasets(paths) == []


@pytest.mark.parametrize("table", ["image", "request"])
def test_a_manifest_without_what_everybody_reads_is_broken(own, table):
    document = read_toml(own / NAME)
    document[table] = {}
    (own / NAME).write_text(dump_toml(document))
    with pytest.raises(UsageError, match="not a manifest of tfpt-tui"):
        read_manifest(own)


def test_images_and_their_room_on_the_disk_are_counted(own):
    usage = measure(own)
    assert usage.images == 64
    assert usage.bytes >= sum(path.stat().st_size for path in own.rglob("*.jpg")) > 0
    next(own.rglob("*.jpg")).unlink()
    assert measure(own).images == 63
    shutil.rmtree(own)
    assert measure(own).images == 0


def test_counting_gives_up_when_it_is_cancelled(own):
    assert measure(own, lambda: True).images == 0


def test_the_command_of_a_dataset_is_told_with_what_is_not_the_default(tmp_path, dataset):
    assert command_of(read_manifest(dataset)) == "tfpt-tui prepare synthetic --limit 16 --classes 2"
    source = tmp_path / "my pictures"
    for name in ("a", "b"):
        shutil.copytree(dataset / "train" / "0", source / name)
    os.truncate(source / "a" / "1.jpg", 9)
    made = prepare(read_folder(source, seed=7), Target(tmp_path / "out", 8), jobs=1, skip_bad=True)
    assert command_of(made.manifest) == f"tfpt-tui prepare '{source}' --size 8 --seed 7 --skip-bad"


def test_a_folder_that_has_its_own_split_has_no_seed(tmp_path, dataset):
    for split in ("train", "test"):
        shutil.copytree(dataset / split, tmp_path / "in" / split)
    made = prepare(read_folder(tmp_path / "in"), Target(tmp_path / "out"), jobs=1)
    assert command_of(made.manifest) == f"tfpt-tui prepare {tmp_path}/in"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 kB"),
        (64_000, "64 kB"),
        (246_400_000, "246 MB"),
        (999_900_000, "1,000 MB"),
        (32_140_000_000, "32.1 GB"),
    ],
)
def test_sizes_are_told_in_the_units_of_disks(size, text):
    assert show_bytes(size) == text


def test_a_seed_of_0_is_a_seed(tmp_path):
    made = prepare(make_synthetic(limit=4, classes=2, seed=0), Target(tmp_path / "out", 8), jobs=1)
    assert command_of(made.manifest) == "tfpt-tui prepare synthetic --size 8 --limit 4 --classes 2 --seed 0"


def test_all_of_a_synthetic_dataset_needs_no_options():
    request = {**make_synthetic().request, "size": 64}
    made = Manifest(classes=("a", "b"), counts={}, image={}, request=request, digest="")
    assert command_of(made) == "tfpt-tui prepare synthetic"


def test_a_dataset_is_found_by_the_name_that_it_is_listed_by(paths, dataset, tmp_path, monkeypatch):
    shutil.copytree(dataset, paths.datasets / "mine")
    monkeypatch.chdir(tmp_path)
    assert named_dataset("mine", paths) == str(paths.datasets / "mine")
    with pytest.raises(MissingError, match="none of that name; there are mine; make one"):
        named_dataset("yours", paths)
    with pytest.raises(MissingError, match="did you mean 'mine'"):
        named_dataset("mien", paths)
    assert named_dataset("./mine", paths) == "./mine"
    (tmp_path / "mine").mkdir()
    assert named_dataset("mine", paths) == "mine"  # what lies here comes first
