"""An export is what the command line writes, byte for byte."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.recordings import record_run, record_sweep
from tfpt_tui.errors import MissingError
from tfpt_tui.results.requests.export import KINDS, export, free_name, kind_named_by
from tfpt_tui.results.requests.request import ComparisonRequest, compare_runs
from tfpt_tui.results.table import FORMATS

SWEEP = "20261121-100000-quick-aa01"


@pytest.fixture
def runs(paths):
    told = {"sweep": SWEEP, "preset": "quick"}
    recorded = (
        record_run(paths, "20261121-100000-0001", "pytorch", **told),
        record_run(paths, "20261121-100001-0002", "tensorflow", rate=80.0, **told),
    )
    record_sweep(paths, SWEEP, *recorded)
    return recorded


@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_is_the_same_as_that_of_the_command_line(paths, runs, cli, tmp_path, kind):
    out = tmp_path / "mine"
    export(compare_runs(ComparisonRequest(runs), paths), kind, out)
    assert out.read_text() == cli("compare", "--format", kind)[1]


def test_an_export_of_no_runs_is_refused_and_leaves_the_file(runs, cli, tmp_path):
    assert cli("runs", "delete", SWEEP, "--yes")[0] == 0
    out = tmp_path / "box.tar.gz"
    out.write_text("an earlier one")
    code, _, err = cli("runs", "export", SWEEP, "--out", out)
    assert (code, out.read_text()) == (2, "an earlier one")
    assert f"{SWEEP}: none of its runs is left" in err


def test_deleting_where_nobody_can_answer_is_refused(runs, cli, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, err = cli("runs", "delete", runs[0].id)
    assert (code, runs[0].path.is_dir()) == (2, True)
    assert "say --yes" in err


def test_the_runs_are_exported_as_an_archive(paths, runs, tmp_path):
    out = tmp_path / "runs.tar.gz"
    assert export(compare_runs(ComparisonRequest(runs), paths), "runs", out) == 1
    with tarfile.open(out) as tar:
        assert f"runs/{runs[0].id}/result.toml" in tar.getnames()


def test_charts_are_a_directory_and_the_page_has_them_inside(paths, runs, tmp_path):
    found = compare_runs(ComparisonRequest(runs), paths)
    files = export(found, "charts", tmp_path / "charts")
    assert files == len(list((tmp_path / "charts").iterdir()))
    assert (tmp_path / "charts" / "training_time.svg").exists()
    export(found, "html", tmp_path / "page.html")
    assert "<svg" in (tmp_path / "page.html").read_text()


def test_a_directory_that_is_not_there_is_said_in_one_line(paths, runs, tmp_path):
    with pytest.raises(MissingError, match="cannot write the comparison: no such file or directory"):
        export(compare_runs(ComparisonRequest(runs), paths), "csv", tmp_path / "none" / "table.csv")


def test_a_file_that_would_end_as_another_kind_does_is_named():
    assert kind_named_by(Path("runs.tar.gz"), "csv") == KINDS["runs"].title.partition(",")[0]
    assert kind_named_by(Path("runs.tar.gz"), "runs") == ""
    assert kind_named_by(Path("notes"), "csv") == ""


def test_a_suggested_name_is_free(tmp_path):
    for name in ("table.csv", "table-2.csv"):
        assert free_name(tmp_path, "table", "csv").name == name
        (tmp_path / name).touch()
    assert {free_name(tmp_path, "table", kind).name for kind in KINDS} >= {"table", "table-3.csv", "table.tar.gz"}
