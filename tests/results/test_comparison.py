import pytest

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.results.comparison import compare


def result(run, framework="pytorch", status="completed", rate=100.0, accuracy=0.5, **settings):
    config = RunConfig.from_mapping({"framework": framework, "data": "/d", **settings}, "here")
    figures = {"images_per_s": rate, "epoch_s_median": 1000 / rate, "first_epoch_s": 20.0}
    measured = {"training": figures, "test": {"accuracy": accuracy, "loss": 1.0}}
    return {
        "run": run,
        "status": status,
        "config": config.to_mapping(),
        "phases": {"training": 30.0},
        "memory": {"peak_rss_bytes": 800_000_000},
        **(measured if status == "completed" else {}),
    }


def rows(table):
    return [dict(row) for row in table.rows]


def test_each_configuration_has_a_row_and_the_first_is_the_baseline():
    first, second = rows(compare([result("a", rate=100.0), result("b", "tensorflow", rate=125.0)]))
    assert (first["framework"], first["ratio"], first["verdict"]) == ("PyTorch", 1.0, "baseline")
    assert (second["framework"], second["ratio"], second["verdict"]) == ("TensorFlow", 1.25, "single run")


def test_repeats_share_a_row_whose_figures_are_medians():
    (row,) = rows(
        compare([result(str(seed), rate=rate, seed=seed) for seed, rate in ((1, 90), (2, 100), (3, 200))])
    )
    assert (row["n"], row["images_per_s"], row["runs"]) == (3, 100, "1 2 3")
    assert row["epoch_s_min"] == 5.0
    assert row["epoch_s_spread"] == pytest.approx(1000 / 90 - 5.0)


def test_a_baseline_may_be_named():
    first, second = rows(compare([result("a", rate=100.0), result("b", "tensorflow", rate=125.0)], baseline="b"))
    assert first["ratio"] == 0.8
    assert second["verdict"] == "baseline"


def test_only_settings_that_differ_are_columns():
    names = [column.name for column in compare([result("a", batch_size=16), result("b", batch_size=32)]).columns]
    assert "batch_size" in names
    assert "epochs" not in names


def test_a_setting_of_the_other_framework_is_not_applicable_and_no_difference():
    same = compare([result("a"), result("b", "tensorflow", num_workers=3)])
    assert "num_workers" not in [column.name for column in same.columns]
    table = compare([result("a", num_workers=1), result("b", num_workers=2), result("c", "tensorflow")])
    assert [row["num_workers"] for row in rows(table)] == [1, 2, "n/a"]


def test_runs_that_did_not_complete_are_shown_without_figures():
    failed = {**result("a", status="failed"), "error": {"type": "X", "message": "no memory", "traceback": ""}}
    table = compare([failed, result("b", "tensorflow")])
    first, second = rows(table)
    assert (first["status"], first["n"], first["images_per_s"], first["ratio"]) == ("failed", 0, None, None)
    assert second["verdict"] == "baseline"
    assert "a: no memory" in table.notes


def test_repeats_that_ended_differently_are_counted():
    (row,) = rows(compare([result("a", seed=1), result("b", seed=2, status="crashed")]))
    assert (row["status"], row["n"]) == ("1 completed, 1 crashed", 1)


def test_fewer_than_three_repeats_allow_no_conclusion():
    table = compare([result("a"), result("b", "tensorflow")])
    assert any(note.startswith("single run: with fewer than 3 repeats") for note in table.notes)


def test_warnings_and_versions_stand_beside_the_numbers():
    one = {**result("a"), "warnings": ["it swapped"], "versions": {"torch": "2.15.0", "python": "3.11"}}
    notes = compare([one]).notes
    assert "a: it swapped" in notes
    assert "versions: torch 2.15.0" in notes


def test_an_empty_selection_is_a_table_without_rows():
    table = compare([])
    assert table.rows == ()
    assert table.columns[0].name == "framework"
