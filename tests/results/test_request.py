"""One answer for the command line and the app; and what every format of it must carry."""

import csv
import io
import json
import re
import shutil

import pytest

from tests.results.test_comparison import result
from tfpt_tui.config.toml import write_toml
from tfpt_tui.results.requests.request import HTML, Request, answer, write_out
from tfpt_tui.results.table import FORMATS
from tfpt_tui.runs.record.directory import RunDirectory, list_runs

ENVIRONMENT = {"machine": {"host": "mars", "processor": "EPYC"}, "fingerprint": {"machine": "m", "software": "s"}}


@pytest.fixture
def recorded(paths):
    """Three runs of each framework on the track parity, on disk."""
    for number in range(6):
        framework = ("pytorch", "tensorflow")[number % 2]
        run = RunDirectory(paths.runs / f"20260101-00000{number}-{framework}-0001")
        run.path.mkdir(parents=True)
        one = result(run.id, framework, rate=100.0 + number, seed=number // 2, track="parity")
        distribution = "torch" if framework == "pytorch" else "tensorflow"
        write_toml(run.result, {**one, "versions": {distribution: "9.8.7"}})
        write_toml(run.environment, ENVIRONMENT)
    return list_runs(paths)[::-1]


def test_every_format_carries_versions_machine_track_repeats_and_parity(recorded, paths):
    found = answer(Request(tuple(recorded)), paths)
    for format_ in (*FORMATS, HTML):
        text = write_out(found, format_).replace("\\_", "_")
        for fact in ("9.8.7", "mars: EPYC", "parity", "not proven"):
            assert fact in text, (format_, fact)
    rows = list(csv.DictReader(io.StringIO(write_out(found, "csv"))))
    assert [(row["n"], row["track"], row["version"]) for row in rows] == [("3", "parity", "9.8.7")] * 2


def test_the_same_number_is_the_same_in_every_format(recorded, paths):
    found = answer(Request(tuple(recorded)), paths)
    (rate,) = [row["images_per_s"] for row in csv.DictReader(io.StringIO(write_out(found, "csv")))][1:]
    assert json.loads(write_out(found, "json"))["rows"][1]["images_per_s"] == float(rate)
    for format_ in ("table", "markdown", "latex", HTML):
        assert re.search(rf"(?<![\d.]){rate}(?!\d)", write_out(found, format_)), format_


def test_json_has_all_that_is_known_of_the_runs(recorded, paths):
    document = json.loads(write_out(answer(Request(tuple(recorded)), paths), "json"))
    assert document["schema"] == 1
    assert [run["run"] for run in document["runs"]] == [run.id for run in recorded]
    assert document["runs"][0]["environment"]["machine"]["host"] == "mars"


def test_a_published_comparison_is_of_the_presets_own_runs(recorded, paths):
    found = answer(Request(tuple(recorded), published="cpu-plain"), paths)
    assert found.results == []
    assert [row["status"] for row in found.table.rows] == ["not run"] * 4
    assert write_out(found, "csv").splitlines()[0].endswith("track,version,machine")


def test_a_run_that_is_gone_has_no_figures(recorded, paths):
    shutil.rmtree(recorded[0].path)
    found = answer(Request(tuple(recorded)), paths)
    assert found.results[0]["status"] == "crashed"
