"""Datasets and preparations in words."""

import dataclasses
from pathlib import Path

import pytest

from tfpt_tui.data.cifar import ARCHIVES
from tfpt_tui.data.manifest import Manifest
from tfpt_tui.data.progress_log import Ending, Step
from tfpt_tui.results.store.datasets import Dataset, Usage
from tfpt_tui.runs.tasks.preparation import Preparation, RecordedRequest
from tfpt_tui.runs.tasks.prepare_request import Preview
from tfpt_tui.ui.prepare import text as describe
from tfpt_tui.ui.prepare.preview import PreparePreview


def manifest(classes, train, test=None, skipped=()):
    return Manifest(
        classes=tuple(classes),
        counts={"train": tuple(train), "test": tuple(test or train)},
        image={"width": 64, "height": 64},
        request={"source": "folder /pictures"},
        digest="d",
        skipped=tuple(skipped),
    )


def preparation(status, step=None, ending=None, problem=""):
    asked = RecordedRequest("synthetic", Path("/d/one"), 64, ("synthetic", "--out", "/d/one"))
    return Preparation(Path("/p/1"), asked, status, step, ending, problem)


def test_a_class_with_few_images_comes_first_and_is_marked():
    text = describe.class_table(manifest(["a", "b", "few"], [500, 500, 100]), 40).plain.splitlines()
    assert text[1].startswith("! few")
    assert all(line.startswith("  ") for line in text[2:])


def test_equal_classes_stay_in_their_order_and_none_is_marked():
    text = describe.class_table(manifest(["z", "a"], [5, 5]), 30).plain
    assert text.index("z") < text.index("a ", 20)
    assert "!" not in text


def test_odd_class_names_do_no_harm():
    names = ["[bold]x[/]", "\x1b[2J", "🐈‍⬛ cat", "l" * 300, "日本" * 40]
    table = describe.class_table(manifest(names, [5] * 5), 50)
    assert "[bold]x[/]" in table.plain
    assert "\x1b" not in table.plain
    assert all(line.cell_length <= 50 for line in table.split("\n"))


def test_a_thousand_classes_fit_into_columns_and_more_are_counted():
    wide = describe.class_table(manifest([f"c{i}" for i in range(1000)], [5] * 1000), 150)
    assert len(wide.plain.splitlines()) < 250
    many = describe.class_table(manifest([f"c{i}" for i in range(2500)], [5] * 2500), 20).plain
    assert many.endswith("and 500 more")


def test_the_facts_of_a_dataset_with_missing_images_say_so():
    dataset = Dataset(Path("/d/one"), manifest(["a", "b"], [3, 3], [1, 1]))
    assert "8 of 64x64, 2 classes of 3+1" in describe.facts(dataset, None, 60).plain
    assert "counting" in describe.facts(dataset, None, 60).plain
    assert "on disk  2 MB" in describe.facts(dataset, Usage(8, 2_000_000), 60).plain
    assert "7 images in place of 8" in describe.facts(dataset, Usage(7, 2_000_000), 90).plain


def test_uneven_classes_are_told_by_their_range():
    dataset = Dataset(Path("/d/one"), manifest(["a", "b", "c"], [3, 50, 9]))
    assert "of 3 to 50 training images, the median 9" in describe.facts(dataset, None, 120).plain


def test_facts_keep_to_the_width_and_hang_beside_their_label():
    dataset = Dataset(Path("/a" * 100), manifest(["a", "b"], [3, 3]))
    lines = describe.facts(dataset, None, 50).split("\n")
    assert all(line.cell_length <= 50 for line in lines)
    assert lines[2].plain.startswith(" " * describe.LABEL + "a/a")


def test_a_broken_dataset_says_why():
    assert (
        "manifest.toml: line 3"
        in describe.facts(Dataset(Path("/d"), None, "manifest.toml: line 3"), None, 50).plain
    )


def test_files_that_were_left_out_are_listed_up_to_a_number():
    assert describe.problem_files(manifest(["a"], [1])).plain == ""
    text = describe.problem_files(manifest(["a"], [1], skipped=["/p/\x1b[31m.jpg"])).plain
    assert text == "1 file skipped, not an image\n/p/\\x1b[31m.jpg"
    many = describe.problem_files(manifest(["a"], [1], skipped=[f"{i}.jpg" for i in range(300)])).plain
    assert "and 100 more" in many


@pytest.mark.parametrize(
    ("one", "texts"),
    [
        (preparation("running"), ["starting"]),
        (preparation("running", Step("reading", 0, 0, None)), ["reading the archive or the folder"]),
        (
            preparation("running", Step("fetching", 80_000_000, 160_000_000, 4e6)),
            [" 50% fetching 80/160 MB", "4.0 MB/s, about 20 s left"],
        ),
        (
            preparation("running", Step("writing", 15_000, 60_000, 1500.0)),
            [" 25% writing 15,000/60,000 images", "1,500 images/s, about 30 s left"],
        ),
        (preparation("running", Step("writing", 0, 60_000, None)), ["0% writing 0/60,000 images"]),
        (preparation("failed", ending=Ending(3, "x"), problem="/d: no room"), ["/d: no room", "s tries again"]),
        (preparation("stopped", problem="y"), ["stopped on request", "s resumes where it stopped"]),
    ],
)
def test_a_preparation_says_how_far_it_is_or_how_it_ended(one, texts):
    shown = describe.progress(one, 60).plain
    assert all(text in shown for text in texts), shown


def test_a_prospect_says_what_is_needed_and_what_is_in_the_way():
    asked = RecordedRequest("cifar100", Path("/d/c"), 64, ("cifar100", "--out", "/d/c"))
    ready = PreparePreview(
        asked,
        Preview(images=60_000, classes=100, needed=246_000_000, free=32 * 10**9, to_fetch=169_000_000),
    )
    text = describe.preview(ready, 100).plain
    assert "60,000 in 100 classes" in text
    assert "about 246 MB; 32.0 GB are free there" in text
    assert "time unknown" in text
    assert "169 MB are fetched first" in text
    assert "tfpt-tui prepare cifar100 --out /d/c" in text
    assert "s starts it" in text
    assert "✗ no room" in describe.preview(PreparePreview(asked, Preview(problem="no room")), 50).plain
    training = describe.preview(PreparePreview(asked, Preview(training="sweep 1")), 80).plain
    assert "sweep 1 trains on this machine now: preparing would disturb" in training
    assert "about 40 s" in describe.preview(PreparePreview(asked, Preview(images=9, seconds=40.0)), 80).plain
    assert "resumes where it stopped" in describe.preview(PreparePreview(asked, Preview(continues=True)), 80).plain
    assert "already" in describe.preview(PreparePreview(asked, Preview(there=True)), 80).plain


def test_what_was_told_of_a_source_is_told_of_its_dataset():
    whole = manifest(["a", "b"], [3, 3])
    folder = dataclasses.replace(whole, left_out=("directories within classes: 2",))
    assert "not used directories within classes: 2" in describe.facts(Dataset(Path("/d"), folder), None, 80).plain
    published = {"source": "cifar10", "archive_md5": ARCHIVES["cifar10"].md5}
    for request, doubted in ((published, False), ({**published, "archive_md5": "another"}, True)):
        text = describe.facts(Dataset(Path("/d"), dataclasses.replace(whole, request=request)), None, 80).plain
        assert ("not the one that its authors published" in text) == doubted
