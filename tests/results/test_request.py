"""One answer for the command line and the app; and what every format of it must carry."""

import csv
import io
import json
import math
import re
import shutil

import pytest

from tests.results.test_comparison import result
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.duel import Turns
from tfpt_tui.results.comparison.statistics import compare_times
from tfpt_tui.results.comparison.verdicts import compare_evidence
from tfpt_tui.results.requests import request
from tfpt_tui.results.requests.request import HTML, TOGETHER, ComparisonRequest, compare_runs, write_out
from tfpt_tui.results.table import FORMATS
from tfpt_tui.runs.record.directory import RunDirectory, list_runs
from tfpt_tui.runs.record.duel_ratio import ASSUMED
from tfpt_tui.runs.record.result import result_document

ENVIRONMENT = {"machine": {"host": "mars", "processor": "EPYC"}, "fingerprint": {"machine": "m", "software": "s"}}
OWN = {25: 1.0, 26: 1.1, 27: 1.2}
BASELINE = {25: 0.8, 26: 1.0, 27: math.inf}


@pytest.fixture
def recorded(paths):
    """Three runs of each framework on the track parity, on disk."""
    for number in range(6):
        framework = ("pytorch", "tensorflow")[number % 2]
        run = RunDirectory(paths.runs / f"20260101-00000{number}-{framework}-0001")
        run.path.mkdir(parents=True)
        versions = {"torch" if framework == "pytorch" else "tensorflow": "9.8.7"}
        rate, seed = 100.0 + number, number // 2
        one = result(run.id, framework, rate=rate, seed=seed, track="parity", versions=versions)
        write_toml(run.result, result_document(one))
        write_toml(run.environment, ENVIRONMENT)
    return list_runs(paths)[::-1]


@pytest.fixture
def calls(monkeypatch):
    """The comparisons that were really worked out."""
    worked_out = []

    def count(evidence, rows):
        worked_out.append(evidence)
        return compare_evidence(evidence, rows)

    monkeypatch.setattr(request, "compare_evidence", count)
    return worked_out


@pytest.fixture
def compare(paths):
    paths.runs.mkdir(parents=True)
    return lambda own, baseline, rows: request._remembering(paths)((own, baseline), rows)


def test_every_format_carries_versions_machine_track_repeats_and_parity(recorded, paths):
    found = compare_runs(ComparisonRequest(tuple(recorded)), paths)
    for format_ in (*FORMATS, HTML):
        text = write_out(found, format_).replace("\\_", "_")
        for fact in ("9.8.7", "mars: EPYC", "parity", "not proven"):
            assert fact in text, (format_, fact)
    rows = list(csv.DictReader(io.StringIO(write_out(found, "csv"))))
    assert [(row["n"], row["track"], row["version"]) for row in rows] == [("3", "parity", "9.8.7")] * 2


def test_the_same_number_is_the_same_in_every_format(recorded, paths):
    found = compare_runs(ComparisonRequest(tuple(recorded)), paths)
    (rate,) = [row["images_per_s"] for row in csv.DictReader(io.StringIO(write_out(found, "csv")))][1:]
    assert json.loads(write_out(found, "json"))["rows"][1]["images_per_s"] == float(rate)
    for format_ in ("table", "markdown", "latex", HTML):
        assert re.search(rf"(?<![\d.]){rate}(?!\d)", write_out(found, format_)), format_


def test_json_has_all_that_is_known_of_the_runs(recorded, paths):
    document = json.loads(write_out(compare_runs(ComparisonRequest(tuple(recorded)), paths), "json"))
    assert document["schema"] == 1
    assert [run["run"] for run in document["runs"]] == [run.id for run in recorded]
    assert document["runs"][0]["environment"]["machine"]["host"] == "mars"


def test_a_published_comparison_is_of_the_presets_own_runs(recorded, paths):
    found = compare_runs(ComparisonRequest(tuple(recorded), published="cpu-plain"), paths)
    assert found.results == []
    assert [row["status"] for row in found.table.rows] == ["not run"] * 4
    assert write_out(found, "csv").splitlines()[0].endswith("track,version,machine")


def test_a_run_that_is_gone_has_no_figures(recorded, paths):
    shutil.rmtree(recorded[0].path)
    found = compare_runs(ComparisonRequest(tuple(recorded)), paths)
    assert found.results[0].status == "crashed"


def test_the_same_timings_are_compared_once(compare, calls):
    found = compare(OWN, {25: 0.8, 26: 1.0, 27: 1.1}, 1)
    assert found == compare_times(OWN, {25: 0.8, 26: 1.0, 27: 1.1})
    assert compare(OWN, {25: 0.8, 26: 1.0, 27: 1.1}, 1) == found
    assert len(calls) == 1


def test_other_timings_other_pairs_or_more_rows_are_another_comparison(compare, calls):
    assert compare(OWN, BASELINE, 1) == compare_times(OWN, BASELINE)
    assert compare(BASELINE, OWN, 1) == compare_times(BASELINE, OWN)
    assert compare(OWN, {1: 0.8, 2: 1.0, 3: math.inf}, 1) == compare_times(OWN, {1: 0.8, 2: 1.0, 3: math.inf})
    assert compare(OWN, {1: 0.8, 2: 1.0, 3: 1.3}, 4) == compare_times(OWN, {1: 0.8, 2: 1.0, 3: 1.3}, 4)
    assert len(calls) == 4


def test_timings_that_cannot_be_compared_stay_so(compare, calls):
    assert compare({}, OWN, 1) is None
    assert compare({}, OWN, 1) is None
    assert len(calls) == 1


def test_another_method_or_scipy_compares_anew(compare, calls, monkeypatch):
    compare(OWN, BASELINE, 1)
    monkeypatch.setattr(request, "METHOD", request.METHOD + 1)
    compare(OWN, BASELINE, 1)
    monkeypatch.setattr(request, "version", lambda name: "0.0")
    compare(OWN, BASELINE, 1)
    assert len(calls) == 3


def test_the_same_turns_are_compared_once(paths, calls):
    paths.runs.mkdir(parents=True)
    turns = Turns(((0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1, 0.3),), ASSUMED, False)
    found = request._remembering(paths)(turns, 1)
    assert found == compare_evidence(turns, 1)
    assert found.by_turns
    assert request._remembering(paths)(turns, 1) == found
    assert len(calls) == 1


def disturb(run):
    document = read_toml(run.result)
    warning = {
        "message": "other processes used 30% of the 2 cores",
        "code": "busy",
        "advice": "",
        "taints": "time",
    }
    write_toml(run.result, {**document, "warnings": [warning]})


def test_disturbed_runs_are_left_out_on_request_and_every_format_says_so(recorded, paths):
    disturb(recorded[0])
    whole = compare_runs(ComparisonRequest(tuple(recorded)), paths)
    assert sum(row["n"] for row in whole.table.rows) == 6
    assert "! 1 of 6 runs disturbed (30 % other load)" in whole.table.answer
    without = compare_runs(ComparisonRequest(tuple(recorded), undisturbed=True), paths)
    assert sum(row["n"] for row in without.table.rows) == 5
    assert without.table.answer[0] == "without 1 of 6 disturbed runs"
    for format_ in (*FORMATS, HTML):
        text = write_out(without, format_)
        assert "1 of 6 disturbed runs" in text
        assert "without" in text


def test_without_a_disturbed_run_its_row_stays_the_baseline(recorded, paths):
    rows = {}
    for run in recorded:
        rows.setdefault(run.id.split("-")[2], []).append(run)
    last = list(rows.values())[-1]
    disturb(last[0])
    request = ComparisonRequest(tuple(recorded), baseline=last[0].id, undisturbed=True)
    found = compare_runs(request, paths)
    (baseline,) = (verdict for verdict in found.verdicts if verdict.is_baseline)
    assert baseline.entry.results[0].run in [run.id for run in last]
    for run in last:
        disturb(run)
    with pytest.raises(
        UsageError, match=f"the baseline {last[0].id} was disturbed, and is left out; name another"
    ):
        compare_runs(request, paths)


def test_where_all_runs_were_disturbed_none_can_be_left_out(recorded, paths):
    for run in recorded:
        disturb(run)
    with pytest.raises(UsageError, match="all 6 runs were disturbed; on a quiet machine, R repeats them"):
        compare_runs(ComparisonRequest(tuple(recorded), undisturbed=True), paths)


def test_frameworks_are_compared_within_what_varies_unless_all_rows_or_a_baseline_are_wanted(paths):
    for number, (framework, size) in enumerate((f, s) for f in ("pytorch", "tensorflow") for s in (16, 32)):
        run = RunDirectory(paths.runs / f"20260101-00000{number}-{framework}-0001")
        run.path.mkdir(parents=True)
        write_toml(run.result, result_document(result(run.id, framework, batch_size=size)))
        write_toml(run.environment, ENVIRONMENT)
    runs = tuple(list_runs(paths)[::-1])
    found = compare_runs(ComparisonRequest(runs), paths)
    assert found.request.by == "batch_size"
    assert [row["verdict"] for row in found.table.rows] == ["baseline", "single run", "baseline", "single run"]
    for request_ in (ComparisonRequest(runs, by=TOGETHER), ComparisonRequest(runs, baseline=runs[0].id)):
        verdicts = [row["verdict"] for row in compare_runs(request_, paths).table.rows]
        assert verdicts.count("baseline") == 1
