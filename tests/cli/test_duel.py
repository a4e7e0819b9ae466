"""``tfpt-tui run --duel`` on a scripted worker: what is refused, and what is told."""

import re

import pytest


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--until", "0%"), "0%: must be a percentage such as 2%, greater than 0%"),
        (("--until", "60%"), "at most 50%"),
        (("--until", "soon"), "soon: must be a percentage"),
        (("--budget", "1s"), "1s: a duel needs at least two turns of a second, 2s"),
        (("--budget", "nan"), "nan: must be a time such as 90s, 10m or 1h"),
        (("--rows", "1"), "--duel: a duel needs two rows or more"),
        (("--set", "track=published"), "--duel: the clock of the track published is a whole training in one go"),
        (("--set", "measure=loader"), "--duel: measure=loader is no training"),
    ],
)
def test_what_is_no_duel_is_refused_in_one_line(cli, dataset, fake_python, options, said):
    code, out, err = cli("run", "quick", "--data", dataset, "--duel", *options)
    assert (code, out) == (2, "")
    assert said in err


def test_its_options_ask_for_it(cli, dataset, fake_python):
    code, _, err = cli("run", "quick", "--data", dataset, "--no-duel", "--until", "2%")
    assert code == 2
    assert "--until and --budget: are of a duel; leave --no-duel out" in err


@pytest.mark.parametrize("options", [("--rows", "1"), ("--set", "track=published")])
def test_a_preset_whose_duel_is_impossible_runs_without_and_says_why(cli, dataset, fake_python, options):
    code, out, err = cli("run", "demo", "--data", dataset, "--headless", *options)
    assert code == 0
    assert "no duel, as otherwise by demo: " in err
    assert "rounds in" not in out


def test_a_duel_is_told_as_one_and_ends_with_its_answer(cli, dataset, fake_python):
    code, out, err = cli("run", "demo", "--data", dataset, "--repeats", "1", "--headless")
    assert code == 0
    assert "a duel of 2 arms, 1 restart" in err
    quiet = re.search(r"^(\d) of 2 runs completed without a warning of their own$", err, re.MULTILINE)
    assert err.count("/2] ") + int(quiet[1] if quiet else 0) == 2  # the others have lines of their own
    assert "rounds in 1 restart" in out
    assert "duel: the rows took turns of about " in out
