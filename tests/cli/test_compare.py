"""``tfpt-tui compare`` as a user or a script sees it."""

import json

import pytest

from tfpt_tui.cli.wait_for_sweep import report
from tfpt_tui.config.paths import find_paths
from tfpt_tui.runs.record.sweep import latest_sweep


def edit_environment(tmp_path, run, text):
    """Say where a run comes from, as its supervisor would have."""
    (tmp_path / "runs" / run / "environment.toml").write_text(text)


def test_runs_are_compared_in_every_format_with_the_same_numbers(cli, dataset, fake_python, tmp_path):
    cli("run", "demo", "--data", dataset, "--no-duel")
    document = json.loads(cli("compare", "--format", "json")[1])
    header, *rows = (line.split(",") for line in cli("compare", "--format", "csv")[1].splitlines())
    column = header.index("images_per_s")
    assert [float(row[column]) for row in rows] == [row["images_per_s"] for row in document["rows"]]
    assert "| framework |" in cli("compare", "--format", "markdown")[1]
    code, out, _ = cli("compare", "--out", tmp_path / "table.txt")
    assert (code, out) == (0, "")
    assert (tmp_path / "table.txt").read_text().startswith("PyTorch was 1.00x as fast as TensorFlow")
    code, _, err = cli("compare", "--out", tmp_path / "none/table.txt")
    assert (code, err.count("\n")) == (3, 1)


def test_a_baseline_changes_what_the_others_are_measured_against(cli, dataset, fake_python):
    _, out, _ = cli("run", "demo", "--data", dataset, "--no-duel", "--detach")
    _, tensorflow = out.split()
    cli("runs", "tail", tensorflow)
    rows = json.loads(cli("compare", "--baseline", tensorflow, "--format", "json")[1])["rows"]
    assert [row["verdict"] for row in rows] == ["single run", "baseline"]
    assert (
        "TensorFlow was 1.00x as fast as PyTorch, in too few runs to be sure (1 pair)"
        in cli("compare", "--baseline", tensorflow)[1]
    )


@pytest.mark.parametrize("option", ["--fail-if", "--sweep", "--baseline", "--by", "--out", "--published"])
def test_an_option_whose_variable_was_not_set_is_refused(cli, option):
    code, out, err = cli("compare", option, "")
    assert (code, out) == (2, "")
    assert f"{option}: is empty" in err


@pytest.mark.parametrize(
    "option", [("--by", "batch_size"), ("--all-columns",), ("--fail-if", "tensorflow slower than 5%")]
)
def test_published_numbers_take_no_option_that_they_would_not_look_at(cli, option):
    code, _, err = cli("compare", "--published", "cpu-plain", *option)
    assert code == 2
    assert "--published: compares with printed numbers" in err


def test_a_baseline_that_did_not_complete_is_refused(cli, dataset, fake_python, monkeypatch):
    monkeypatch.setenv("FAKE_STORY", "exits")
    first = cli("run", "demo", "--data", dataset, "--no-duel", "--detach")[1].split()[0]
    cli("runs", "tail", first)
    code, _, err = cli("compare", "--baseline", first)
    assert code == 2
    assert f"--baseline {first}: is " in err
    assert "name a run that completed" in err


def test_runs_of_other_machines_are_compared_only_across(cli, dataset, fake_python, tmp_path):
    _, out, _ = cli("run", "demo", "--data", dataset, "--no-duel", "--detach")
    first, second = out.split()
    cli("runs", "tail", second)
    edit_environment(tmp_path, first, '[fingerprint]\nmachine = "a1"\n[machine]\nhost = "mars"\n')
    edit_environment(tmp_path, second, '[fingerprint]\nmachine = "b2"\n[machine]\nhost = "venus"\n')
    code, out, err = cli("compare")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "different machines (host mars and venus); --across" in err
    code, out, _ = cli("compare", "--across")
    assert code == 0
    assert "different machines (host mars and venus)" in out
    # Whoever waited for a sweep is shown what came of it.
    found = find_paths(str(tmp_path / "runs"))
    assert "different machines (host mars and venus)" in report(latest_sweep(found), found)


def test_a_broken_environment_makes_a_run_of_unknown_origin(cli, dataset, fake_python, tmp_path):
    run = cli("run", "demo", "--data", dataset, "--rows", "1", "--detach")[1].strip()
    cli("runs", "tail", run)
    edit_environment(tmp_path, run, "[finger")
    assert cli("compare")[0] == 0
    assert json.loads(cli("runs", "show", run, "--json")[1])["environment"] == {}


def test_a_burn_in_is_compared_only_when_it_is_named(cli, dataset, fake_python, tmp_path):
    _, out, _ = cli("run", "demo", "--data", dataset, "--rows", "1", "--burn-in", "--cooldown", "0", "--detach")
    first, second = out.split()
    cli("runs", "tail", second)
    found = find_paths(str(tmp_path / "runs"))
    sweep = latest_sweep(found)
    assert first not in cli("compare")[1]
    assert first not in cli("compare", "--sweep", sweep.id)[1]
    assert first not in cli("compare", "status=completed")[1]
    assert first in cli("compare", first, second)[1]
    assert ["burn-in" in line for line in cli("runs", "list")[1].splitlines() if first in line] == [True]
    assert report(sweep, found).startswith(f"run {second}: completed")


def test_a_sweep_is_compared_by_its_id_as_a_run_is(cli, dataset, fake_python, tmp_path):
    cli("run", "demo", "--data", dataset, "--no-duel")
    sweep = latest_sweep(find_paths(str(tmp_path / "runs")))
    assert cli("compare", sweep.id, "--format", "csv")[1] == cli("compare", "--format", "csv")[1]


def test_runs_without_a_time_are_said_to_have_none(cli, dataset, fake_python, monkeypatch):
    monkeypatch.setenv("FAKE_STORY", "exits")
    cli("run", "demo", "--data", dataset, "--no-duel")
    assert "none of these runs has a time that counts" in cli("compare")[2]
