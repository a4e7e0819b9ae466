from tests.recordings import a_result
from tfpt_tui.events import RunWarning
from tfpt_tui.results.presentation.listing import listing
from tfpt_tui.results.table import as_text


def result(**known):
    return a_result(track="parity", **known)


def test_a_rate_that_is_no_training_is_named_as_such():
    whole, loader = listing([result(), result(measure="loader")]).rows
    assert (whole["track"], loader["track"]) == ("parity", "parity, loader")


def test_what_makes_the_rate_doubtful_stands_beside_it():
    flagged = result(warnings=(RunWarning("m", "busy", taints="time"), RunWarning("m", "swap_in_use")))
    (row,) = listing([flagged]).rows
    assert row["flags"] == "busy"
    assert "busy" in as_text(listing([flagged])).splitlines()[2][:80]


def test_environments_are_shown_once_a_run_names_one():
    assert "environment" not in as_text(listing([result()]))
    first, second = listing([result(environment="old"), result()]).rows
    assert (first["environment"], second["environment"]) == ("old", "default")
    assert "environment" in as_text(listing([result(environment="old"), result()]))


def test_only_the_epochs_that_were_trained_count():
    whole, short = listing([result(epochs=20), result(epochs=20, epochs_measured=2)]).rows
    assert (whole["epochs"], short["epochs"]) == (20, "2/20")
