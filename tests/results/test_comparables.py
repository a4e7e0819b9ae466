"""What can be compared, narrowed by words and by conditions."""

import pytest

from tests.recordings import a_result, record_run, record_sweep
from tfpt_tui.config.presets import find_preset
from tfpt_tui.config.toml import read_toml, write_toml
from tfpt_tui.errors import UsageError
from tfpt_tui.results.comparison.filters import read_filter
from tfpt_tui.results.requests.comparables import ALL, Choice, change_token, list_choices, narrow, runs_of
from tfpt_tui.results.store.index import read_summaries
from tfpt_tui.runs.record.directory import RunDirectory

OLD, NEW = "20261121-100000-quick-aa01", "20261122-100000-batch-sweep-bb02"


@pytest.fixture
def two_sweeps(paths):
    for number, (sweep, preset) in enumerate(((OLD, "quick"), (NEW, "batch-sweep"))):
        runs = [
            record_run(
                paths,
                f"2026112{number}-10000{place}-000{place}",
                framework,
                sweep=sweep,
                preset=preset,
                batch_size=16 * (place + 1),
            )
            for place, framework in enumerate(("pytorch", "tensorflow"))
        ]
        record_sweep(paths, sweep, *runs, preset=preset)


def choices_of(paths):
    return list_choices(read_summaries(paths), paths)


def test_sweeps_come_newest_first_and_all_runs_after_them(paths, two_sweeps):
    first, second, everything = choices_of(paths)
    assert (first.name, second.name, everything.name) == (NEW, OLD, "all runs")
    assert (first.preset, f"{first.began:%d %H:%M}") == ("batch-sweep", "22 10:00")
    assert first.frameworks == ["pytorch", "tensorflow"]
    assert [len(choice.summaries) for choice in (first, second, everything)] == [2, 2, 4]


def test_a_sweep_that_went_on_is_the_first_again(paths, two_sweeps):
    record_run(paths, "20261123-100000-0009", "pytorch", sweep=OLD, preset="quick")
    assert [choice.name for choice in choices_of(paths)] == [OLD, NEW, "all runs"]


def test_without_runs_there_is_nothing_to_choose(paths):
    assert choices_of(paths) == []


def test_a_published_table_is_a_choice_once_a_row_of_it_was_run(paths):
    record_run(paths, "20261121-100000-0001", "pytorch", preset="cpu-plain")
    assert [choice.kind for choice in choices_of(paths)] == ["all"]
    row = find_preset("cpu-plain", paths).rows[0].resolved()
    told = {key: value for key, value in row.items() if key not in ("framework", "data")}
    run = record_run(paths, "20261121-100001-0002", row["framework"], preset="cpu-plain", **told)
    _, published = choices_of(paths)
    assert (published.kind, published.name) == ("published", "cpu-plain")
    assert [summary.run for summary in published.summaries] == [run.id]


def test_words_and_conditions_narrow_every_choice_to_the_runs_that_have_them(paths, two_sweeps):
    record_run(paths, "20261123-100000-0009", "pytorch", track="parity", batch_size=16)
    choices = choices_of(paths)
    kept = narrow(choices, read_filter("BATCH"))
    assert [(choice.name, len(choice.summaries)) for choice in kept] == [(NEW, 2), ("all runs", 2)]
    (parity,) = narrow(choices, read_filter("parity"))
    assert (parity.name, len(parity.summaries)) == ("all runs", 1)
    assert [len(choice.summaries) for choice in narrow(choices, read_filter("tensor quick"))] == [1, 1]
    kept = narrow(choices, read_filter("batch_size>16"))
    assert [len(choice.summaries) for choice in kept] == [1, 1, 2]
    assert narrow(choices, read_filter("batch_size>500")) == []


def test_a_wrong_condition_is_refused_with_the_nearest_key(paths):
    with pytest.raises(UsageError, match="did you mean 'batch_size'"):
        read_filter("demo batch_sise=3")


def test_the_runs_of_a_sweep_are_those_that_measure_in_the_order_of_its_plan(paths):
    first, second, third = (
        record_run(paths, f"20261121-10000{n}-000{n}", "pytorch", sweep=OLD, preset="quick") for n in range(3)
    )
    directory = record_sweep(paths, OLD, third, second)
    entries = [{"run": first.id, "burn_in": True}, {"run": third.id}, {"run": second.id}]
    write_toml(directory / "plan.toml", {"sweep": OLD, "preset": "quick", "runs": entries})
    assert runs_of(choices_of(paths)[0], paths) == [third, second]


def test_what_only_warmed_the_machine_up_is_in_no_choice(paths, two_sweeps):
    before = [len(choice.summaries) for choice in choices_of(paths)]
    warm = record_run(paths, "20261122-100009-0009", "pytorch", sweep=NEW, preset="batch-sweep")
    write_toml(warm.result, {**read_toml(warm.result), "burn_in": True})
    assert [len(choice.summaries) for choice in choices_of(paths)] == before


def test_a_sweep_that_was_imported_has_no_plan_and_can_be_compared(paths):
    runs = [record_run(paths, f"20261121-10000{n}-000{n}", "pytorch", sweep=OLD, preset="quick") for n in range(2)]
    assert runs_of(choices_of(paths)[0], paths) == runs


def test_a_run_that_is_not_over_is_among_those_of_its_sweep(paths, two_sweeps):
    live = record_run(paths, "20261122-100009-0009", "pytorch", sweep=NEW, preset="batch-sweep")
    live.result.unlink()
    write_toml(live.state, {"sweep": NEW})
    assert live.id in [summary.run for summary in choices_of(paths)[0].summaries]


def test_the_pulse_is_another_when_a_run_comes_goes_or_ends(paths, monkeypatch):
    record_run(paths, "20261120-100000-0001", "pytorch")
    live = RunDirectory(paths.runs / "20261120-100000-tensorflow-0002")
    live.path.mkdir()
    listed = [Choice(ALL, "all runs", "", (a_result(live.id, "tensorflow", "running"),))]
    monkeypatch.setattr("tfpt_tui.results.requests.comparables.status_of", lambda run: "running")
    before = change_token(listed, paths)
    (paths.runs / ".index.sqlite-journal").touch()
    assert change_token(listed, paths) == before
    monkeypatch.setattr("tfpt_tui.results.requests.comparables.status_of", lambda run: "completed")
    ended = change_token(listed, paths)
    assert ended != before
    record_run(paths, "20261120-100000-0003", "pytorch")
    assert change_token(listed, paths) != ended
