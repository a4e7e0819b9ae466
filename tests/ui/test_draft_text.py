"""The words of Build, without an app."""

import pytest

from tfpt_tui.config.presets import find_preset
from tfpt_tui.runs.plan.draft import FIELDS, begin, look_at
from tfpt_tui.runs.supervision.queue import describe_start
from tfpt_tui.ui.build.plan_preview import PlanPreview
from tfpt_tui.ui.build.text import FORM, field_help, field_note, known_values, row_lines, summary


@pytest.fixture
def outcome(paths):
    def look(**texts):
        draft = begin(find_preset("demo", paths)).type("data", "/d")
        for key, text in texts.items():
            draft = draft.type(key, text)
        return look_at(draft)

    return look


def test_every_setting_has_its_place_in_one_group():
    placed = [key for keys in FORM.values() for key in keys]
    assert sorted(placed) == sorted(FIELDS)


def test_a_row_fits_the_narrowest_terminal_with_its_printed_numbers(paths):
    for name in ("cpu-plain", "cpu-augmented", "gpu-augmented", "deepfashion"):
        heading, lines = row_lines(find_preset(name, paths))
        assert max(map(len, [heading, *lines])) <= 48
        assert all(line.split()[1] in ("PyTorch", "TensorFlow") for line in lines)


def test_a_field_says_its_meaning_range_and_unit(outcome):
    text = field_help(outcome().fields["batch_size"]).plain
    assert text == (
        "batch_size  images in a training step (images)\na whole number from 1 to 65536, several by commas"
    )
    assert field_help(outcome().fields["data"]).plain.endswith("Enter or double-click to choose: a path")
    assert field_note(outcome().fields["batch_size"]).plain == "images"
    assert field_note(outcome(batch_size="1,2").fields["batch_size"]).plain == "2 values"
    assert field_note(outcome(batch_size="\x1b").fields["batch_size"]).plain.startswith("✗ must be")


def test_the_summary_says_how_many_how_long_and_when(outcome):
    assert summary(outcome(), None, "").plain == "f9 starts 2 runs (estimating)"
    assert summary(outcome(), PlanPreview("", 90.0), "").plain == "f9 starts 2 runs (about 2 min)"
    waiting = summary(outcome(repeats="5"), PlanPreview(), "1 run of sweep x").plain
    assert waiting == "f9 queues 10 runs (time not known) after 1 run of sweep x"
    assert summary(outcome(seed="x"), None, "").plain.startswith("✗ seed must be a whole number")


def test_known_values_come_from_the_schema_and_from_this_machine():
    assert known_values("cache", {}, [], ["box"]) == [("true", ""), ("false", "")]
    assert known_values("environment", {}, ["t"], ["box"]) == [("default", ""), ("t", "")]
    assert known_values("track", {}, [], ["box"]) == [
        ("published", ""),
        ("parity", ""),
        ("default", ""),
        ("documented", ""),
        ("best", ""),
    ]
    assert known_values("on", {}, [], ["box"]) == [("here", "this machine"), ("box", "")]


def test_a_plan_that_was_started_is_said_to_be_under_way_or_to_wait():
    assert describe_start(2, "") == "2 runs under way"
    assert describe_start(1, "sweep x") == "1 run waits for sweep x"
