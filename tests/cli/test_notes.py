"""What a user notes of runs stays with them, and chooses them."""

import json
import tarfile

import pytest

from tests.recordings import record_run, record_sweep
from tfpt_tui.config.toml import write_toml
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.runs.record.directory import RunDirectory
from tfpt_tui.runs.record.notes import NO_NOTES, Notes, read_notes, write_note, write_tags

SWEEP = "20261121-100000-quick-aa01"


@pytest.fixture
def runs(paths):
    recorded = (
        record_run(paths, "20261121-100000-0001", "pytorch", sweep=SWEEP),
        record_run(paths, "20261121-100001-0002", "tensorflow", sweep=SWEEP, rate=80.0),
    )
    record_sweep(paths, SWEEP, *recorded)
    return recorded


def test_a_note_and_tags_are_shown_wherever_the_run_is(cli, runs):
    first = runs[0].id
    assert cli("runs", "note", first, "before", "the driver")[0] == 0
    assert "#baseline #v1 before the driver" in cli("runs", "tag", first, "baseline", "v1")[2]
    assert "#baseline #v1 before the driver" in cli("runs", "list")[1]
    assert "#baseline #v1 before the driver" in cli("runs", "show", first)[1]
    expected = {"note": "before the driver", "tags": ["baseline", "v1"]}
    assert json.loads(cli("runs", "show", first, "--json")[1])["notes"] == expected
    assert [run.get("notes") for run in json.loads(cli("runs", "list", "--json")[1])] == [None, expected]


def test_a_note_is_shown_without_a_text_and_taken_away_on_request_alone(cli, runs):
    write_note(runs[0], "kept")
    assert "kept" in cli("runs", "note", runs[0].id)[2]
    assert cli("runs", "note", runs[0].id, "new", "--remove")[0] == 2
    assert read_notes(runs[0]).note == "kept"
    assert "no note" in cli("runs", "note", runs[0].id, "--remove")[2]
    assert read_notes(runs[0]) == NO_NOTES


def test_a_list_without_notes_has_no_column_for_them(cli, runs):
    assert "notes" not in cli("runs", "list")[1]


def test_the_index_hears_of_a_note_on_a_run_that_it_knows(paths, runs):
    assert [run.notes for run in read_summaries(paths)] == [NO_NOTES, NO_NOTES]
    write_note(runs[0], "seen")
    assert [run.notes.note for run in read_summaries(paths)] == ["", "seen"]
    write_note(runs[0], "")
    assert [run.notes for run in read_summaries(paths)] == [NO_NOTES, NO_NOTES]


def test_runs_are_compared_by_their_tag_and_a_sweep_is_tagged_whole(cli, runs):
    assert cli("runs", "tag", SWEEP, "night")[0] == 0
    rows = json.loads(cli("compare", "tag=night", "--format", "json")[1])["rows"]
    assert {row["framework"] for row in rows} == {"PyTorch", "TensorFlow"}
    _, _, told = cli("compare", "tag=day")
    assert "tag=day" in told


def test_tags_are_taken_away_and_nothing_is_left_behind(cli, runs):
    write_tags(runs[0], ("a", "b"))
    assert cli("runs", "tag", runs[0].id, "a", "--remove")[0] == 0
    assert read_notes(runs[0]).tags == ("b",)
    cli("runs", "tag", runs[0].id, "b", "--remove")
    assert not runs[0].notes.exists()


@pytest.mark.parametrize("tag", ["", "two words", "a,b", "x=1", "#a", "-", "a" * 41, "ä\n"])
def test_what_is_no_tag_is_refused_and_nothing_is_written(cli, runs, tag):
    code, _, told = cli("runs", "tag", runs[0].id, "--", "good", tag)
    assert (code, told.count("\n")) == (2, 1)
    assert "a tag has up to 40 letters from a to z" in told
    assert read_notes(runs[0]) == NO_NOTES


def test_a_note_is_one_line_and_not_endless(cli, runs):
    cli("runs", "note", runs[0].id, "two\nlines\x1b[31m")
    assert read_notes(runs[0]).note == "two lines\x1b[31m"
    assert "\x1b" not in cli("runs", "list")[1]
    code, _, told = cli("runs", "note", runs[0].id, "x" * 501)
    assert (code, "at most 500 letters" in told) == (2, True)


def test_a_damaged_file_of_notes_hides_no_run(cli, runs):
    for text in ("tags = 3", "note = ", "\x00", 'schema = 99\nnote = "later"'):
        runs[0].notes.write_text(text)
        assert read_notes(runs[0]) == NO_NOTES
    assert cli("runs", "show", runs[0].id)[0] == 0


def test_notes_travel_with_an_export(cli, runs, tmp_path):
    write_tags(runs[0], ("here",))
    cli("runs", "export", runs[0].id, "--out", str(tmp_path / "r.tar.gz"))
    with tarfile.open(tmp_path / "r.tar.gz") as tar:
        assert f"runs/{runs[0].id}/notes.toml" in tar.getnames()


def test_notes_are_their_own(runs):
    write_note(runs[0], "x")
    write_tags(runs[0], ("t",))
    assert read_notes(runs[0]) == Notes("x", ("t",))


def test_what_is_no_tag_is_left_out_of_a_file_from_elsewhere(paths, tmp_path):
    run = RunDirectory(tmp_path)
    write_toml(run.notes, {"schema": 1, "note": "a\x1b[2Jb", "tags": ["good", "\x1b[2J", "two words"]})
    assert read_notes(run).tags == ("good",)
