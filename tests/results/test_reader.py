"""Results that this version cannot read are told, and are no crash."""

import pytest

from tests.recordings import a_result, record_run
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.results.store.index import read_results
from tfpt_tui.results.store.reader import judge_worker, read_result


@pytest.fixture
def run(paths):
    return record_run(paths, "20261121-100000-0001", "pytorch")


def test_a_result_of_a_newer_schema_says_that_it_needs_a_newer_version(run):
    write_toml(run.result, {**read_toml(run.result), "schema": 2})
    found = read_result(run)
    assert found.status == "crashed"
    assert found.error.message == f"{run.result}: has schema 2, which needs a newer tfpt-tui"


@pytest.mark.parametrize("name", ["status", "config", "phases"])
def test_a_result_that_lacks_a_table_names_it(run, name):
    document = read_toml(run.result)
    del document[name]
    write_toml(run.result, document)
    found = read_result(run)
    assert found.status == "crashed"
    assert f"not a result of tfpt-tui: {name} is missing" in found.error.message


def test_an_old_result_without_a_schema_is_read(run):
    document = read_toml(run.result)
    del document["schema"]
    write_toml(run.result, document)
    assert read_result(run).status == "completed"


@pytest.mark.parametrize(
    ("changes", "void"),
    [
        ({}, True),
        ({"measure": "model", "track": "parity"}, True),
        ({"worker_version": "0.2.0"}, False),
        ({"framework": "pytorch"}, False),
        ({"track": "published"}, False),
        ({"measure": "loader"}, False),
        ({"device": "gpu:0"}, False),
    ],
)
def test_what_the_old_worker_measured_wrongly_is_void_and_says_why(changes, void):
    device = changes.get("device", "cpu")
    warning = judge_worker(a_result(**{"framework": "tensorflow", **changes}, effective={"device": device}))
    assert (warning is not None) == void
    if warning:
        assert (warning.code, warning.taints) == ("void", "time")
        assert "warm-up slowed TensorFlow down by 2 to 4 times" in warning.message


@pytest.mark.parametrize("warnings", [3, "swapped", [3], {"message": "swapped"}])
def test_warnings_that_are_none_make_an_unknown_environment_and_an_unreadable_result(run, warnings):
    write_toml(run.environment, {**read_toml(run.environment), "warnings": warnings})
    assert not read_result(run).environment.is_known
    write_toml(run.result, {**read_toml(run.result), "warnings": warnings})
    found = read_result(run)
    assert found.status == "crashed"
    assert "not a result of tfpt-tui: warnings" in found.error.message


def test_settings_of_a_configuration_without_a_dataset_are_kept(run, paths):
    document = read_toml(run.result)
    del document["config"]["data"]
    write_toml(run.result, {**document, "config": {**document["config"], "epochs": 2}})
    assert read_result(run).config.epochs == 2
    assert read_results(paths, [run]) == [read_result(run)]
