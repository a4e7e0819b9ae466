"""``tfpt-tui demo`` on a scripted worker, with a stand-in for the proof, which trains for half a minute."""

from datetime import datetime

import pytest

from tfpt_tui.cli import demo
from tfpt_tui.errors import MissingError
from tfpt_tui.results.comparison.parity import Check, Proof


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(demo, "IMAGES_PER_CLASS", 1)


def proof(*passed):
    checks = tuple(
        Check(f"check {number}", "", 0.0 if one else 1.0, 0.5) for number, one in enumerate(passed, start=1)
    )
    return Proof(datetime(2026, 11, 29), "box", "cpu", "x86", {"torch": "9.9"}, checks, {})


def test_it_proves_parity_compares_by_turns_and_says_what_to_try_next(cli, fake_python, monkeypatch):
    monkeypatch.setattr(demo, "prove", lambda *_: [proof(True, True, False)])
    code, out, err = cli("demo", "--headless")
    assert code == 0
    assert "parity: 2 of 3 checks passed" in err
    assert "in 1 restart" in out
    commands = [line.split("  ")[1] for line in err.partition("next, on your own images")[2].splitlines()[1:]]
    assert [command.split()[:2] for command in commands] == [
        ["tfpt-tui", word] for word in ("prepare", "run", "run")
    ]


def test_without_a_proof_it_still_compares(cli, fake_python, monkeypatch):
    def fail(*_):
        raise MissingError("no torch here")

    monkeypatch.setattr(demo, "prove", fail)
    code, out, err = cli("demo", "--headless")
    assert code == 0
    assert "no proof of parity: no torch here" in err
    assert "in 1 restart" in out
